"""Shadowing: identical versions agree fully, disjoint ones not at all, and each question keeps its own rights."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from app.context.aliases.recent_questions import RecentQuestion
from app.context.contexts import Contexts
from app.context.saved_strategies import load_strategy
from app.evaluation.promotion.shadowing import SECONDS_AT_MOST, Shadowing, shadow
from configs.errors import ConflictError
from indexes.access import Filter, Principal
from tests.app.evaluation.experiments.laboratory import words
from tests.app.evaluation.promotion.trials import Trials
from tests.app.evaluation.world import WORKSPACE


def asked(question: str, *names: str, user_id: str | None = None, **fields: Any) -> RecentQuestion:
    values: dict[str, Any] = {"context_id": "c", "restriction": None, **fields}
    return RecentQuestion(question=question, principal=Principal.of(names), user_id=user_id, **values)


def run(trials: Trials, active: str, candidate: str, *recent: RecentQuestion, **more: Any) -> Shadowing:
    with trials.world.database.read() as session:
        saved = [load_strategy(session, WORKSPACE, name) for name in (active, candidate)]
    contexts = Contexts(trials.world.database, trials.world.retriever)
    return shadow(contexts, WORKSPACE, saved[0], saved[1], recent, **more)


QUESTIONS = (asked("What eases pain?"), asked("Which tree is poison?"), asked("What drops in autumn?"))


def test_the_same_settings_agree_fully(trials: Trials) -> None:
    trials.save("twin", words(16)["setup"])
    found = run(trials, "s16", "twin", *QUESTIONS)
    assert found.rank_biased_overlap == pytest.approx(1.0)
    assert found.first_results_changed == 0
    for one in found.questions:
        assert (one.active.tokens, one.active.sources) == (one.candidate.tokens, one.candidate.sources)
    assert found.active is not None
    assert found.candidate is not None
    assert (found.active.strategy, found.candidate.strategy) == ("s16 version 1", "twin version 1")


def test_swapping_the_versions_swaps_the_sides(trials: Trials) -> None:
    there, back = (run(trials, *pair, *QUESTIONS) for pair in (("s16", "s32"), ("s32", "s16")))
    assert there.rank_biased_overlap == back.rank_biased_overlap
    for one, other in zip(there.questions, back.questions, strict=True):
        assert (one.active.tokens, one.candidate.tokens) == (other.candidate.tokens, other.active.tokens)
        assert one.first_result_changed == other.first_result_changed
    assert there.questions[1].active.tokens != there.questions[1].candidate.tokens, "the sides look alike"


def test_a_changed_first_result_is_counted(trials: Trials) -> None:
    trials.world.add("elm", "Pain pain pain. " + "Some words of filling, and more of them, to make it long. " * 8)
    for name, b in (("flat", 0.0), ("short", 1.0)):
        trials.save(name, words(256, stores=[{"kind": "bm25", "b": b}])["setup"])
    found = run(trials, "flat", "short", asked("pain"), asked("Which tree is poison?"))
    assert [one.first_result_changed for one in found.questions] == [True, False]
    assert found.first_results_changed == 1
    overlap = found.questions[0].rank_biased_overlap
    assert overlap is not None
    assert overlap < 1


def test_a_reference_line_does_not_rank(trials: Trials) -> None:
    trials.save("nothing", {"baseline": "no_context"})
    found = run(trials, "s16", "nothing", *QUESTIONS)
    assert found.rank_biased_overlap is None
    assert found.first_results_changed == len(QUESTIONS)
    assert all(one.candidate.sources == 0 for one in found.questions)


def test_each_question_keeps_its_rights_and_its_filter(trials: Trials) -> None:
    trials.world.add("secret", "Zanzibar is secret. What eases pain there is rest.", access=["group:a"])
    restriction = Filter.model_validate({"all": [{"tags": ["absent"]}]})
    for name in ("s16", "s32"):
        trials.save(name, words(int(name[1:]))["setup"])
    recent = (asked("Zanzibar"), asked("Zanzibar", "group:a"), asked("pain", restriction=restriction))
    found = run(trials, "s16", "s32", *recent)
    assert [one.active.sources > 0 for one in found.questions] == [False, True, False]
    assert [one.candidate.sources > 0 for one in found.questions] == [False, True, False]


def test_a_user_who_is_gone_is_left_out(trials: Trials) -> None:
    found = run(trials, "s16", "s32", asked("What eases pain?", "user:gone", user_id="gone"), QUESTIONS[1])
    assert [one.question for one in found.questions] == [QUESTIONS[1].question]


def test_nothing_asked_is_nothing_compared(trials: Trials) -> None:
    found = run(trials, "s16", "s32")
    assert (found.questions, found.rank_biased_overlap, found.active) == ([], None, None)


def test_it_ends_in_time(trials: Trials) -> None:
    seconds = count(0, SECONDS_AT_MOST / 1.5)
    found = run(trials, "s16", "s32", *QUESTIONS, clock=lambda: next(seconds))
    assert (len(found.questions), found.stopped_early) == (1, True)


def test_a_missing_index_is_an_error(trials: Trials) -> None:
    trials.save("far", words(64)["setup"], build=False)
    with pytest.raises(ConflictError, match="does not exist"):
        run(trials, "s16", "far", *QUESTIONS)
