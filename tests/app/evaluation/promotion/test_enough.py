"""Enough is shown of the candidate alone: so many independent questions, and a score that is surely reached."""

from __future__ import annotations

import pytest

from app.context.aliases.limits import Limits
from app.context.aliases.records import load_alias
from configs.errors import ConflictError
from tests.app.evaluation.experiments.laboratory import QUESTIONS
from tests.app.evaluation.promotion.trials import BOT, Trials
from tests.app.evaluation.world import WORKSPACE


def test_a_first_promotion_on_few_questions_shows_nothing(trials: Trials) -> None:
    trials.candidate("s16")
    experiment_id = trials.compare("s16", "s32")
    trials.limit(**Limits().model_dump())
    found = trials.condition(experiment_id, "questions")
    assert (found.is_met, found.measured, found.limit) == (False, 6, 20)
    assert found.detail == "6 questions decided, 6 of them independent; the alias takes 20 at least"
    assert trials.unmet(experiment_id) == ["questions"]
    with pytest.raises(ConflictError, check=lambda error: error.code == "promotion_refused"):
        trials.promote(experiment_id)
    for least, names in ((7, ["questions"]), (6, []), (None, [])):
        trials.limit(least_questions=least)
        assert trials.unmet(experiment_id) == names
    assert "questions" not in [one.name for one in trials.check(experiment_id).conditions], "null sets none"


def test_limits_that_an_earlier_release_stored_ask_for_as_many_questions(trials: Trials) -> None:
    trials.candidate("s16")
    experiment_id = trials.compare("s16", "s32")
    with trials.world.database.write() as session:
        row = load_alias(session, WORKSPACE, BOT)
        row.limits = {name: value for name, value in row.limits.items() if not name.startswith("least_")}
    assert trials.unmet(experiment_id) == ["questions"]


@pytest.mark.parametrize(
    ("clusters", "independent"), [(["a"] * 7, 1), (["a", "a", "a", "b", "b", "c", None], 3), ([None] * 7, 6)]
)
def test_questions_of_one_cluster_count_once(trials: Trials, clusters: list[str | None], independent: int) -> None:
    named = [question | {"cluster": name} for question, name in zip(QUESTIONS, clusters, strict=True)]
    trials.world.save("named", *named)
    trials.candidate("s16")
    found = trials.condition(trials.compare("s16", "s32", question_set="named"), "questions")
    assert (found.measured, found.detail.split(";")[0]) == (
        independent, f"6 questions decided, {independent} of them independent"
    )  # fmt: skip


def test_nothing_is_shown_where_no_question_decided(trials: Trials) -> None:
    trials.world.save("made-up", *(question | {"origin": "pseudo"} for question in QUESTIONS))
    trials.candidate("s16")
    experiment_id = trials.compare("s16", "s32", question_set="made-up")
    trials.limit(least_score=0)
    assert trials.unmet(experiment_id) == ["questions", "score"]
    assert trials.condition(experiment_id, "questions").measured == 0
    assert "no question decided" in trials.condition(experiment_id, "score").detail


def test_a_score_is_held_by_the_lower_end_of_its_interval(trials: Trials) -> None:
    trials.candidate("s16")
    experiment_id = trials.compare("s16", "s32")
    analysis = (trials.laboratory.experiment(experiment_id).findings or {})["analysis"]
    scores = [
        one | ({"mean": 0.9, "low": 0.7, "high": 0.95} if one["label"] == "s16" else {"low": 0.99})
        for one in analysis["strategies"]
    ]
    trials.edit(experiment_id, analysis={**analysis, "strategies": scores})
    for least, names in ((0.7, []), (0.71, ["score"]), (0.9, ["score"])):
        trials.limit(least_score=least)
        assert trials.unmet(experiment_id) == names
    found = trials.condition(experiment_id, "score")
    assert (found.measured, found.limit) == (0.7, 0.9)
    assert "s16 is 0.900 [0.700, 0.950]; the alias takes 0.9 at least" in found.detail


def test_a_reference_line_has_no_score_to_go_by(trials: Trials) -> None:
    trials.save("everything", {"baseline": "whole_documents"})
    trials.candidate("everything")
    experiment_id = trials.compare("s16", "s32", "everything")
    assert trials.unmet(experiment_id) == []
    trials.limit(least_score=0)
    assert trials.unmet(experiment_id) == ["score"]
    assert "reference line" in trials.condition(experiment_id, "score").detail
