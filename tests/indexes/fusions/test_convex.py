"""The convex combination: hand-computed scores, its ends, and what rescaling a store must not change."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from indexes.fusions import Candidates
from indexes.fusions.convex import Convex
from tests.contracts.fusion_candidates import SIGNALS, candidates, pair

SCORES = st.lists(st.integers(-100, 100).map(float), min_size=2, max_size=12)


def order_of(scores: list[float]) -> list[int]:
    """Return positions by score, best first, ties by position."""
    return sorted(range(len(scores)), key=lambda position: (-round(scores[position], 9), position))


def test_a_hand_computed_example() -> None:
    fused = Convex(kind="convex", dense_weight=0.75).fuse(pair([0.9, 0.5, 0.1], [0.0, 10.0, 2.0]))
    np.testing.assert_allclose(fused, [0.75 * 1 + 0, 0.75 * 0.5 + 0.25, 0 + 0.25 * 0.2], atol=1e-12)


@given(dense=SCORES, data=st.data())
def test_the_ends_of_the_weight_are_the_orders_of_the_stores(dense: list[float], data: st.DataObject) -> None:
    lexical = data.draw(st.permutations(dense))
    drawn = pair(dense, list(lexical))
    assert order_of(Convex(kind="convex", dense_weight=1).fuse(drawn).tolist()) == order_of(dense)
    assert order_of(Convex(kind="convex", dense_weight=0).fuse(drawn).tolist()) == order_of(list(lexical))


@given(
    drawn=candidates(least_candidates=1),
    weight=st.floats(0, 1),
    store=st.integers(0, 1),
    factor=st.floats(0.01, 1000),
    shift=st.floats(-1000, 1000),
)
def test_rescaling_a_stores_scores_changes_nothing(
    drawn: Candidates, weight: float, store: int, factor: float, shift: float
) -> None:
    rescaled = drawn.scores.copy()
    rescaled[store] = rescaled[store] * factor + shift
    fusion = Convex(kind="convex", dense_weight=weight)
    other = Candidates(scores=rescaled, ranks=drawn.ranks, signals=drawn.signals)
    if np.ptp(rescaled[store]) > 0 or np.ptp(drawn.scores[store]) == 0:
        np.testing.assert_allclose(fusion.fuse(other), fusion.fuse(drawn), atol=1e-6)


@given(drawn=candidates(least_candidates=1), weight=st.floats(0, 1))
def test_fused_scores_lie_between_0_and_1(drawn: Candidates, weight: float) -> None:
    fused = Convex(kind="convex", dense_weight=weight).fuse(drawn)
    assert (fused >= 0).all()
    assert (fused <= 1 + 1e-12).all()


@pytest.mark.parametrize("scores", [[3.0], [0.2, 0.2, 0.2]])
def test_equal_scores_say_nothing_and_get_a_half(scores: list[float]) -> None:
    other = [float(position) for position in range(len(scores))]
    assert Convex(kind="convex", dense_weight=1).fuse(pair(scores, other)).tolist() == [0.5] * len(scores)


def test_stores_of_one_signal_share_its_weight() -> None:
    scores = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    ranks = np.ones((4, 2), dtype=np.int64)
    signals = ["dense", "lexical", "lexical", "lexical"]
    fused = Convex(kind="convex", dense_weight=0.4).fuse(Candidates(scores=scores, ranks=ranks, signals=signals))
    np.testing.assert_allclose(fused, [0.4 + 0.2, 0.4], atol=1e-12)


@pytest.mark.parametrize(
    ("signals", "absent"),
    [(["dense"], "no lexical one"), (["lexical"] * 2, "no dense one"), ([], "no dense and no lexical")],
)
def test_a_setup_without_both_signals_is_refused(signals: list[str], absent: str) -> None:
    with pytest.raises(ValueError, match=absent):
        Convex(kind="convex").check_signals(signals)
    Convex(kind="convex").check_signals(SIGNALS)


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan"), float("inf")])
def test_weights_outside_0_to_1_are_refused(weight: float) -> None:
    with pytest.raises(ValidationError, match="dense_weight"):
        Convex(kind="convex", dense_weight=weight)
