"""The check of a promotion: each condition is met, and unmet by one planted cause; refusals change nothing."""

from __future__ import annotations

from typing import Any

import pytest

from app.evaluation.question_sets import delete_question_set
from configs.errors import ConflictError, NotFoundError
from configs.part import JsonObject
from indexes.database.engine import now
from indexes.database.tables import Document
from tests.app.evaluation.experiments.laboratory import QUESTIONS, TREES, words
from tests.app.evaluation.promotion.trials import Trials
from tests.app.evaluation.world import WORKSPACE, asked


def refused(code: str) -> Any:
    return pytest.raises(ConflictError, check=lambda error: error.code == code)


@pytest.fixture
def upgraded(trials: Trials) -> str:
    """Return a finished experiment on `s16`, which is active, and `s32`, the candidate, equivalent by edit."""
    trials.activate("s16")
    trials.candidate("s32")
    experiment_id = trials.compare("s16", "s32")
    trials.edit_pair(experiment_id, verdict="equivalent", equivalence_low=-0.01, equivalence_high=0.01)
    trials.edit_strategy(experiment_id, "s32", failures=0)
    trials.edit(experiment_id, pinned_must_pass={"s16": [], "s32": []})
    return experiment_id


def test_a_first_promotion_needs_no_comparison(trials: Trials) -> None:
    trials.candidate("s16")
    experiment_id = trials.compare("s16", "s32")
    checked = trials.check(experiment_id)
    assert {one.name for one in checked.conditions} == {
        "evidence", "index", "strategy", "question_set", "documents", "access", "failures", "questions", "must_pass",
    }  # fmt: skip
    assert checked.is_met, checked.unmet
    change = trials.promote(experiment_id)
    assert trials.active() == "s16"
    assert change.evidence is not None
    assert (change.evidence["experiment_id"], change.evidence["override"]) == (experiment_id, None)


def test_every_condition_can_be_met_against_an_active_version(trials: Trials, upgraded: str) -> None:
    trials.limit(p95_seconds=9, request_tokens=9_000, usd_per_request=1, least_score=0.1)
    latency = {"seconds": 0.2, "low_seconds": 0.1, "high_seconds": 0.3}
    trials.edit_strategy(upgraded, "s32", latency={"requests": 100, "p50": latency, "p95": latency, "p99": None})
    checked = trials.check(upgraded)
    assert checked.is_met, checked.unmet
    assert len(checked.conditions) == 15
    trials.promote(upgraded)
    assert trials.active() == "s32"


def test_without_an_experiment_there_is_no_evidence(trials: Trials) -> None:
    trials.candidate("s16")
    assert trials.unmet(None) == ["evidence"]
    with pytest.raises(NotFoundError):
        trials.check("absent")


def test_an_unfinished_experiment_is_no_evidence(trials: Trials) -> None:
    trials.candidate("s16")
    entries = [{"strategy": name} for name in ("s16", "s32")]
    assert trials.unmet(trials.laboratory.create(*entries)) == ["evidence"]


def test_an_experiment_on_a_part_of_the_documents_is_no_evidence(trials: Trials) -> None:
    trials.candidate("s16")
    everywhere: JsonObject = {"all": []}
    assert trials.unmet(trials.compare("s16", "s32", filter=everywhere)) == ["evidence"]


def test_the_very_settings_must_have_been_asked(trials: Trials) -> None:
    experiment_id = trials.compare("s16", "s32")
    trials.save("s32", words(32, candidates=7)["setup"])
    trials.candidate("s32")
    assert trials.unmet(experiment_id) == ["strategy"]
    trials.save("again", words(32)["setup"])
    trials.candidate("again")
    assert trials.unmet(experiment_id) == [], "the same settings under another name are the same strategy"


def test_another_state_of_the_set_makes_evidence_stale(trials: Trials) -> None:
    trials.candidate("s16")
    experiment_id = trials.compare("s16", "s32")
    with trials.world.database.write() as session:
        delete_question_set(session, WORKSPACE, "trees")
    assert trials.unmet(experiment_id) == ["question_set"]
    trials.world.save("trees", *QUESTIONS[:-1])
    assert trials.unmet(experiment_id) == ["question_set"]
    with trials.world.database.write() as session:
        delete_question_set(session, WORKSPACE, "trees")
    trials.world.save("trees", *QUESTIONS)
    assert trials.unmet(experiment_id) == []


@pytest.mark.parametrize("change", ["changed", "new", "gone"])
def test_other_documents_make_evidence_stale(trials: Trials, change: str) -> None:
    trials.candidate("s16")
    experiment_id = trials.compare("s16", "s32")
    if change == "gone":
        trials.world.delete("larch")
    else:
        trials.world.add("larch" if change == "changed" else "elm", "Another text about another tree.")
    found = trials.condition(experiment_id, "documents")
    assert (found.is_met, found.measured, f"1 {change}" in found.detail) == (False, 1, True)
    assert found.items == ["elm" if change == "new" else "larch"]


@pytest.mark.parametrize("values", [{"title": "Other"}, {"access": ["group:a"]}, {"attributes": {"n": 1}}], ids=str)
def test_documents_that_are_described_anew_make_evidence_stale(trials: Trials, values: JsonObject) -> None:
    trials.candidate("s16")
    experiment_id = trials.compare("s16", "s32", principals=["group:a"])
    with trials.world.database.write() as session:
        document = session.get_one(Document, "larch")
        document.updated_at = now()
        for name, value in values.items():
            setattr(document, name, value)
    found = trials.condition(experiment_id, "documents")
    assert (found.is_met, found.measured, found.items) == (False, 1, ["larch"])
    assert "1 with another title" in found.detail


def test_an_experiment_that_may_not_read_the_documents_is_no_evidence(trials: Trials) -> None:
    """Strategies that can find nothing are all alike, and equivalent."""
    trials.world.add("elm", "The elm has rough leaves.", access=["group:a"])
    trials.world.add("larch", TREES["larch"], access=["group:a", "group:b"])
    trials.candidate("s16")
    found = trials.condition(trials.compare("s16", "s32"), "access")
    assert (found.is_met, found.measured, found.items) == (False, 2, ["elm", "larch"])
    assert "2 of 6 documents" in found.detail
    assert "1 of those with answers" in found.detail
    for principals, is_met in ((["group:b"], False), (["group:a"], True)):
        assert trials.condition(trials.compare("s16", "s32", principals=principals), "access").is_met is is_met


def test_an_index_behind_its_documents_is_told(trials: Trials) -> None:
    trials.candidate("s32")
    trials.world.add("elm", "A text about the elm.")
    assert trials.condition(None, "index").measured == 1
    trials.save("s32", words(32)["setup"])
    assert trials.condition(None, "index").is_met


@pytest.mark.parametrize(
    ("verdict", "low", "is_met"),
    [
        ("better", 0.05, True),
        ("equivalent", -0.019, True),
        ("worse", -0.2, False),
        ("too_close_to_call", -0.0201, False),
        ("too_close_to_call", -0.0199, True),
    ],
)
def test_no_regression_is_a_verdict_or_a_bound(
    trials: Trials, upgraded: str, verdict: str, low: float, is_met: bool
) -> None:
    first = trials.laboratory.experiment(upgraded).findings["analysis"]["pairs"][0]["first"]  # type: ignore[index]  # a finished experiment has findings
    turned = {"better": "worse", "worse": "better"}
    ends = {"equivalence_low": low, "equivalence_high": 0.5}
    if first != "s32":
        verdict, ends = turned.get(verdict, verdict), {"equivalence_low": -0.5, "equivalence_high": -low}
    trials.edit_pair(upgraded, verdict=verdict, **ends)
    found = trials.condition(upgraded, "no_regression")
    assert (found.is_met, found.measured, found.limit) == (is_met, low, -0.02)


def test_few_questions_show_nothing(trials: Trials) -> None:
    trials.activate("s16")
    trials.save("nearly", words(16, stores=[{"kind": "bm25", "k1": 0.1, "b": 0.1}])["setup"])
    trials.candidate("nearly")
    found = trials.condition(trials.compare("s16", "nearly"), "no_regression")
    assert not found.is_met
    assert "too close to call" in found.detail


def test_the_active_version_must_have_been_asked_too(trials: Trials) -> None:
    trials.activate("s16")
    trials.save("s48", words(48)["setup"])
    trials.candidate("s32")
    assert "no_regression" in trials.unmet(trials.compare("s32", "s48"))


def test_a_reference_line_has_no_verdict(trials: Trials) -> None:
    trials.activate("s16")
    trials.save("nothing", {"baseline": "no_context"})
    trials.candidate("nothing")
    found = trials.condition(trials.compare("s16", "s32", "nothing"), "no_regression")
    assert not found.is_met
    assert "reference line" in found.detail


def test_the_same_settings_are_no_regression(trials: Trials) -> None:
    trials.activate("s16")
    trials.save("twin", words(16)["setup"])
    trials.candidate("twin")
    assert trials.unmet(trials.compare("s16", "s32")) == []


def test_a_wide_margin_is_no_evidence(trials: Trials, upgraded: str) -> None:
    trials.limit(margin=0.01)
    assert trials.unmet(upgraded) == ["margin"]


@pytest.mark.parametrize("limit", ["question_set", "metric"])
def test_evidence_is_of_what_the_alias_names(trials: Trials, upgraded: str, limit: str) -> None:
    checked = trials.check(upgraded)
    used = {"question_set": checked.question_set, "metric": checked.metric}
    trials.limit(**used)
    assert trials.check(upgraded).is_met
    trials.limit(**{**used, limit: "another"})
    assert trials.unmet(upgraded) == ["agreement"]
    assert "another" in trials.check(upgraded).unmet[0].detail
    with refused("promotion_refused"):
        trials.promote(upgraded)


def test_failed_cells_are_no_evidence(trials: Trials, upgraded: str) -> None:
    trials.edit_strategy(upgraded, "s32", failures=1)
    found = trials.condition(upgraded, "failures")
    assert (found.is_met, found.limit) == (False, 0.02)
    assert found.measured == pytest.approx(1 / 7)


def test_what_must_pass_is_named(trials: Trials, upgraded: str) -> None:
    trials.edit(upgraded, pinned_must_pass={"s16": [], "s32": ["q4"]})
    found = trials.condition(upgraded, "must_pass")
    assert (found.is_met, found.items) == (False, ["q4"])
    assert found.detail == "s32 loses 1 of 1 pinned questions, s16 0"


def test_a_pinned_question_that_was_not_asked_did_not_pass(trials: Trials) -> None:
    trials.world.save("unmarked", *QUESTIONS, asked("Which tree is the oldest?", id="unmarked", pinned=True))
    trials.candidate("s16")
    experiment_id = trials.compare("s16", "s32", question_set="unmarked")
    assert trials.condition(experiment_id, "must_pass").items == ["unmarked"]


def test_limits_are_held_against_the_upper_end(trials: Trials, upgraded: str) -> None:
    latency = {"seconds": 0.2, "low_seconds": 0.1, "high_seconds": 0.3}
    timed = {"requests": 100, "p50": latency, "p95": latency, "p99": None}
    tokens = {"request_tokens": 900.0, "request_tokens_range": {"low": 800.0, "high": 1000.0}}
    trials.edit_strategy(upgraded, "s32", latency=timed, **tokens)
    for limit, names in ((0.31, []), (0.29, ["latency"])):
        trials.limit(p95_seconds=limit)
        assert trials.unmet(upgraded) == names
    for tokens_limit, names in ((1000, []), (999, ["tokens"])):
        trials.limit(request_tokens=tokens_limit)
        assert trials.unmet(upgraded) == names
    trials.limit(usd_per_request=1e-9)
    assert trials.unmet(upgraded) == ["cost"]


def test_what_was_not_measured_keeps_no_limit(trials: Trials, upgraded: str) -> None:
    trials.limit(p95_seconds=100, usd_per_request=100, model="no-such-model")
    assert trials.unmet(upgraded) == ["latency", "cost"]


def test_a_refusal_lists_every_cause_and_changes_nothing(trials: Trials, upgraded: str) -> None:
    trials.limit(margin=0.01, p95_seconds=1)
    with refused("promotion_refused") as caught:
        trials.promote(upgraded)
    assert [one["name"] for one in caught.value.extra["unmet"]] == ["margin", "latency"]
    assert all(one["detail"] for one in caught.value.extra["unmet"])
    assert trials.active() == "s16"


def test_an_override_keeps_its_reason_and_what_was_unmet(trials: Trials, upgraded: str) -> None:
    trials.limit(margin=0.01)
    evidence = trials.promote(upgraded, "we must").evidence
    assert evidence is not None
    assert evidence["override"] == {"reason": "we must", "unmet": ["margin"]}
    assert trials.active() == "s32"


def test_an_override_that_is_not_needed_is_none(trials: Trials, upgraded: str) -> None:
    evidence = trials.promote(upgraded, "to be sure").evidence
    assert evidence is not None
    assert evidence["override"] is None


def test_no_override_promotes_what_cannot_answer(trials: Trials) -> None:
    trials.save("far", words(64)["setup"], build=False)
    trials.candidate("far")
    assert "index" in trials.unmet(None)
    with refused("index_missing"):
        trials.promote(None, "whatever")
    assert trials.active() is None
