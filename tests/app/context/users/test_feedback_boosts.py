"""Boosts: bounded, shrunk, explained, and exactly nothing where nothing is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.context.users.feedback_boosts import BoostSettings, DocumentTraits, boosted, boosts_of, normalised
from app.context.users.feedback_evidence import Evidence, EvidenceWeights, evidence_of
from app.context.users.known import Feedback, Preferences, Signal

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SETTINGS = BoostSettings()
ALONE = BoostSettings(workspace_evidence="alone")
NONE = BoostSettings(workspace_evidence="none")
NOTHING = Preferences()
A = DocumentTraits(document_id="a", external_id="handbook", tags=("legal", "new"))

amounts = st.one_of(st.just(0.0), st.floats(0, 50))
reaches = st.sampled_from([SETTINGS, ALONE, NONE])


def evidence(positive: float, negative: float = 0) -> Evidence:
    return Evidence(positive=np.array([positive]), negative=np.array([negative]))


def total(own: Evidence, others: Evidence, settings: BoostSettings = SETTINGS) -> float:
    return float(boosts_of([A], own, others, NOTHING, settings).total[0])


def given_feedback(signal: Signal, rank: int | None = None, days: float = 0, times: int = 1) -> Evidence:
    created_at = NOW - timedelta(days=days)
    one = Feedback(id="f", document_id="a", signal=signal, rank=rank, context_id=None, created_at=created_at)
    return evidence_of([one] * times, ["a"], NOW, EvidenceWeights())


@pytest.mark.parametrize("settings", [SETTINGS, ALONE, NONE, BoostSettings(prior_strength=3.3, limit=0.17)])
def test_without_evidence_and_preferences_scores_are_the_same_object(settings: BoostSettings) -> None:
    boosts = boosts_of([A], evidence(0), evidence(0), NOTHING, settings)
    scores = np.array([3.0])
    assert boosts.total.tolist() == [0.0]
    assert boosted(scores, boosts.total) is scores


@given(liked=amounts, disliked=amounts)
def test_who_gave_no_feedback_gets_nothing_from_that_of_others(liked: float, disliked: float) -> None:
    assert total(evidence(0), evidence(liked, disliked)) == 0.0
    assert total(evidence(0), evidence(liked, disliked), NONE) == 0.0


def test_a_thumb_by_hand() -> None:
    """(1 + 2) / (1 + 4) = 0.6, so 0.2 · 2 · 0.1 = 0.04."""
    assert total(given_feedback("thumb_up"), evidence(0)) == pytest.approx(0.04)
    assert total(given_feedback("thumb_down"), evidence(0)) == pytest.approx(-0.04)
    assert total(evidence(1, 1), evidence(0)) == 0.0


def test_the_others_by_hand() -> None:
    """Others: (6 + 2) / (6 + 4) = 0.8. Alone it starts from 0.8; with one own thumb a fifth of the way, from 0.56."""
    assert total(evidence(0), evidence(6), ALONE) == pytest.approx(0.4 * 0.3)
    assert total(evidence(1), evidence(6), ALONE) == pytest.approx(0.4 * ((1 + 4 * 0.8) / 5 - 0.5))
    assert total(evidence(1), evidence(6)) == pytest.approx(0.4 * ((1 + 4 * 0.56) / 5 - 0.5))
    assert total(evidence(1), evidence(6), NONE) == total(evidence(1), evidence(0))


@pytest.mark.parametrize("rank", [None, 1, 2, 5, 10, 100, 1_000])
def test_one_click_moves_less_than_two_percent(rank: int | None) -> None:
    assert 0 < total(given_feedback("click", rank), evidence(0)) < 0.02


def test_a_boost_of_little_evidence_halves_with_a_half_life() -> None:
    fresh, old = (total(given_feedback("click", 1, days), evidence(0)) for days in (0, 30))
    assert old / fresh == pytest.approx(0.5, rel=0.05)
    assert given_feedback("click", 1, 30).positive[0] == given_feedback("click", 1, 0).positive[0] / 2


@given(own=st.tuples(amounts, amounts), others=st.tuples(amounts, amounts), settings=reaches)
def test_boosts_stay_within_bounds_and_their_parts_add_up(
    own: tuple[float, float], others: tuple[float, float], settings: BoostSettings
) -> None:
    fond = Preferences(preferred_sources=("handbook",), preferred_tags=("legal", "new"))
    parts = boosts_of([A], evidence(*own), evidence(*others), fond, settings).parts_of(0)
    whole = parts.own_feedback + parts.workspace_feedback + parts.preferred_source + parts.preferred_tag
    assert parts.total == pytest.approx(min(0.2, max(-0.2, whole)))
    assert abs(parts.own_feedback) < 0.2
    assert abs(parts.own_feedback + parts.workspace_feedback) <= 0.2


@given(own=st.tuples(amounts, amounts), others=st.tuples(amounts, amounts), more=st.floats(0.01, 10), settings=reaches)
def test_what_speaks_for_a_document_never_lowers_it(
    own: tuple[float, float], others: tuple[float, float], more: float, settings: BoostSettings
) -> None:
    liked, disliked = own
    before = total(evidence(liked, disliked), evidence(*others), settings)
    assert total(evidence(liked + more, disliked), evidence(*others), settings) >= before - 1e-12
    assert total(evidence(liked, disliked + more), evidence(*others), settings) <= before + 1e-12


@given(own=st.tuples(amounts, amounts), others=st.tuples(amounts, amounts), settings=reaches)
def test_for_and_against_are_treated_alike(
    own: tuple[float, float], others: tuple[float, float], settings: BoostSettings
) -> None:
    turned = total(evidence(*own[::-1]), evidence(*others[::-1]), settings)
    assert turned == pytest.approx(-total(evidence(*own), evidence(*others), settings), abs=1e-12)


def test_much_evidence_of_the_user_outweighs_the_others() -> None:
    assert total(evidence(100), evidence(0, 100)) > 0.15
    assert total(evidence(1), evidence(0, 100)) < total(evidence(1), evidence(0))


@pytest.mark.parametrize(
    ("preferences", "source", "tag"),
    [
        (Preferences(preferred_sources=("handbook", "other")), 0.05, 0),
        (Preferences(preferred_tags=("legal",)), 0, 0.05),
        (Preferences(preferred_tags=("legal", "new")), 0, 0.05),
        (Preferences(preferred_sources=("handbook",), preferred_tags=("new",)), 0.05, 0.05),
        (Preferences(preferred_sources=("a",), preferred_tags=("old",)), 0, 0),
    ],
)
def test_preferences_give_a_bounded_bonus(preferences: Preferences, source: float, tag: float) -> None:
    parts = boosts_of([A], evidence(0), evidence(0), preferences, SETTINGS).parts_of(0)
    assert (parts.preferred_source, parts.preferred_tag, parts.total) == pytest.approx((source, tag, source + tag))
    small = BoostSettings(limit=0.03)
    assert boosts_of([A], evidence(0), evidence(0), preferences, small).total[0] <= 0.03


def test_each_document_has_a_boost_of_its_own() -> None:
    documents = [DocumentTraits(document_id="a"), DocumentTraits(document_id="b")]
    own = Evidence(positive=np.array([1.0, 0.0]), negative=np.array([0.0, 1.0]))
    none = Evidence(positive=np.zeros(2), negative=np.zeros(2))
    boosts = boosts_of(documents, own, none, NOTHING, SETTINGS)
    assert boosts.total == pytest.approx([0.04, -0.04])
    assert boosts.parts_of(1).document_id == "b"
    assert boosts_of(
        [], evidence_of([], [], NOW, EvidenceWeights()), evidence_of([], [], NOW, EvidenceWeights()), NOTHING, SETTINGS
    ).total.shape == (0,)


@given(scores=st.lists(st.floats(0, 1), min_size=2, max_size=8), data=st.data())
def test_a_clear_winner_is_never_buried(scores: list[float], data: st.DataObject) -> None:
    boosts = data.draw(st.lists(st.floats(-0.2, 0.2), min_size=len(scores), max_size=len(scores)))
    after = boosted(np.array(scores), np.array(boosts))
    for one, before in enumerate(scores):
        for other, behind in enumerate(scores):
            if behind < before * (0.8 / 1.2) - 1e-9:
                assert after[one] > after[other]


def test_scores_are_normalised_first() -> None:
    assert normalised(np.array([2.0, 4.0, 3.0])).tolist() == [0.0, 1.0, 0.5]
    assert normalised(np.array([7.0, 7.0])).tolist() == [0.5, 0.5]
    assert normalised(np.zeros(0)).shape == (0,)
    assert boosted(np.array([1.0, 0.5]), np.array([-0.2, 0.2])) == pytest.approx([0.8, 0.6])
    for wrong in (-0.5, 1.5):
        with pytest.raises(ValueError, match="scores must be within 0 and 1"):
            boosted(np.array([wrong, 0.5]), np.array([0.1, 0]))


@pytest.mark.parametrize(
    "wrong", [{"limit": 0.21}, {"prior_strength": 0}, {"workspace_evidence": "all"}, {"preferred_tag": -0.1}, {"x": 1}]
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        BoostSettings.model_validate(wrong)


def test_every_setting_is_described_and_live() -> None:
    for setting in BoostSettings.model_fields.values():
        assert len((setting.description or "").split()) >= 4
        assert setting.json_schema_extra == {"applies": "live"}
