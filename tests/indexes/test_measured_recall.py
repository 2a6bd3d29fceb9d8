"""Measured recall is the share a search finds of what comparing everything finds, its own row left out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from indexes.measured_recall import RECALL_DEPTH, SAMPLED_ROWS, measured_recall, sampled_rows

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]
VECTORS = np.random.default_rng(1).standard_normal((200, 8)).astype(np.float32)
VECTORS /= np.linalg.norm(VECTORS, axis=1, keepdims=True)


def nearest(seen: Int64, vector: Float32, k: int) -> tuple[Int64, Float32]:
    scores = np.round(VECTORS[seen] @ vector, 5)
    order = np.argsort(-scores, kind="stable")[:k]
    return seen[order], scores[order]


def measured(seen: Int64) -> float:
    rows = sampled_rows(len(VECTORS))
    return measured_recall(
        rows, VECTORS[rows], lambda vector, k: nearest(seen, vector, k),
        lambda vector, k: nearest(np.arange(len(VECTORS)), vector, k),
    )  # fmt: skip


@pytest.mark.parametrize("hidden", [0, 20, 100, 190, 200])
def test_it_is_the_share_of_the_ten_nearest_others(hidden: int) -> None:
    seen = np.sort(np.random.default_rng(2).permutation(200)[hidden:])
    shares = []
    for row in sampled_rows(200):
        others = np.delete(np.arange(200), row)
        true = others[np.argsort(-(VECTORS[others] @ VECTORS[row]))[:RECALL_DEPTH]]
        shares.append(np.isin(true, seen).mean())
    assert measured(seen) == pytest.approx(np.mean(shares), abs=0.005)


def test_which_of_equals_is_found_makes_no_difference() -> None:
    same = np.ones((40, 1), dtype=np.float32)
    scores = np.ones(RECALL_DEPTH + 1, dtype=np.float32)

    def search(first: int, k: int) -> tuple[Int64, Float32]:
        return np.arange(first, first + k), scores[:k]

    assert measured_recall(range(40), same, lambda _, k: search(29, k), lambda _, k: search(0, k)) == 1.0


def test_without_others_nothing_is_missed() -> None:
    alone = np.ones((1, 1), dtype=np.float32)

    def search(_: Float32, __: int) -> tuple[Int64, Float32]:
        return np.zeros(1, dtype=np.int64), alone[0]

    assert measured_recall([0], alone, search, search) == 1.0


def test_the_sample_is_always_the_same_and_of_different_rows() -> None:
    assert sampled_rows(1_000).tolist() == sampled_rows(1_000).tolist()
    assert len(set(sampled_rows(1_000).tolist())) == SAMPLED_ROWS
    assert sampled_rows(5).tolist() == [0, 1, 2, 3, 4]
