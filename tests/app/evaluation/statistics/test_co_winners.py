"""Co-winners and the cheapest safe choice: by hand, against the plus-two interval, when nothing is safe."""

from __future__ import annotations

import numpy as np
import pytest

from app.evaluation.statistics.analysis import Analysis, analyse
from app.evaluation.statistics.co_winners import SafeChoice, cheapest_safe_choice, co_winners, loss_bounds, loss_of
from app.evaluation.statistics.intervals import plus_two
from app.evaluation.statistics.simulation import separate
from tests.app.evaluation.statistics.tables import PLAN, table_of

BOUNDS = {
    "a": {"a": 0.0, "b": 0.01, "c": 0.03},
    "b": {"a": 0.04, "b": 0.0, "c": 0.02},
    "c": {"a": 0.06, "b": 0.09, "c": 0.0},
}


def three() -> Analysis:
    random = np.random.default_rng(1)
    base = random.uniform(0.3, 0.6, 300)
    steps = random.uniform(-0.05, 0.05, (3, 300))
    return analyse(table_of(base + steps + np.array([[0.2], [0.21], [0.0]])), PLAN)


def test_what_another_is_better_than_is_no_co_winner() -> None:
    analysis = three()
    assert analysis.co_winners == ["a", "b"]
    assert co_winners(["c", "b"], analysis.pairs) == ["b"]
    assert co_winners(["a", "b", "c"], []) == ["a", "b", "c"]


def test_the_bound_is_one_sided_and_shared_among_the_strategies() -> None:
    scores = np.random.default_rng(2).random((4, 60))
    bounds = loss_bounds(separate(scores))
    _, high = plus_two(separate((scores[3] - scores[1])[np.newaxis]), 1 - 2 * 0.05 / 4)
    assert bounds[1, 3] == pytest.approx(high[0])
    assert np.diag(bounds).tolist() == [0.0] * 4
    assert (bounds >= 0).all()


def test_what_is_far_ahead_loses_nothing() -> None:
    bounds = loss_bounds(separate(np.array([np.linspace(0.8, 0.9, 200), np.linspace(0.1, 0.2, 200)])))
    assert bounds[0, 1] == 0.0
    assert bounds[1, 0] > 0.7


def test_a_loss_is_against_the_top_scorer_and_the_tops_against_its_strongest_rival() -> None:
    assert loss_of("b", "a", BOUNDS) == SafeChoice(label="b", instead_of="a", loss_bound=0.04)
    assert loss_of("a", "a", BOUNDS) == SafeChoice(label="a", instead_of="c", loss_bound=0.03)
    assert loss_of("a", "a", {"a": {"a": 0.0}}) is None


def test_the_sentence_names_both_and_the_bound() -> None:
    choice = SafeChoice(label="b", instead_of="a", loss_bound=0.04)
    assert choice.sentence == "choosing b instead of a loses at most 0.040"


@pytest.mark.parametrize(
    ("costs", "tolerance", "expected"),
    [
        ({"a": 3.0, "b": 2.0, "c": 1.0}, 0.05, "b"),
        ({"a": 3.0, "b": 2.0, "c": 1.0}, 0.06, "c"),
        ({"a": 3.0, "b": 2.0, "c": 1.0}, 0.035, "a"),
        ({"a": 3.0, "b": 2.0, "c": 1.0}, 0.02, None),
        ({"a": 1.0, "b": 1.0, "c": 1.0}, 0.1, "a"),
        ({"c": 1.0}, 0.05, None),
        ({}, 1.0, None),
    ],
)
def test_the_cheapest_safe_choice(costs: dict[str, float], tolerance: float, expected: str | None) -> None:
    found = cheapest_safe_choice(["a", "b", "c"], "a", BOUNDS, costs, tolerance)
    assert (None if found is None else found.label) == expected


def test_what_is_beaten_is_never_chosen_however_cheap() -> None:
    found = cheapest_safe_choice(["a", "b"], "a", BOUNDS, {"a": 3.0, "b": 2.0, "c": 0.0}, 1.0)
    assert found is not None
    assert found.label == "b"
