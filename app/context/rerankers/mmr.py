"""Diversity among the hits: the best first, unless it repeats what stands above it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from app.context.packers.words import WordTable
from app.context.rerankers import Reranked, Reranker
from app.context.search.contents import HitContents
from configs.part import LIVE
from indexes.ranking import SCORE_DECIMALS
from indexes.search import Hit

REPEATED = 2.0
"""Taken off a hit that repeats one above it word for word: more than relevance can make up for."""

Float64 = npt.NDArray[np.float64]


class MmrReranker(Reranker):
    """Order hits by maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998), so that they differ.

    The next hit is the one with the largest w x relevance - (1 - w) x its largest similarity to a hit above it.
    Relevance is the score, stretched to 0 to 1. Similarity is the cosine of the stored vectors; in a setup without an
    embedder, the share of words in common (weighted Jaccard). A hit with the very text of one above it comes after all
    others. Costs some milliseconds, to read texts and vectors of the hits. It pays where documents repeat each other;
    it costs recall where several similar passages are needed. The packer `mmr` does the same for what is sent, by words
    alone; this one changes what is found, for every packer and for searches.
    """

    kind: Literal["mmr"]
    relevance_weight: float = Field(
        0.7,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="weight of a hit's score against its likeness to the hits above it; 1 leaves the order as it is",
        json_schema_extra=LIVE,
    )

    def rerank(self, question: str, hits: Sequence[Hit], contents: HitContents) -> Reranked:  # noqa: ARG002  # by scores
        if self.relevance_weight == 1 or len(hits) < 2:
            return Reranked(order=range(len(hits)), details=[{}] * len(hits))
        texts = contents.texts(hits)
        likeness = similarities(texts, contents.vectors(hits))
        scores = np.array([hit.score for hit in hits])
        spread = np.ptp(scores)
        relevance = (scores - scores.min()) / spread if spread > 0 else np.full(len(hits), 0.5)
        return self._ordered(relevance, likeness)

    def _ordered(self, relevance: Float64, likeness: Float64) -> Reranked:
        order: list[int] = []
        details: list[dict[str, int | float]] = [{} for _ in relevance]
        nearest = np.zeros(len(relevance))
        waits = np.ones(len(relevance), dtype=np.bool_)
        for _ in relevance:
            penalty = (1 - self.relevance_weight) * nearest + REPEATED * (nearest >= 1)
            standing = np.round(self.relevance_weight * relevance - penalty, SCORE_DECIMALS)
            number = int(np.argmax(np.where(waits, standing, -np.inf)))
            details[number] = {"marginal": float(standing[number]), "likeness": float(nearest[number])}
            order.append(number)
            waits[number] = False
            nearest = np.maximum(nearest, likeness[number])
        return Reranked(order=order, details=details)


def similarities(texts: Sequence[str], vectors: npt.NDArray[np.float32]) -> Float64:
    """Return float64 [texts, texts] from 0 to 1, where 1 means the same text: cosines, or shares of words without."""
    if vectors.shape[1]:
        precise = vectors.astype(np.float64)
        likeness: Float64 = np.round(np.einsum("ik,jk->ij", precise, precise), SCORE_DECIMALS)
    else:
        table = WordTable(texts)
        likeness = np.stack([table.similarities(number) for number in range(len(texts))])
    likeness = np.clip(likeness, 0.0, 1.0 - 10.0**-SCORE_DECIMALS)
    numbers: dict[str, int] = {}
    same = np.array([numbers.setdefault(text, len(numbers)) for text in texts])
    return np.where(same[:, np.newaxis] == same, 1.0, likeness)
