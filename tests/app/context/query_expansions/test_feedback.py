"""Pseudo-relevance feedback: the lead, Rocchio's vector and the weights of RM3, by hand and by definition."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.query_expansions.feedback import lead_of, mixed_terms, moved_vector, relevance_terms
from app.context.query_expansions.rm3 import Rm3
from app.context.query_expansions.rocchio import Rocchio
from indexes.stores import Query
from indexes.stores.bm25 import Bm25
from tests.app.context.search.found import Contents, Drawn, drawn, ranked, sentences, unit

BM25 = Bm25(kind="bm25")


def test_a_lead_by_hand() -> None:
    assert lead_of(ranked([5.0, 1.0, 1.0, 1.0]), 1) == pytest.approx(3 / np.sqrt(3), abs=1e-6)
    assert lead_of(ranked([5.0, 5.0]), 1) == 0
    assert lead_of(ranked([5.0, 1.0]), 2) == 0
    assert lead_of([], 3) == 0


@given(scores=st.lists(st.floats(0, 10), min_size=2, max_size=20), factor=st.floats(0.5, 8), shift=st.floats(-3, 3))
def test_a_lead_does_not_depend_on_the_scale_of_the_scores(scores: list[float], factor: float, shift: float) -> None:
    rounded = [round(score, 2) for score in scores]
    scaled = ranked([factor * score + shift for score in rounded])
    assert lead_of(scaled, 2) == pytest.approx(lead_of(ranked(rounded), 2), abs=1e-4)


def test_rocchio_by_hand() -> None:
    moved = moved_vector(unit([[1, 0]])[0], unit([[0, 1], [0, 1]]), 0.4)
    np.testing.assert_allclose(moved, unit([[0.6, 0.4]])[0], atol=1e-6)


@given(drawn=drawn(least=1), weight=st.floats(0, 1))
def test_a_moved_vector_has_unit_length_and_points_towards_the_passages(drawn: Drawn, weight: float) -> None:
    assert drawn.query.vector is not None
    vectors = drawn.contents.drawn
    moved = moved_vector(drawn.query.vector, vectors, weight)
    assert np.linalg.norm(moved) == pytest.approx(1.0, abs=1e-5)
    mean = vectors.astype(float).mean(axis=0)
    if np.linalg.norm(mean) > 1e-3:
        assert moved @ mean >= drawn.query.vector @ mean - 1e-5


def test_opposite_vectors_leave_the_question() -> None:
    vector = unit([[1, 0]])[0]
    assert moved_vector(vector, unit([[-1, 0]]), 0.5) is vector


@given(texts=st.lists(sentences, min_size=1, max_size=6), data=st.data(), most=st.integers(1, 6))
def test_relevance_terms_are_those_of_the_definition(texts: list[str], data: st.DataObject, most: int) -> None:
    scores = data.draw(st.lists(st.sampled_from([0.0, 0.5, 2.0]), min_size=len(texts), max_size=len(texts)))
    weights: defaultdict[str, float] = defaultdict(float)
    for text, score in zip(texts, scores, strict=True):
        for word, count in Counter(text.split()).items():
            weights[word] += score * count / len(text.split())
    expected = sorted(((word, weight) for word, weight in weights.items() if weight > 0), key=lambda one: -one[1])
    found = relevance_terms(BM25, texts, scores, most)
    assert len(found) == min(most, len(expected))
    if found:
        total = sum(weight for _, weight in expected[:most])
        assert sum(weight for _, weight in found) == pytest.approx(1)
        assert [weight for _, weight in found] == pytest.approx([weight / total for _, weight in expected[:most]])
        assert all(weights[word] / total == pytest.approx(weight) for word, weight in found)


@given(texts=st.lists(sentences.filter(bool), min_size=1, max_size=4), asked=sentences, share=st.floats(0, 1))
def test_mixed_weights_sum_to_1_with_the_question_at_its_share(texts: list[str], asked: str, share: float) -> None:
    feedback = relevance_terms(BM25, texts, [1.0] * len(texts), 10)
    mixed = dict(mixed_terms(BM25.terms(asked), feedback, share))
    assert sum(mixed.values()) == pytest.approx(1)
    own, added = Counter(asked.split()), dict(feedback)
    part = share if own else 0.0
    for word, weight in mixed.items():
        share_of_question = own[word] / len(asked.split()) if own else 0.0
        assert weight == pytest.approx(part * share_of_question + (1 - part) * added.get(word, 0.0))


@pytest.mark.parametrize("member", [Rm3(kind="rm3", passages=1), Rocchio(kind="rocchio", passages=1)])
def test_feedback_waits_for_a_lead(member: Rm3 | Rocchio) -> None:
    """The first passage leads by 2 in the one list and by less than 1 in the other."""
    contents = Contents(["oak elm", "ash", "fir", "yew", "fir"], unit([[0, 1, 0]] * 5))
    query = Query(text="oak", vector=unit([[1, 0, 0]])[0])
    for scores, is_used in (([5.0, 1.0, 1.0, 1.0, 1.0], True), ([2.0, 2.0, 2.0, 1.0, 1.0], False)):
        first = Drawn(hits=ranked(scores), contents=contents, query=query).first()
        expanded = member.expand(first)
        assert (expanded.queries["feedback"] is not query) == is_used
        assert expanded.details["used"] == int(is_used)
        assert (expanded.details["lead"] >= 1) == is_used
        always = member.model_copy(update={"least_lead": 0.0}).expand(first)
        assert always.queries["feedback"] is not query
