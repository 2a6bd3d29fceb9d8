"""The one rule of rounding and ties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexes.ranking import SCORE_DECIMALS, best, rounded

SCORES = st.lists(
    st.one_of(
        st.sampled_from([0.0, -0.0, 0.5, 0.5 + 1e-9, 0.5 + 4e-7, 0.5 + 6e-7, -1.0, 25.0, 25.0 + 1e-6]),
        st.floats(-50, 50),
    ),
    min_size=1,
    max_size=60,
)


@given(scores=SCORES, k=st.integers(1, 70), data=st.data())
def test_the_best_are_those_of_a_full_sort(scores: list[float], k: int, data: st.DataObject) -> None:
    rows = data.draw(st.permutations(range(0, 3 * len(scores), 3)))
    final = {row: float(np.float32(np.round(score, SCORE_DECIMALS))) for row, score in zip(rows, scores, strict=True)}
    expected = sorted(final, key=lambda row: (-final[row], row))[:k]
    found, values = best(np.array(rows, dtype=np.int64), np.array(scores), k)
    assert found.tolist() == expected
    assert values.tolist() == [final[row] for row in expected]


def test_scores_that_differ_less_than_is_shown_are_ties() -> None:
    scores = np.array([0.3, 0.3 + 2e-7, 0.3 - 2e-7, 0.300002])
    rows, values = best(np.array([9, 7, 5, 3]), scores, 3)
    assert rows.tolist() == [3, 5, 7]
    assert values.tolist() == np.array([0.300002, 0.3, 0.3], dtype=np.float32).tolist()


def test_rounding_gives_single_precision_without_negative_zeros() -> None:
    values = rounded(np.array([-1e-9, -0.0, 0.12345649, 0.12345651, -2.5]))
    assert values.dtype == np.float32
    assert values.tolist() == np.array([0, 0, 0.123456, 0.123457, -2.5], dtype=np.float32).tolist()
    assert not np.signbit(values[:2]).any()


@pytest.mark.parametrize("k", [0, -3])
def test_a_k_below_one_is_refused(k: int) -> None:
    with pytest.raises(ValueError, match=f"got {k}"):
        best(np.arange(3), np.arange(3.0), k)


def test_no_rows_give_none() -> None:
    rows, values = best(np.zeros(0, dtype=np.int64), np.zeros(0), 5)
    assert rows.tolist() == values.tolist() == []
