"""Batches under a token budget."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from ingest.token_batches import token_batches

lengths_of_texts = st.lists(st.integers(0, 60), max_size=40)


def test_a_hand_made_example() -> None:
    assert token_batches([10, 3, 40, 9, 3, 12], 24) == [[2], [5, 0], [3, 1], [4]]


def test_no_texts_make_no_batches() -> None:
    assert token_batches([], 100) == []


@given(lengths=lengths_of_texts, budget=st.integers(1, 200))
def test_every_text_is_in_one_batch(lengths: list[int], budget: int) -> None:
    batches = token_batches(lengths, budget)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    assert all(batches)


@given(lengths=lengths_of_texts, budget=st.integers(1, 200))
def test_a_padded_batch_fits_the_budget_or_holds_one_text(lengths: list[int], budget: int) -> None:
    for batch in token_batches(lengths, budget):
        assert len(batch) == 1 or len(batch) * max(lengths[index] for index in batch) <= budget


@given(lengths=lengths_of_texts, budget=st.integers(1, 200))
def test_lengths_fall_and_no_batch_could_take_the_next_text(lengths: list[int], budget: int) -> None:
    batches = token_batches(lengths, budget)
    flat = [lengths[index] for batch in batches for index in batch]
    assert flat == sorted(flat, reverse=True)
    for batch in batches[:-1]:
        assert (len(batch) + 1) * lengths[batch[0]] > budget


@given(lengths=lengths_of_texts, budget=st.integers(1, 200))
def test_equal_lengths_keep_their_order(lengths: list[int], budget: int) -> None:
    flat = [index for batch in token_batches(lengths, budget) for index in batch]
    for first, second in itertools.pairwise(flat):
        assert lengths[first] > lengths[second] or first < second
