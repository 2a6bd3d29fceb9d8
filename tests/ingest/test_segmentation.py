"""The dynamic programme against every segmentation there is, and its promises on ties and cost."""

from __future__ import annotations

import itertools
import time

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.segmentation import best_segmentation, mean_similarity

Float32 = npt.NDArray[np.float32]


def unit(vectors: npt.NDArray[np.float64]) -> Float32:
    rows: Float32 = (vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)).astype(np.float32)
    return rows


def total(vectors: Float32, ends: tuple[int, ...]) -> float:
    """Return the reward of a segmentation from the whole matrix, as the definition says."""
    wide = vectors.astype(np.float64)
    matrix = wide @ wide.T
    count = len(wide)
    off = matrix[~np.eye(count, dtype=bool)]
    matrix = matrix - (off.mean() if off.size else 0.0)
    starts = (0, *ends[:-1])
    return float(sum(np.triu(matrix[a:b, a:b], 1).sum() for a, b in zip(starts, ends, strict=True)))


@st.composite
def rows(draw: st.DrawFn, least: int = 1, most: int = 10) -> Float32:
    count = draw(st.integers(least, most))
    values = draw(st.lists(st.integers(-4, 4), min_size=count * 3, max_size=count * 3))
    return unit(np.array(values, dtype=np.float64).reshape(count, 3))


@given(vectors=rows(), longest=st.integers(1, 10))
def test_the_total_is_the_best_of_all_segmentations(vectors: Float32, longest: int) -> None:
    count = len(vectors)
    ends = best_segmentation(vectors, [max(0, end - longest + 1) for end in range(count)])
    assert ends == sorted(set(ends))
    assert ends[-1] == count
    assert max(b - a for a, b in zip([0, *ends[:-1]], ends, strict=True)) <= longest
    every = [
        (*inner, count)
        for cuts in range(count)
        for inner in itertools.combinations(range(1, count), cuts)
        if max(b - a for a, b in zip((0, *inner), (*inner, count), strict=True)) <= longest
    ]
    assert total(vectors, tuple(ends)) == pytest.approx(max(total(vectors, one) for one in every), abs=1e-6)


@given(vectors=rows(least=2))
def test_the_mean_is_that_of_all_pairs(vectors: Float32) -> None:
    wide = vectors.astype(np.float64)
    pairs = [float(wide[a] @ wide[b]) for a, b in itertools.permutations(range(len(wide)), 2)]
    assert mean_similarity(wide) == pytest.approx(sum(pairs) / len(pairs), abs=1e-9)


def test_a_total_below_zero_is_no_reason_to_go_back_to_the_beginning() -> None:
    """Where every segment of two rows costs, single rows are best; a programme that starts from 0 joins them all."""
    vectors = unit(np.array([[1.0, 0.0], [0.0, 1.0]] * 3))
    assert best_segmentation(vectors, [0, 0, 1, 2, 3, 4]) == [1, 2, 3, 4, 5, 6]


def test_two_topics_are_two_segments() -> None:
    vectors = unit(np.array([[1.0, 0.1]] * 4 + [[0.1, 1.0]] * 5))
    assert best_segmentation(vectors, [0] * 9) == [4, 9]


def test_of_equal_totals_longer_segments_are_taken() -> None:
    same = unit(np.ones((7, 4)))
    assert best_segmentation(same, [0] * 7) == [7]
    assert best_segmentation(same, [0, 0, 0, 1, 2, 3, 4]) == [1, 4, 7]
    assert best_segmentation(np.zeros((3, 4), np.float32), [0, 0, 0]) == [3]


def test_nothing_has_no_segments_and_one_row_is_one() -> None:
    assert best_segmentation(np.zeros((0, 4), np.float32), []) == []
    assert best_segmentation(unit(np.ones((1, 4))), [0]) == [1]


def test_time_grows_with_the_rows_and_no_matrix_is_held() -> None:
    """A matrix of 30,000 rows would take 3.6 GB."""
    vectors = unit(np.random.default_rng(1).normal(size=(30_000, 16)))
    begun = time.perf_counter()
    best_segmentation(vectors, [max(0, end - 7) for end in range(30_000)])
    assert time.perf_counter() - begun < 30
