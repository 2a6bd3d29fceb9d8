"""What brute force finds in a random workspace: computed from the documents that an asker may read, and nothing else.

It shares no code with the search: term counts, statistics, inner products, lists and fusion over arrays of live rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from indexes.fusions.convex import Convex
from indexes.fusions.reciprocal_rank import ReciprocalRank
from indexes.stores import Query
from indexes.stores.bm25 import Bm25
from tests.indexes.access_worlds import WORDS, AccessDocument, Case, Strategy, vectors_of

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A hit as the oracle has it: `stores` maps a store to score and rank, None where its list did not reach it."""

    document_id: str
    ordinal: int
    score: float
    stores: dict[str, tuple[float, int | None]]


class Oracle:
    """Brute force over the live rows of a world."""

    def __init__(self, world: Sequence[AccessDocument]) -> None:
        self._documents = sorted((one for one in world if one.is_live), key=lambda one: one.id)
        rows = [(n, ordinal) for n, one in enumerate(self._documents) for ordinal in range(len(one.chunks))]
        texts = [text for one in self._documents for text in one.chunks]
        self._places = np.array(rows, dtype=np.int64).reshape(-1, 2)
        self._counts = np.array([_counts(text) for text in texts], dtype=np.float64).reshape(-1, len(WORDS))
        self._vectors = vectors_of(texts).astype(np.float64)

    def knows_fields(self, case: Case) -> bool:
        """Tell whether every field of the case's filter is one that some document the asker may read has."""
        readable = [one for one in self._documents if one.may_be_read_by(case.names)]
        known = {field for one in readable for field in one.metadata}
        return all(condition.field is None or condition.field in known for condition in case.conditions)

    def hits(self, case: Case) -> list[Expected]:
        """Return the hits in order; every row that is looked at is permitted."""
        reads = np.array([one.may_be_read_by(case.names) for one in self._documents], dtype=np.bool_)
        passes = np.array([all(c.holds(one) for c in case.conditions) for one in self._documents], dtype=np.bool_)
        rows = np.flatnonzero(reads[self._places[:, 0]]) if len(self._places) else np.zeros(0, np.int64)
        allowed = passes[self._places[rows, 0]]
        scores, ranks = {}, {}
        for store in case.strategy.stores:
            name = store.kind_of_class()
            exact = self._bm25(store, case.query, rows) if isinstance(store, Bm25) else self._products(case.query, rows)
            scores[name] = np.round(exact, 6).astype(np.float32).astype(np.float64)
            found = allowed & (scores[name] > 0) if isinstance(store, Bm25) else allowed
            ranks[name] = _ranks(scores[name], found, case.candidates)
        united = np.flatnonzero(np.any(list(ranks.values()), axis=0))
        final = _fused(case.strategy, united, scores, ranks)
        order = np.lexsort((united, -final))[: case.candidates]
        return [
            Expected(
                document_id=self._documents[self._places[rows[position], 0]].id,
                ordinal=int(self._places[rows[position], 1]),
                score=float(final[at]),
                stores={name: (float(scores[name][position]), int(ranks[name][position]) or None) for name in scores},
            )
            for at, position in zip(order.tolist(), united[order].tolist(), strict=True)
        ]

    def _products(self, query: Query, rows: Ints) -> Floats:
        assert query.vector is not None
        return np.asarray((self._vectors[rows] * query.vector.astype(np.float64)).sum(axis=1))

    def _bm25(self, store: Bm25, query: Query, rows: Ints) -> Floats:
        counts = self._counts[rows]
        lengths = counts.sum(axis=1)
        if not lengths.any():
            return np.zeros(len(rows))
        frequencies = (counts > 0).sum(axis=0)
        idf = np.log(1 + (len(rows) - frequencies + 0.5) / (frequencies + 0.5))
        norm = store.k1 * (1 - store.b + store.b * lengths / lengths.mean())
        weights = np.divide(counts, counts + norm[:, None], out=np.zeros_like(counts), where=counts > 0)
        return np.asarray((_counts(query.text) * idf * weights).sum(axis=1))


def _counts(text: str) -> Ints:
    said = text.split()
    return np.array([said.count(word) for word in WORDS], dtype=np.int64)


def _ranks(scores: Floats, found: npt.NDArray[np.bool_], candidates: int) -> Ints:
    """Return the rank from 1 of the best `candidates` of what was found, 0 for the rest; rows are in order of ties."""
    order = np.argsort(-scores, kind="stable")
    taken = order[found[order]][:candidates]
    ranks = np.zeros(len(scores), dtype=np.int64)
    ranks[taken] = np.arange(1, len(taken) + 1)
    return ranks


def _fused(strategy: Strategy, united: Ints, scores: dict[str, Floats], ranks: dict[str, Ints]) -> Floats:
    fusion = strategy.fusion
    if fusion is None:
        return next(iter(scores.values()))[united]
    total = np.zeros(len(united))
    for name in scores:
        if isinstance(fusion, ReciprocalRank):
            listed = ranks[name][united]
            total += np.where(listed > 0, 1 / (fusion.k + listed), 0.0)
        elif isinstance(fusion, Convex) and len(united):
            own = scores[name][united]
            weight = fusion.dense_weight if name == "faiss_flat" else 1 - fusion.dense_weight
            total += weight * ((own - own.min()) / (own.max() - own.min()) if own.max() > own.min() else 0.5)
    return np.round(total, 12)
