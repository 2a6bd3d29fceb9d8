"""A question moves a little, towards what was liked, or not at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.context.users.query_personalisation import Interests, QueryPersonalisation, personal_query

X, Y, Z = np.eye(3, dtype=np.float32)
ON = QueryPersonalisation(blend=0.2, gate_cosine=-1)


def interests(*vectors: Any, ages_days: list[float] | None = None) -> Interests:
    rows = np.array(vectors, np.float32).reshape(len(vectors), -1)
    ages = np.zeros(len(rows)) if ages_days is None else np.array(ages_days, float)
    return Interests(vectors=rows, ages_days=ages)


@pytest.mark.parametrize(
    ("liked", "settings", "outcome"),
    [
        (interests(X), QueryPersonalisation(), "off"),
        (interests(Y), QueryPersonalisation(blend=0), "off"),
        (Interests(vectors=np.zeros((0, 3), np.float32), ages_days=np.zeros(0)), ON, "no_interests"),
        (Interests(vectors=np.zeros((0, 0), np.float32), ages_days=np.zeros(0)), ON, "no_interests"),
        (interests([0, 0, 0]), ON, "no_interests"),
        (interests(Y, Z), QueryPersonalisation(blend=0.2), "gate_closed"),
    ],
)
def test_unless_it_moves_the_question_is_the_same_object(
    liked: Interests, settings: QueryPersonalisation, outcome: str
) -> None:
    answer = personal_query(X, liked, settings)
    assert answer.vector is X
    assert (answer.outcome, answer.blend) == (outcome, 0)


def test_the_gate_opens_exactly_at_its_cosine() -> None:
    close = interests([0.5, np.sqrt(0.75), 0])
    at = personal_query(X, close, QueryPersonalisation(blend=0.1, gate_cosine=0.4999))
    assert at.outcome == "moved"
    assert at.closest_cosine == pytest.approx(0.5)
    assert personal_query(X, close, QueryPersonalisation(blend=0.1, gate_cosine=0.5001)).outcome == "gate_closed"


def test_one_interest_by_hand() -> None:
    moved = personal_query(X, interests(3 * Y), ON).vector
    assert moved == pytest.approx(np.array([0.8, 0.2, 0]) / np.sqrt(0.68))
    assert moved.dtype == np.float32


def test_a_rating_of_one_half_life_ago_counts_half() -> None:
    """p = (2 y + z) / 3."""
    moved = personal_query(X, interests(Y, Z, ages_days=[0, 30]), ON).vector
    assert moved[1] / moved[2] == pytest.approx(2)
    assert moved[1] / moved[0] == pytest.approx(0.2 * 2 / 3 / 0.8)


def test_very_old_ratings_do_not_vanish_into_nan() -> None:
    moved = personal_query(X, interests(Y, ages_days=[1e6]), ON).vector
    assert moved == pytest.approx(personal_query(X, interests(Y), ON).vector)


@given(
    values=st.lists(st.lists(st.floats(-1, 1, width=32), min_size=4, max_size=4), min_size=2, max_size=6),
    blend=st.floats(0.01, 0.2),
)
def test_the_moved_question_has_length_one_and_stays_near(values: list[list[float]], blend: float) -> None:
    rows = np.array(values, np.float32)
    length = np.linalg.norm(rows[0])
    if length < 1e-3:
        return
    query = (rows[0] / length).astype(np.float32)
    answer = personal_query(query, interests(*rows[1:]), QueryPersonalisation(blend=blend, gate_cosine=-1))
    assert np.linalg.norm(answer.vector) == pytest.approx(1, abs=1e-5)
    furthest = np.cos(np.arcsin(blend / (1 - blend)))
    assert float(answer.vector @ query) >= furthest - 1e-5


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="interests of 2 dimensions"):
        personal_query(X, interests([1, 0]), ON)
    with pytest.raises(ValueError, match="each row of vectors needs an age"):
        interests(X, ages_days=[1, 2])
    for wrong in ({"blend": 0.21}, {"blend": -0.1}, {"gate_cosine": 1.1}, {"half_life_days": 0}):
        with pytest.raises(ValidationError):
            QueryPersonalisation.model_validate(wrong)


def test_it_is_off_by_default_and_every_setting_is_described_and_live() -> None:
    assert QueryPersonalisation().blend == 0
    for setting in QueryPersonalisation.model_fields.values():
        assert len((setting.description or "").split()) >= 4
        assert setting.json_schema_extra == {"applies": "live"}
