"""What each search option makes of a list of hits; every hit that it touches gets a step that says where it stood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np

from app.context.rerankers import Reranked
from app.context.search.recency import DAY, Recency
from app.context.users.feedback_boosts import normalised
from indexes.search import FUSED_DECIMALS, Hit, Step

AGE_DECIMALS = 4

HitKey = tuple[str, int]
"""Version and ordinal: what tells one chunk of an index from another."""


def places_of(hits: Sequence[Hit]) -> dict[HitKey, Hit]:
    """Return the hits by version and ordinal."""
    return {(hit.version_id, hit.ordinal): hit for hit in hits}


def after_expansion(hits: Sequence[Hit], before: Mapping[HitKey, Hit]) -> list[Hit]:
    """Return the hits of the expanded question, each with its rank and score without the expansion."""
    return [_stepped(hit, "query_expansion", before.get((hit.version_id, hit.ordinal)), {}) for hit in hits]


def fused_wordings(lists: Mapping[str, Sequence[Hit]], rank_constant: int, most: int) -> list[Hit]:
    """Return the `most` best by the sum of 1 / (`rank_constant` + rank) over the wordings' lists; ties as in a search.

    Scores of stores are those that the first wording saw which found the hit. `original` is the question as it was
    asked: without expansion a hit had its rank and score there.
    """
    first: dict[HitKey, Hit] = {}
    ranks: dict[HitKey, dict[str, int | float]] = {}
    for name, hits in lists.items():
        for hit in hits:
            key = hit.version_id, hit.ordinal
            first.setdefault(key, hit)
            ranks.setdefault(key, {})[name] = hit.rank
    before = places_of(lists["original"])
    fused = []
    for key, hit in first.items():
        score = round(sum(1 / (rank_constant + rank) for rank in ranks[key].values()), FUSED_DECIMALS)
        fused.append(replace(_stepped(hit, "query_expansion", before.get(key), ranks[key]), score=score))
    return _ranked(fused)[:most]


def aged(hits: Sequence[Hit], recency: Recency, ages: Sequence[timedelta | None]) -> list[Hit]:
    """Return the hits in the order of their normalised scores times the factors of their ages; ties as in a search.

    A weight of 0 changes nothing, scores included.
    """
    if recency.weight == 0 or not hits:
        return list(hits)
    scores = normalised(np.array([hit.score for hit in hits]))
    moved = []
    for hit, score, age in zip(hits, scores.tolist(), ages, strict=True):
        factor = recency.factor(age)
        details: dict[str, int | float] = {"factor": round(factor, FUSED_DECIMALS)}
        if age is not None:
            details["age_days"] = round(age / DAY, AGE_DECIMALS)
        moved.append(replace(_stepped(hit, "recency", hit, details), score=round(score * factor, FUSED_DECIMALS)))
    return _ranked(moved)


def reordered(hits: Sequence[Hit], reranked: Reranked) -> list[Hit]:
    """Return the hits in their new order, those behind its depth as they were; a place keeps its score."""
    moved = []
    for place, number in enumerate(reranked.order):
        hit = _stepped(hits[number], "reranker", hits[number], reranked.details[number])
        moved.append(replace(hit, rank=place + 1, score=hits[place].score))
    return [*moved, *hits[len(moved) :]]


def capped(kept: Sequence[Hit], dropped: Sequence[Hit]) -> tuple[list[Hit], list[Hit]]:
    """Return those that stay, ranked from 1, and those that are dropped, ranked behind them."""
    moved = []
    for rank, hit in enumerate([*kept, *dropped], start=1):
        is_touched = rank != hit.rank or rank > len(kept)
        moved.append(replace(_stepped(hit, "source_cap", hit, {}), rank=rank) if is_touched else hit)
    return moved[: len(kept)], moved[len(kept) :]


def _ranked(hits: Sequence[Hit]) -> list[Hit]:
    """Return the hits ranked by (score descending, document id, start)."""
    ordered = sorted(hits, key=lambda hit: (-hit.score, hit.document_id, hit.span.start))
    return [replace(hit, rank=rank) for rank, hit in enumerate(ordered, start=1)]


def _stepped(hit: Hit, stage: str, before: Hit | None, details: Mapping[str, int | float]) -> Hit:
    step = Step(
        stage=stage,
        rank=None if before is None else before.rank,
        score=None if before is None else before.score,
        details=details,
    )
    return replace(hit, steps=(*hit.steps, step))
