"""Pseudo-relevance feedback: the first hits are taken to be relevant, and the question is drawn towards them.

Where the first hits are wrong it makes things worse, so that it waits for a lead: how many standard deviations the mean
score of the first hits lies above that of all candidates (after weighted information gain, Zhou and Croft, SIGIR 2007).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from app.context.query_expansions import FirstSearch, Vector
from configs.part import LIVE
from indexes.search import Hit
from indexes.stores import Query, Store

WEIGHT_DECIMALS = 12
LEAD_DECIMALS = 6

LeastLead = Annotated[
    float,
    Field(
        ge=0,
        le=10,
        allow_inf_nan=False,
        description="used only where the mean score of the first passages is so many standard deviations above that of "
        "all candidates; 0 always",
        json_schema_extra=LIVE,
    ),
]


def lead_of(hits: Sequence[Hit], passages: int) -> float:
    """Return the lead of the first `passages` hits, 0 where there are no others or all scores are equal."""
    scores = np.array([hit.score for hit in hits])
    if len(scores) <= passages or np.ptp(scores) == 0:
        return 0.0
    return round(float((scores[:passages].mean() - scores.mean()) / scores.std()), LEAD_DECIMALS)


def check_lead(least_lead: float, passages: int, candidates: int) -> None:
    """Raise ValueError where the first passages are all candidates: then they lead nobody, and feedback never acts."""
    if least_lead > 0 and passages >= candidates:
        raise ValueError(
            f"the first {passages} passages cannot lead all candidates ({candidates}): the expansion would never act; "
            "lower its passages, raise candidates, or set least_lead to 0"
        )


def moved_vector(vector: Vector, vectors: npt.NDArray[np.float32], weight: float) -> Vector:
    """Return (1 - weight) x `vector` + weight x the mean of `vectors` [passages, dimensions], of unit length again.

    This is Rocchio's formula without negative examples. The vector itself where the weight is 0 or nothing is left.
    """
    if weight == 0 or not len(vectors):
        return vector
    moved = (1 - weight) * vector.astype(np.float64) + weight * vectors.astype(np.float64).mean(axis=0)
    length = float(np.linalg.norm(moved))
    return vector if length == 0 else np.asarray(moved / length, dtype=np.float32)


def relevance_terms(
    store: Store, texts: Sequence[str], scores: Sequence[float], most_terms: int
) -> list[tuple[str, float]]:
    """Return the `most_terms` weightiest terms of the texts with weights that sum to 1, none where nothing scored.

    A term's weight is the sum over the texts of its share of the text's terms times the text's score (RM1, Lavrenko and
    Croft, SIGIR 2001; with retrieval scores in place of likelihoods, as Anserini has it). Ties go by the term.
    """
    weights: defaultdict[str, float] = defaultdict(float)
    for text, score in zip(texts, scores, strict=True):
        counts = store.terms(text)
        total = sum(count for _, count in counts)
        if score > 0:
            for term, count in counts:
                weights[term] += score * count / total
    best = sorted(weights.items(), key=lambda item: (-round(item[1], WEIGHT_DECIMALS), item[0]))[:most_terms]
    whole = math.fsum(weight for _, weight in best)
    return [(term, weight / whole) for term, weight in best]


def mixed_terms(
    asked: Sequence[tuple[str, int]], feedback: Sequence[tuple[str, float]], original_weight: float
) -> tuple[tuple[str, float], ...]:
    """Return the question's terms and those of the feedback in one list of weights that sum to 1 (RM3)."""
    total = sum(count for _, count in asked)
    share = original_weight if total else 0.0
    mixed: dict[str, float] = {term: share * count / total for term, count in asked}
    for term, weight in feedback:
        mixed[term] = mixed.get(term, 0.0) + (1 - share) * weight
    return tuple(mixed.items())


def with_feedback_terms(
    first: FirstSearch, passages: int, most_terms: int, original_weight: float
) -> tuple[Query, list[tuple[str, float]]]:
    """Return the question with the terms of the first passages, and those; the question itself where there are none."""
    store = next((one for one in first.stores if one.signal == "lexical"), None)
    if store is None or original_weight == 1:
        return first.query, []
    hits = first.hits[:passages]
    scores = [_score_in(hit.stores, store.kind_of_class()) for hit in hits]
    terms = relevance_terms(store, first.contents.indexed_texts(hits), scores, most_terms)
    if not terms:
        return first.query, []
    mixed = mixed_terms(store.terms(first.query.text), terms, original_weight)
    return Query(text=first.query.text, vector=first.query.vector, term_weights=mixed), terms


def with_feedback_vector(first: FirstSearch, query: Query, passages: int, weight: float) -> Query:
    """Return `query` with its vector drawn towards the first passages; itself where there is nothing to draw."""
    if query.vector is None:
        return query
    vectors = first.contents.vectors(first.hits[:passages])
    known = vectors[np.any(vectors != 0, axis=1)]
    vector = moved_vector(query.vector, known, weight)
    return query if vector is query.vector else Query(text=query.text, vector=vector, term_weights=query.term_weights)


def _score_in(stores: Mapping[str, object], kind: str) -> float:
    return float(getattr(stores.get(kind), "score", 0.0))
