"""Hits whose texts, vectors and moments are held in memory: what search options read, without a database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from app.context.query_expansions import FirstSearch
from configs.span import Span
from indexes.search import Hit, StoreScore
from indexes.stores import Query, Store
from indexes.stores.bm25 import Bm25
from indexes.stores.faiss_flat import FaissFlat

HYBRID: tuple[Store, ...] = (FaissFlat(kind="faiss_flat"), Bm25(kind="bm25"))
WORDS = ["oak", "elm", "ash", "fir", "yew"]
"""Stems of themselves, none a stop word."""


def hit(number: int, score: float, document_id: str = "", lexical: float | None = None) -> Hit:
    """Return the hit at place `number` from 0, a chunk of its own document unless one is named."""
    name = document_id or f"d{number}"
    stores = {
        "bm25": StoreScore(score=score if lexical is None else lexical, rank=number + 1),
        "faiss_flat": StoreScore(score=score, rank=number + 1),
    }
    return Hit(
        rank=number + 1, document_id=name, version_id=f"{name}-1", ordinal=number, tokens=3, score=score, stores=stores,
        span=Span(10 * number, 10 * number + 10),
    )  # fmt: skip


def ranked(scores: Sequence[float], document_ids: Sequence[str] = ()) -> list[Hit]:
    """Return hits with these scores, best first."""
    names = document_ids or [""] * len(scores)
    return [hit(number, score, names[number]) for number, score in enumerate(sorted(scores, reverse=True))]


@dataclass
class Contents:
    """What hits hold, by ordinal (`HitContents`); `read` lists the ordinals that were asked for."""

    said: Sequence[str]
    drawn: npt.NDArray[np.float32]
    moments: Sequence[datetime | None] = ()
    read: list[int] = field(default_factory=list)

    def texts(self, hits: Sequence[Hit]) -> list[str]:
        self.read += [one.ordinal for one in hits]
        return [self.said[one.ordinal] for one in hits]

    def indexed_texts(self, hits: Sequence[Hit]) -> list[str]:
        return self.texts(hits)

    def vectors(self, hits: Sequence[Hit]) -> npt.NDArray[np.float32]:
        self.read += [one.ordinal for one in hits]
        return self.drawn[[one.ordinal for one in hits]]

    def uploaded_at(self, hits: Sequence[Hit]) -> list[datetime | None]:
        return [self.moments[one.ordinal] for one in hits]


def unit(rows: Sequence[Sequence[float]]) -> npt.NDArray[np.float32]:
    """Return the rows as float32 of unit length."""
    vectors = np.array(rows, dtype=np.float64)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


@dataclass(frozen=True)
class Drawn:
    """Hits, what they hold, and a question."""

    hits: list[Hit]
    contents: Contents
    query: Query

    def first(self, stores: Sequence[Store] = HYBRID) -> FirstSearch:
        """Return what a first search over the stores found."""
        return FirstSearch(
            query=self.query,
            hits=self.hits,
            stores=stores,
            contents=self.contents,
            encode=lambda _: unit([[1, 0, 0]])[0],
        )


vectors_of_three = st.tuples(*[st.integers(-3, 3)] * 3).filter(any)
sentences = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)


@st.composite
def drawn(draw: st.DrawFn, least: int = 0, most: int = 12) -> Drawn:
    """Draw hits with few different scores, texts and vectors, so that there are ties and duplicates."""
    count = draw(st.integers(least, most))
    scores = draw(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0]), min_size=count, max_size=count))
    texts = draw(st.lists(sentences, min_size=count, max_size=count))
    rows = draw(st.lists(vectors_of_three, min_size=count, max_size=count))
    vectors = unit(rows) if rows else np.zeros((0, 3), dtype=np.float32)
    query = Query(text=draw(sentences), vector=unit([draw(vectors_of_three)])[0])
    return Drawn(hits=ranked(scores), contents=Contents(texts, vectors), query=query)
