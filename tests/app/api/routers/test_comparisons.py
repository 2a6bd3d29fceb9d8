"""What a request for a comparison may say, and how its strategies and questions are chosen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.api.chosen import Choice
from app.api.routers import comparisons
from app.api.routers.comparisons import MOST_HITS, MOST_QUESTIONS, ComparisonView, NewComparison
from app.context.saved_strategies import save_strategy
from app.context.strategy import BaselineSetup, Strategy
from app.evaluation.comparison import Comparison
from app.evaluation.question_sets import save_question_set
from configs.errors import InvalidInputError, NotFoundError
from configs.part import JsonObject
from indexes.access import Principal
from tests.app.evaluation.world import WORKSPACE, World, asked, lexical, new_questions

QUESTION = {"question": "why?"}
BOTH = [{"strategy": "default"}, {"strategy": "lexical"}]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Yield a world with the strategies `default` and `nothing`, and a question set of 101 questions."""
    world = World(tmp_path)
    with world.database.write() as session:
        save_strategy(session, WORKSPACE, "default", Strategy(retrieval=lexical()))
        save_strategy(session, WORKSPACE, "nothing", Strategy(retrieval=BaselineSetup(baseline="no_context")))
        save_question_set(session, WORKSPACE, "long", new_questions(*(asked(f"q{n}") for n in range(101))))
        save_question_set(session, WORKSPACE, "short", new_questions(asked("a"), asked("b"), asked("c")))
    yield world
    world.close()


def request(**fields: object) -> NewComparison:
    """Return a request with two strategies."""
    return NewComparison.model_validate({"strategies": BOTH, **fields})


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"questions": [QUESTION], "question_set": "demo"},
        {"questions": [QUESTION], "limit": 5},
        {"questions": []},
        {"questions": [QUESTION] * (MOST_QUESTIONS + 1)},
        {"question_set": "../demo"},
        {"question_set": "demo", "limit": 0},
        {"question_set": "demo", "limit": MOST_QUESTIONS + 1},
        {"question_set": "demo", "strategies": []},
        {"question_set": "demo", "strategies": [{"strategy": "default"}] * 21},
        {"question_set": "demo", "strategies": [{"strategy": "default", "setup": {"baseline": "no_context"}}]},
        {"question_set": "demo", "strategies": ["default"]},
        {"question_set": "demo", "k": 0},
        {"question_set": "demo", "k": 101},
        {"question_set": "demo", "k": 10**9},
        {"question_set": "demo", "budget_tokens": 15},
        {"question_set": "demo", "budget_tokens": 100_001},
        {"question_set": "demo", "metric": "ndcg"},
    ],
)
def test_a_request_outside_its_limits_is_refused(fields: JsonObject) -> None:
    with pytest.raises(ValidationError):
        request(**fields)


def test_what_is_left_out_has_defaults() -> None:
    body = request(question_set="demo")
    assert (body.k, body.budget_tokens, body.limit, body.principals, body.filter) == (5, 1_000, None, [], None)
    assert body.require_fresh is False


@pytest.mark.parametrize(
    ("questions", "strategies", "k", "fits"),
    [(100, 20, 10, True), (100, 20, 11, False), (1, 20, 100, True), (100, 2, 100, True), (100, 3, 100, False)],
)
def test_a_comparison_has_a_largest_size(questions: int, strategies: int, k: int, fits: bool) -> None:
    assert fits is (questions * strategies * k <= MOST_HITS)
    if fits:
        comparisons._check_size(questions, strategies, k)
        return
    with pytest.raises(InvalidInputError) as caught:
        comparisons._check_size(questions, strategies, k)
    assert caught.value.code == "comparison_too_large"
    assert f"k = {k}" in caught.value.detail


def test_labels_of_strategies_are_unique(world: World) -> None:
    inline = {"setup": lexical(32).model_dump(mode="json")}
    said = [{}, {"strategy": "nothing"}, {"strategy": "default", "version": 1}, inline, inline]
    choices = [Choice.model_validate(one) for one in said]
    with world.database.read() as session:
        contestants = comparisons._contestants(session, WORKSPACE, choices)
    labels = [contestant.label for contestant in contestants]
    assert labels == ["default version 1", "nothing version 1", "default version 1 (2)", "inline", "inline (2)"]
    assert [contestant.is_baseline for contestant in contestants] == [False, True, False, False, False]
    assert contestants[4].setup == lexical(32).resolved()


def test_an_unknown_strategy_is_named(world: World) -> None:
    with world.database.read() as session, pytest.raises(NotFoundError) as caught:
        comparisons._contestants(session, WORKSPACE, [Choice(strategy="missing")])
    assert caught.value.code == "strategy_not_found"
    assert "'missing'" in caught.value.detail


@pytest.mark.parametrize(
    ("limit", "asked_questions"), [(None, ["a", "b", "c"]), (2, ["a", "b"]), (50, ["a", "b", "c"])]
)
def test_the_first_questions_of_a_set_are_asked(world: World, limit: int | None, asked_questions: list[str]) -> None:
    body = request(question_set="short", limit=limit)
    with world.database.read() as session:
        questions, question_set = comparisons._questions(session, WORKSPACE, body, Principal())
    assert [question.question for question in questions] == asked_questions
    assert question_set is not None
    assert (question_set.name, question_set.question_count) == ("short", 3)


def test_a_set_that_is_too_large_needs_a_limit(world: World) -> None:
    with world.database.read() as session:
        with pytest.raises(InvalidInputError) as caught:
            comparisons._questions(session, WORKSPACE, request(question_set="long"), Principal())
        assert caught.value.code == "too_many_questions"
        assert "101 questions" in caught.value.detail
        limited = request(question_set="long", limit=MOST_QUESTIONS)
        assert len(comparisons._questions(session, WORKSPACE, limited, Principal())[0]) == MOST_QUESTIONS


def test_questions_sent_along_come_from_no_set(world: World) -> None:
    body = request(questions=[{"question": "a", "tags": ["x"]}, {"question": "b", "id": "mine"}])
    with world.database.read() as session:
        questions, question_set = comparisons._questions(session, WORKSPACE, body, Principal())
    assert [(one.id, one.tags) for one in questions] == [("q1", ("x",)), ("mine", ())]
    assert question_set is None


def test_the_answer_holds_the_comparison_and_its_question_set() -> None:
    assert set(ComparisonView.model_fields) == {*Comparison.model_fields, "question_set"}
