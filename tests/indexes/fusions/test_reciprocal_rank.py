"""Reciprocal rank fusion: hand-computed scores, absent candidates, and its blindness to scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from indexes.fusions import Candidates
from indexes.fusions.reciprocal_rank import ReciprocalRank
from tests.contracts.fusion_candidates import candidates


def with_ranks(ranks: list[list[int]]) -> Candidates:
    array = np.array(ranks, dtype=np.int64)
    return Candidates(scores=np.zeros(array.shape), ranks=array, signals=["dense", "lexical", "lexical"][: len(ranks)])


def test_a_hand_computed_example() -> None:
    fused = ReciprocalRank(kind="reciprocal_rank").fuse(with_ranks([[1, 2, 0], [3, 0, 1]]))
    np.testing.assert_allclose(fused, [1 / 61 + 1 / 63, 1 / 62, 1 / 61], rtol=1e-12)


@pytest.mark.parametrize("k", [1, 60, 1000])
@pytest.mark.parametrize("rank", [1, 7, 1000])
def test_a_candidate_of_one_list_gets_one_term(k: int, rank: int) -> None:
    assert ReciprocalRank(kind="reciprocal_rank", k=k).fuse(with_ranks([[0], [rank], [0]])).tolist() == [1 / (k + rank)]


def test_a_candidate_of_no_list_gets_nothing() -> None:
    assert ReciprocalRank(kind="reciprocal_rank").fuse(with_ranks([[0, 1], [0, 1]])).tolist() == [0.0, 2 / 61]


@given(drawn=candidates(), k=st.integers(1, 1000))
def test_only_ranks_count(drawn: Candidates, k: int) -> None:
    fusion = ReciprocalRank(kind="reciprocal_rank", k=k)
    other = Candidates(scores=-(drawn.scores**3), ranks=drawn.ranks, signals=["dense"] * len(drawn.signals))
    np.testing.assert_array_equal(fusion.fuse(drawn), fusion.fuse(other))


@given(drawn=candidates(least_candidates=1), k=st.integers(1, 1000))
def test_scores_are_the_sums_of_the_definition(drawn: Candidates, k: int) -> None:
    expected = [sum(1 / (k + rank) for rank in column if rank) for column in drawn.ranks.T.tolist()]
    np.testing.assert_allclose(ReciprocalRank(kind="reciprocal_rank", k=k).fuse(drawn), expected, rtol=1e-12)


def test_a_small_k_lets_the_first_rank_win_and_a_large_one_lets_agreement_win() -> None:
    drawn = with_ranks([[1, 4], [40, 4]])
    first, agreed = ReciprocalRank(kind="reciprocal_rank", k=1).fuse(drawn).tolist()
    assert first > agreed
    first, agreed = ReciprocalRank(kind="reciprocal_rank", k=60).fuse(drawn).tolist()
    assert first < agreed


@pytest.mark.parametrize("k", [0, -1, 1001])
def test_a_k_out_of_bounds_is_refused(k: int) -> None:
    with pytest.raises(ValidationError, match="k"):
        ReciprocalRank(kind="reciprocal_rank", k=k)
