"""Diversity of hits: the formula, the weight of 1, and exact duplicates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.context.rerankers.mmr import MmrReranker, similarities
from tests.app.context.search.found import Contents, Drawn, drawn, ranked, unit

NO_VECTORS = np.zeros((3, 0), dtype=np.float32)


@given(drawn=drawn())
def test_a_weight_of_1_leaves_the_order(drawn: Drawn) -> None:
    new = MmrReranker(kind="mmr", relevance_weight=1).rerank("", drawn.hits, drawn.contents)
    assert list(new.order) == list(range(len(drawn.hits)))


@given(drawn=drawn(least=2), weight=st.sampled_from([0.0, 0.3, 0.7, 0.99]))
def test_repeated_texts_come_after_every_text_that_is_new(drawn: Drawn, weight: float) -> None:
    new = MmrReranker(kind="mmr", relevance_weight=weight).rerank("", drawn.hits, drawn.contents)
    texts = [drawn.contents.said[number] for number in new.order]
    repeats = [text in texts[:place] for place, text in enumerate(texts)]
    assert repeats == sorted(repeats)


@given(drawn=drawn(least=2), weight=st.sampled_from([0.2, 0.5, 0.7]))
def test_each_place_holds_the_largest_marginal_relevance(drawn: Drawn, weight: float) -> None:
    """Recompute each choice from the definition; texts are made distinct, so that no duplicates interfere."""
    contents = Contents([f"{text} {number}" for number, text in enumerate(drawn.contents.said)], drawn.contents.drawn)
    order = list(MmrReranker(kind="mmr", relevance_weight=weight).rerank("", drawn.hits, contents).order)
    scores = np.array([one.score for one in drawn.hits])
    relevance = (scores - scores.min()) / np.ptp(scores) if np.ptp(scores) else np.full(len(scores), 0.5)
    cosines = np.clip(contents.drawn.astype(float) @ contents.drawn.astype(float).T, 0, 1)
    for place, number in enumerate(order):
        waiting = order[place:]
        above = order[:place]
        marginal = {
            one: weight * relevance[one] - (1 - weight) * max((cosines[one, other] for other in above), default=0.0)
            for one in waiting
        }
        assert marginal[number] >= max(marginal.values()) - 1e-5


def test_by_hand_with_vectors() -> None:
    hits = ranked([1.0, 0.9, 0.0])
    contents = Contents(["a", "b", "c"], unit([[1, 0], [1, 0.01], [0, 1]]))
    new = MmrReranker(kind="mmr", relevance_weight=0.5).rerank("", hits, contents)
    assert list(new.order) == [0, 2, 1]
    assert new.details[2] == {"marginal": 0.0, "likeness": 0.0}
    assert new.details[1]["likeness"] == pytest.approx(1.0, abs=1e-3)


def test_without_an_embedder_words_tell_what_is_alike() -> None:
    hits = ranked([1.0, 0.9, 0.5])
    contents = Contents(["red oak tree", "red oak trees", "blue whale"], NO_VECTORS)
    new = MmrReranker(kind="mmr", relevance_weight=0.3).rerank("", hits, contents)
    assert list(new.order) == [0, 2, 1]


@given(drawn=drawn(least=1))
def test_similarities_are_shares_and_only_the_same_text_is_1(drawn: Drawn) -> None:
    said = drawn.contents.said
    assume(len(said) == len(drawn.contents.drawn))
    for vectors in (drawn.contents.drawn, np.zeros((len(said), 0), dtype=np.float32)):
        likeness = similarities(said, vectors)
        assert ((likeness >= 0) & (likeness <= 1)).all()
        np.testing.assert_array_equal(likeness == 1, [[one == other for other in said] for one in said])
        np.testing.assert_allclose(likeness, likeness.T)
