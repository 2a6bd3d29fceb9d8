"""Sentences carry the figures and never claim more than the conclusion."""

from __future__ import annotations

import pytest

from app.evaluation.personalisation.findings import find_personalisation
from app.evaluation.personalisation.sentences import sentences
from tests.app.evaluation.personalisation.scores import (
    PLAN,
    Effect,
    anybodys,
    harmful,
    nothing,
    private,
    shared,
    table_of,
)

PERSONAL, GROUP, WORKSPACE = "the effect is personal", "an effect of the group", "an effect of the workspace, not"


@pytest.mark.parametrize(
    ("effect", "begins", "claims"),
    [
        (private, "With their own profile users get 0.2", PERSONAL),
        (shared, "With their own profile users get 0.2", GROUP),
        (anybodys, "With their own profile users get 0.", WORKSPACE),
        (nothing, "No effect is shown: ", None),
        (harmful, "Personalisation harms: ", None),
    ],
)
def test_the_first_sentence_is_the_conclusion_and_claims_nothing_else(
    effect: Effect, begins: str, claims: str | None
) -> None:
    said = sentences(find_personalisation(table_of(effect), PLAN))
    assert said[0].startswith(begins)
    assert [one for one in (PERSONAL, GROUP, WORKSPACE) if one in said[0]] == ([claims] if claims else [])
    assert all(one.endswith(".") and not one.endswith("..") for one in said)


def test_figures_stand_in_the_sentences() -> None:
    found = find_personalisation(table_of(private), PLAN)
    said = " ".join(sentences(found))
    gain, worst = found.comparisons.gain.difference, found.worst_decile
    assert gain is not None
    assert worst.gain is not None
    for figure in (
        f"{gain.value:.3f} ({gain.low:.3f} to {gain.high:.3f}) more recall",
        f"{found.harm.own.harm.value:.1%}",
        f"{found.harm.own.help.value:.1%}",
        f"(3 of 30) gain {worst.gain:+.3f}",
        "180 questions of 30 users",
        "20 draws within groups",
    ):
        assert figure in said


def test_a_loss_is_said_with_its_ends_in_order() -> None:
    found = find_personalisation(table_of(harmful), PLAN)
    gain = found.comparisons.gain.difference
    assert gain is not None
    assert f"{-gain.value:.3f} ({-gain.high:.3f} to {-gain.low:.3f}) less recall" in found.conclusion_sentence


def test_few_users_are_counted() -> None:
    said = sentences(find_personalisation(table_of(anybodys, users=6), PLAN))
    assert said[0] == "Not enough users: 6 took part, and a verdict needs 10."
    assert "0 users have 5 independent questions" not in " ".join(said)
    assert any("6 users have 5 independent questions or more, and 20 are needed" in one for one in said)
