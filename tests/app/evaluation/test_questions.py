"""Marked answers are located exactly, or refused with what was found instead."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.evaluation.questions import (
    Evidence,
    NewEvidence,
    NewQuestion,
    Question,
    locate_questions,
)
from configs.errors import ConflictError, InvalidInputError, NotFoundError, PlaygroundError
from configs.part import JsonObject
from configs.span import Span
from indexes.access import Principal
from tests.app.evaluation.spans import place
from tests.app.evaluation.world import WORKSPACE, World, asked, new_questions, quoted, spanned

TEXT = "The bear lives in Berlin. The wolf lives in Bremen. aaaa 🎉 Ünïcode\r\nend"


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Yield a world with the document `guide`, which no test changes."""
    world = World(tmp_path_factory.mktemp("guide"))
    world.add("guide", TEXT)
    yield world
    world.close()


def refusal(world: World, *questions: JsonObject) -> PlaygroundError:
    """Return the error with which the questions are refused."""
    with pytest.raises(PlaygroundError) as caught:
        world.locate(*questions)
    return caught.value


@pytest.mark.parametrize(
    "evidence",
    [
        {"document_id": "guide"},
        {"document_id": "guide", "start": 3},
        {"document_id": "guide", "end": 3},
        {"document_id": "guide", "start": 0, "end": 3, "quote": "The"},
        {"document_id": "guide", "start": 3, "quote": "The"},
        {"document_id": "guide", "start": 3, "end": 3},
        {"document_id": "guide", "start": 4, "end": 3},
        {"document_id": "guide", "start": -1, "end": 3},
        {"document_id": "guide", "start": 0, "end": 2**31},
        {"document_id": "guide", "quote": ""},
        {"document_id": "guide", "quote": "a\x00b"},
        {"document_id": "guide", "quote": "a\ud800b"},
        {"document_id": "../guide", "quote": "The"},
        {"document_id": "guide", "quote": "The", "grade": 2},
        {"quote": "The"},
    ],
)
def test_evidence_that_marks_no_place_or_two_is_refused(evidence: JsonObject) -> None:
    with pytest.raises(ValidationError):
        NewEvidence.model_validate(evidence)


@pytest.mark.parametrize(
    "question",
    [
        {"question": ""},
        {"question": "  \n"},
        {"question": "x" * 10_001},
        {"question": "nul \x00"},
        {"question": "why?", "id": "with space"},
        {"question": "why?", "id": ""},
        {"question": "why?", "tags": [""]},
        {"question": "why?", "tags": ["tag"] * 21},
        {"question": "why?", "answer": "because"},
        {"question": "why?", "evidence": [quoted("guide", "The")] * 51},
    ],
)
def test_a_question_outside_its_limits_is_refused(question: JsonObject) -> None:
    with pytest.raises(ValidationError):
        NewQuestion.model_validate(question)


def test_a_quote_becomes_the_span_where_it_stands(guide: World) -> None:
    (question,) = guide.locate(asked("Where does the wolf live?", quoted("guide", "wolf lives in Bremen"), tags=["a"]))
    (evidence,) = question.evidence
    assert question.tags == ("a",)
    assert (evidence.document_id, evidence.version_id) == ("guide", guide.version_of("guide"))
    assert TEXT[evidence.start : evidence.end] == "wolf lives in Bremen"
    assert evidence.place == place(evidence.start, evidence.end, evidence.version_id)


@pytest.mark.parametrize("quote", ["🎉", "Ünïcode\r\n", "end", "The bear", TEXT])
def test_offsets_are_code_points_of_the_unchanged_text(guide: World, quote: str) -> None:
    (question,) = guide.locate(asked("?", quoted("guide", quote)))
    start, end = question.evidence[0].start, question.evidence[0].end
    assert TEXT[start:end] == quote


@given(st.integers(0, len(TEXT) - 1), st.integers(1, 30))
def test_quoting_a_span_locates_it_or_names_every_match(guide: World, start: int, length: int) -> None:
    quote = TEXT[start : start + length]
    matches = [position for position in range(len(TEXT)) if TEXT.startswith(quote, position)]
    if len(matches) == 1:
        (question,) = guide.locate(asked("?", quoted("guide", quote)))
        assert [question.evidence[0].start] == matches
        return
    error = refusal(guide, asked("?", quoted("guide", quote)))
    assert error.code == "quote_ambiguous"
    assert error.extra == {"matches": len(matches), "positions": matches[:10]}


def test_a_quote_that_is_not_there_is_refused(guide: World) -> None:
    error = refusal(guide, asked("?", quoted("guide", "the bear"), id="lower-case"))
    assert isinstance(error, InvalidInputError)
    assert error.code == "quote_not_found"
    assert error.extra == {"matches": 0, "positions": []}
    assert "'lower-case'" in error.detail
    assert "'the bear' occurs 0 times" in error.detail


def test_overlapping_matches_of_a_quote_are_counted(guide: World) -> None:
    error = refusal(guide, asked("?", quoted("guide", "aa")))
    first = TEXT.index("aaaa")
    assert error.extra == {"matches": 3, "positions": [first, first + 1, first + 2]}
    assert f"at {first}, {first + 1}, {first + 2}" in error.detail


def test_a_long_quote_is_shown_in_part(guide: World) -> None:
    error = refusal(guide, asked("?", quoted("guide", "z" * 5_000)))
    assert "z" * 100 + "…" in error.detail
    assert "z" * 101 not in error.detail


def test_many_matches_are_all_counted_and_some_shown(world: World) -> None:
    world.add("echo", "echo " * 50)
    error = refusal(world, asked("?", quoted("echo", "echo")))
    assert error.extra["matches"] == 50
    assert error.extra["positions"] == list(range(0, 50, 5))
    assert error.detail.endswith(", …")


def test_a_span_may_end_with_the_text_and_not_after_it(guide: World) -> None:
    (question,) = guide.locate(asked("?", spanned("guide", Span(0, len(TEXT)))))
    assert question.evidence[0].end == len(TEXT)
    error = refusal(guide, asked("?", spanned("guide", Span(0, len(TEXT) + 1))))
    assert isinstance(error, InvalidInputError)
    assert error.code == "span_outside_document"
    assert f"[0, {len(TEXT) + 1})" in error.detail
    assert error.extra == {"characters": len(TEXT)}


def test_a_document_that_does_not_exist_is_refused(world: World) -> None:
    world.add("gone", "text")
    world.delete("gone")
    for document_id in ("missing", "gone"):
        error = refusal(world, asked("?", quoted(document_id, "text")))
        assert isinstance(error, NotFoundError)
        assert error.code == "document_not_found"


def test_a_document_of_another_workspace_does_not_exist(guide: World) -> None:
    with guide.database.read() as session, pytest.raises(NotFoundError):
        locate_questions(session, "other", new_questions(asked("?", quoted("guide", "bear"))))


def test_a_document_that_no_version_answers_for_is_a_conflict(world: World) -> None:
    world.add("queued", "text", ready=False)
    error = refusal(world, asked("?", quoted("queued", "text")))
    assert isinstance(error, ConflictError)
    assert error.code == "document_not_ready"


def test_evidence_is_located_in_the_version_that_answers(world: World) -> None:
    world.add("guide", TEXT)
    world.add("guide", "A newer text about bears.", ready=False)
    (question,) = world.locate(asked("?", quoted("guide", "bear lives")))
    assert question.evidence[0].version_id == world.version_of("guide")


def test_a_principal_finds_nothing_in_what_it_may_not_read(world: World) -> None:
    world.add("budget", "The budget is 40,000.", access=["group:finance"])
    questions = new_questions(asked("?", quoted("budget", "40,000")))
    with world.database.read() as session:
        located = locate_questions(session, WORKSPACE, questions, Principal.of(["group:finance"]))
        assert located[0].evidence[0].document_id == "budget"
        for names in ([], ["user:ann"]):
            with pytest.raises(NotFoundError) as caught:
                locate_questions(session, WORKSPACE, questions, Principal.of(names))
            assert caught.value.detail == "there is no document 'budget' here"


def test_ids_are_kept_or_chosen_by_position(world: World) -> None:
    questions = world.locate(asked("a"), asked("b", id="mine"), asked("c"), asked("d", id="q5"), asked("e"))
    assert [question.id for question in questions] == ["q1", "mine", "q3", "q5", "q5-"]


def test_duplicate_ids_are_refused(world: World) -> None:
    error = refusal(world, asked("a", id="x"), asked("b", id="y"), asked("c", id="x"))
    assert isinstance(error, InvalidInputError)
    assert error.code == "duplicate_question_ids"
    assert error.extra == {"ids": ["x"]}


def test_values_are_frozen() -> None:
    evidence = Evidence(document_id="d", version_id="v", start=0, end=1)
    question = Question(id="q", question="?", evidence=(evidence,), tags=())
    for value, name in ((evidence, "start"), (question, "id"), (NewQuestion(question="?"), "id")):
        with pytest.raises(ValidationError):
            setattr(value, name, "other")
