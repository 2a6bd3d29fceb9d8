"""Personalisation under test: what is planted is found, and what is not there is not."""

from __future__ import annotations

from typing import Any

import pytest

from app.context.erasure.owners import Person
from app.evaluation.erased_evidence import evidence_owner
from app.evaluation.experiments.findings import Findings
from app.evaluation.experiments.personal_findings import StrategyPersonalisation
from configs.part import JsonObject
from tests.app.evaluation.experiments.clientele import TOPICS, Choice, at_random, by_group, name, plant
from tests.app.evaluation.experiments.laboratory import Laboratory, words
from tests.app.evaluation.world import WORKSPACE

NOBODY: JsonObject = {
    "personalisation": dict.fromkeys(("profile", "history", "memories", "preferences", "feedback"), False)
}
MRR: JsonObject = {"kind": "mrr", "k": 10}


def personal(**context: Any) -> JsonObject:
    """Return an entry whose contexts follow the user."""
    return {**words(64), "label": "personal", "context": context}


def anonymous() -> JsonObject:
    """Return the same entry for which everybody is nobody."""
    return {**words(64), "label": "anonymous", "context": NOBODY}


def judged(laboratory: Laboratory, needs: Choice, prefers: Choice) -> tuple[Findings, StrategyPersonalisation]:
    plant(laboratory, needs, prefers)
    findings = laboratory.run(personal(), anonymous(), question_set="clientele", metrics=[MRR])
    (one,) = findings.personalisation
    assert one.label == "personal"
    return findings, one


def test_a_private_signal_is_found(laboratory: Laboratory) -> None:
    needs = at_random(1)
    findings, one = judged(laboratory, needs, needs)
    assert one.findings.conclusion == "personal_effect"
    by_label = {strategy.label: strategy.means["mrr@10"] for strategy in findings.strategies}
    assert by_label["personal"] == 1.0
    gain = one.findings.comparisons.gain.difference
    assert gain is not None
    assert gain.value == pytest.approx(1.0 - (by_label["anonymous"] or 0.0))
    assert (one.findings.users, one.findings.questions, one.findings.failures) == (12, 48, 0)


def test_a_groups_signal_is_called_one(laboratory: Laboratory) -> None:
    needs = by_group(2)
    _, one = judged(laboratory, needs, needs)
    assert one.findings.conclusion == "group_effect"
    assert one.findings.placebo_reading == "workspace_or_group_effect"
    own, within = one.findings.harm.own, one.findings.harm.placebo_within
    assert within is not None
    assert own.help.value == within.help.value


@pytest.mark.parametrize("seed", [3, pytest.param(4, marks=pytest.mark.slow), pytest.param(5, marks=pytest.mark.slow)])
def test_no_signal_is_never_called_better(laboratory: Laboratory, seed: int) -> None:
    _, one = judged(laboratory, at_random(seed), at_random(seed + 100))
    assert one.findings.conclusion == "no_effect_shown"
    assert one.findings.comparisons.gain.verdict != "better"
    assert one.findings.harm.own.harm.value > 0


def test_cells_of_an_erased_user_are_erased(laboratory: Laboratory) -> None:
    plant(laboratory, at_random(1), at_random(1))
    experiment_id = laboratory.create(personal(), anonymous(), question_set="clientele", metrics=[MRR])
    laboratory.finish(experiment_id)
    owner, person = evidence_owner(laboratory.world.folder), Person(workspace_id=WORKSPACE, user_id=name(3))
    with laboratory.world.database.write() as session:
        assert owner.erase_person(session, person) == {"cells": 2 * len(TOPICS)}
        assert owner.erase_person(session, person).keys() == {"placebo_scores"}
        assert owner.erase_person(session, person) == {}
    experiment = laboratory.experiment(experiment_id)
    numbers = [n for n, one in enumerate(experiment.parsed_questions()) if one.user_id == name(3)]
    for cell in laboratory.cells(experiment_id):
        assert (cell.erased_at is not None) == (cell.question_number in numbers)
        assert bool(cell.ranked) == (cell.question_number not in numbers)
        assert cell.scores
    assert Findings.model_validate(experiment.findings).erased_cells == 2 * len(TOPICS)
