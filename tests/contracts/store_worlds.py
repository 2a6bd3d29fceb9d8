"""Small segments for the contract tests of stores, and what brute force says of them."""

from __future__ import annotations

import atexit
import itertools
import math
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import strategies as st

from indexes.database.engine import Database
from indexes.database.pairing import pair
from indexes.opened_locations import evict
from indexes.stores import Mask, Query, Searcher, SegmentRows, Store
from indexes.stores.pgvector import Pgvector

WORDS = ["cat", "Dog", "owl", "fox", "elk", "the", "x"]
"""Stems of themselves, so that the oracle needs no stemmer; the last two are a stop word and too short."""
VECTORS = np.array(
    [(0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0), (1, 1, 1), (-1, 2, 0), (3, 1, 1), (0, -1, -1)], dtype=np.float32
)
VECTORS /= np.maximum(1, np.linalg.norm(VECTORS, axis=1, keepdims=True))
Scored = dict[int, float]


@dataclass(frozen=True)
class World:
    """Rows, a query, which rows may be read and which of those a filter leaves, and how many are wanted."""

    texts: list[str]
    vectors: npt.NDArray[np.float32]
    query: Query
    permitted: Mask
    allowed: Mask
    k: int

    def rows(self, chosen: npt.NDArray[Any] | slice = slice(None)) -> SegmentRows:
        texts = np.array(self.texts, dtype=object)[chosen].tolist()
        return SegmentRows(texts=texts, vectors=self.vectors[chosen])


def worlds(most_rows: int = 60) -> st.SearchStrategy[World]:
    """Draw 1 to `most_rows` rows, a byte each: text and vector (few, so that scores tie), readable, filtered."""
    return st.builds(
        _world,
        texts=st.tuples(*[st.lists(st.sampled_from(WORDS), max_size=6)] * 8),
        rows=st.binary(min_size=1, max_size=most_rows),
        question=st.lists(st.sampled_from(WORDS), max_size=4),
        vector=st.integers(0, len(VECTORS) - 1),
        k=st.integers(1, most_rows + 10),
    )


def _world(texts: tuple[list[str], ...], rows: bytes, question: list[str], vector: int, k: int) -> World:
    numbers = np.frombuffer(rows, dtype=np.uint8)
    permitted = (numbers & 64) == 0
    return World(
        texts=[" ".join(texts[number & 7]) for number in rows],
        vectors=VECTORS[(numbers >> 3) & 7],
        query=Query(text=" ".join(question), vector=VECTORS[vector]),
        permitted=permitted,
        allowed=permitted & ((numbers & 128) == 0),
        k=k,
    )


def by_inner_product(world: World) -> Scored:
    query = [float(value) for value in world.query.vector] if world.query.vector is not None else []
    return {
        row: sum(float(a) * b for a, b in zip(vector, query, strict=True)) for row, vector in enumerate(world.vectors)
    }


def by_bm25(world: World) -> Scored:
    """Score as the definition says: k1 = 1.2, b = 0.75, statistics of the permitted rows."""
    split = [[word for word in re.findall(r"\w\w+", text.lower()) if word != "the"] for text in world.texts]
    readable = [words for words, is_readable in zip(split, world.permitted, strict=True) if is_readable]
    average = sum(map(len, readable)) / max(1, len(readable))
    scored: Scored = {}
    for row, words in enumerate(split):
        for word in re.findall(r"\w\w+", world.query.text.lower()):
            frequency = sum(word in other for other in readable)
            if word in words and frequency:
                idf = math.log(1 + (len(readable) - frequency + 0.5) / (frequency + 0.5))
                saturated = words.count(word) / (words.count(word) + 1.2 * (0.25 + 0.75 * len(words) / average))
                scored[row] = scored.get(row, 0.0) + idf * saturated
    return scored


ORACLES: dict[str, Callable[[World], Scored]] = {"dense": by_inner_product, "lexical": by_bm25}


@contextmanager
def unsynced() -> Iterator[None]:
    """Spare the disk: hundreds of small segments are built, and none has to outlive its test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield


@contextmanager
def built(store: Store, rows: SegmentRows) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        location = Path(folder) / "segment" / "store"
        location.mkdir(parents=True)
        if isinstance(store, Pgvector):
            pair(Path(folder), vector_database())
        store.build(rows, location)
        yield location
        evict(Path(folder))
        store.discard(location)


@lru_cache
def vector_database() -> Database:
    """Return a PostgreSQL database without any table of the service; it ends with the process."""
    from tests.postgresql import create

    database = Database(create(f"vectors_{os.getpid()}", "template0"))
    atexit.register(database.close)
    return database


@contextmanager
def searcher(store: Store, rows: SegmentRows) -> Iterator[Searcher]:
    with built(store, rows) as location:
        yield store.open(location)


def approximate_stores() -> list[Store]:
    """Return every approximate member in every combination of its choices, approximating few rows as well."""
    stores = []
    for kind, member in Store.members().items():
        if not member.is_exact:
            least = {"exact_rows": 0} if "exact_rows" in member.model_fields else {}
            choices = {
                name: get_args(field.annotation)
                for name, field in member.model_fields.items()
                if get_origin(field.annotation) is Literal and name != "kind"
            }
            for chosen in itertools.product(*choices.values()):
                settings = {"kind": kind, **least, **dict(zip(choices, chosen, strict=True))}
                stores.append(member.model_validate(settings))
    return stores


def unit(vectors: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def clustered(count: int, dimensions: int = 48, spread: float = 0.5) -> npt.NDArray[np.float32]:
    """Return vectors around `count / 50` centres, as those of texts lie; the same for the same numbers."""
    draw = np.random.default_rng(count)
    centres = unit(draw.standard_normal((count // 50, dimensions)))
    around = spread / np.sqrt(dimensions) * draw.standard_normal((count, dimensions))
    return unit(centres[draw.integers(0, len(centres), count)] + around)


def rows_of(vectors: npt.NDArray[np.float32]) -> SegmentRows:
    return SegmentRows(texts=[""] * len(vectors), vectors=vectors)


def small_rows() -> SegmentRows:
    """Return six rows on which every setting of a store should make a difference."""
    texts = ["cat", "cat dog dog dog", "owl the fox", "dog elk elk fox owl cat cat", "", "fox " * 9]
    return SegmentRows(texts=texts, vectors=VECTORS[1:7])


SMALL_QUERY = Query(text="dog cat fox", vector=VECTORS[6])


def results(searcher: Searcher, query: Query = SMALL_QUERY) -> list[tuple[int, float]]:
    rows, scores = searcher.search(query, None, 10, searcher.statistics(query, None))
    return list(zip(rows.tolist(), scores.tolist(), strict=True))
