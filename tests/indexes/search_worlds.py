"""Random workspaces in several segments, and what brute force finds in them from the permitted documents alone."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from indexes.database.engine import Database, new_id
from indexes.segments import RowTable, WrittenSegment, add_segment, segment_folder, write_segment
from indexes.stores import Query, SegmentRows, Store
from indexes.stores.bm25 import Bm25
from indexes.stores.faiss_flat import FaissFlat
from indexes.view import IndexView, load_view
from tests.contracts.store_worlds import VECTORS
from tests.database import add_document, add_index, add_version, add_workspace, serve

WORDS = ["cat", "Dog", "owl", "fox", "elk", "the"]
"""Stems of themselves, so that the oracle needs no stemmer; the last is a stop word."""
NAMES = ["user:ann", "user:bob", "group:all"]
BUILT: tuple[Store, ...] = (FaissFlat(kind="faiss_flat"), Bm25(kind="bm25"))
SEGMENTS = 4

Predicate = Callable[["SourceDocument"], bool]
FILTERS: list[tuple[dict[str, Any], Predicate]] = [
    ({"field": "year", "equal": 2}, lambda d: d.metadata.get("year") == 2),
    ({"field": "year", "in": [1, 3]}, lambda d: d.metadata.get("year") in (1, 3)),
    ({"field": "year", "range": {"gt": 1, "lte": 3}}, lambda d: 1 < d.metadata.get("year", 0) <= 3),
    ({"tags": ["new"]}, lambda d: "new" in d.tags),
    ({"tags": ["new", "old"]}, lambda d: {"new", "old"} <= set(d.tags)),
]


@dataclass(frozen=True)
class SourceChunk:
    """What is indexed of a chunk: its text, and the number of its vector."""

    text: str
    vector: int


@dataclass(frozen=True)
class SourceDocument:
    """A document: of each version its segment and chunks, and which version the index answers with, if any."""

    number: int
    versions: tuple[tuple[int, tuple[SourceChunk, ...]], ...]
    served: int | None
    is_deleted: bool
    access: tuple[str, ...] | None
    tags: tuple[str, ...]
    metadata: dict[str, Any]


@dataclass(frozen=True)
class Ask:
    """One search: for whom, with which filters (numbers of FILTERS), for what, and how many."""

    names: tuple[str, ...]
    filters: tuple[int, ...]
    query: Query
    candidates: int

    @property
    def restriction(self) -> dict[str, Any] | None:
        return {"all": [FILTERS[number][0] for number in self.filters]} if self.filters else None

    def permits(self, document: SourceDocument) -> bool:
        is_live = document.served is not None and not document.is_deleted
        return is_live and (document.access is None or any(name in document.access for name in self.names))

    def allows(self, document: SourceDocument) -> bool:
        return all(FILTERS[number][1](document) for number in self.filters)


@dataclass(frozen=True)
class OracleHit:
    """What the oracle expects of a hit; `stores` maps a store to its score and rank (None: not in its list)."""

    document: int
    ordinal: int
    score: float
    stores: dict[str, tuple[float, int | None]]


ACCESS = [None, None, None, (), ("user:ann",), ("user:bob",), ("group:all", "user:ann")]
ASKING: list[tuple[str, ...]] = [(), ("user:ann",), ("user:bob", "group:all"), tuple(NAMES)]
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)
NUMBERS = st.integers(0, len(VECTORS) - 1)


@st.composite
def documents(draw: st.DrawFn, number: int) -> SourceDocument:
    chunks = st.lists(st.builds(SourceChunk, TEXTS | st.just(""), NUMBERS), min_size=1, max_size=3).map(tuple)
    versions = draw(st.lists(st.tuples(st.integers(0, SEGMENTS - 1), chunks), min_size=1, max_size=2).map(tuple))
    return SourceDocument(
        number=number,
        versions=versions,
        served=draw(st.sampled_from([*[len(versions) - 1] * 5, 0, None])),
        is_deleted=draw(st.sampled_from([False] * 5 + [True])),
        access=draw(st.sampled_from(ACCESS)),
        tags=draw(st.sampled_from([(), ("new",), ("old", "new")])),
        metadata=draw(st.sampled_from([{}, {"year": 1}, {"year": 2}, {"year": 3}])),
    )


worlds = st.integers(0, 8).flatmap(lambda count: st.tuples(*[documents(number) for number in range(count)]))
asks = st.builds(
    Ask,
    names=st.sampled_from(ASKING),
    filters=st.sampled_from([(), (), (), *((number,) for number in range(len(FILTERS))), (1, 3)]),
    query=st.builds(Query, text=TEXTS, vector=NUMBERS.map(lambda number: VECTORS[number])),
    candidates=st.integers(1, 20),
)


def without_hidden(world: tuple[SourceDocument, ...], ask: Ask) -> tuple[SourceDocument, ...]:
    """Return the world as if what the ask does not permit had never been; everything lies in one segment."""
    return tuple(
        replace(one, versions=((0, one.versions[one.served][1]),), served=0)
        for one in world
        if ask.permits(one) and one.served is not None
    )


Places = dict[tuple[int, int], tuple[str, int, int]]
"""Where each version lies: (document, version) → segment, first row, number of rows."""


def _write_segments(
    world: tuple[SourceDocument, ...], folder: Path, index_id: str
) -> tuple[list[WrittenSegment], Places]:
    written: list[WrittenSegment] = []
    places: Places = {}
    for segment in range(SEGMENTS):
        rows = [
            (document.number, version, ordinal, chunk)
            for document in world
            for version, (home, chunks) in enumerate(document.versions)
            for ordinal, chunk in enumerate(chunks)
            if home == segment
        ]
        if not rows:
            continue
        path = segment_folder(folder, index_id, new_id("segment"))
        for row, (number, version, ordinal, _) in enumerate(rows):
            first = places[number, version][1] if ordinal else row
            places[number, version] = (path.name, first, ordinal + 1)
        ordinals = np.array([ordinal for _, _, ordinal, _ in rows], dtype=np.int32)
        table = RowTable(ordinals=ordinals, starts=ordinals * 7, ends=ordinals * 7 + 10, tokens=ordinals + 1)
        vectors = VECTORS[[chunk.vector for *_, chunk in rows]]
        written.append(
            write_segment(path, BUILT, table, SegmentRows(texts=[c.text for *_, c in rows], vectors=vectors))
        )
    return written, places


def build(world: tuple[SourceDocument, ...], database: Database, folder: Path) -> IndexView:
    """Store the world in a workspace of its own and return the view of its index; ids sort as the numbers do."""
    workspace_id = new_id("w")
    written, places = _write_segments(world, folder, workspace_id)
    with database.write() as session:
        add_workspace(session, workspace_id)
        add_index(session, workspace_id, workspace_id=workspace_id)
        for one in written:
            add_segment(session, workspace_id, one)
        session.flush()
        for source in world:
            document = add_document(
                session, f"{workspace_id}-{source.number:04d}", workspace_id=workspace_id, tags=list(source.tags),
                attributes=source.metadata, access=list(source.access) if source.access is not None else None,
            )  # fmt: skip
            versions = [add_version(session, document, number) for number in range(len(source.versions))]
            if source.served is not None:
                serve(session, workspace_id, places[source.number, source.served][0], versions[source.served],
                      *places[source.number, source.served][1:])  # fmt: skip
            if source.is_deleted:
                document.deleted_at = document.created_at
    with database.read() as session:
        return load_view(session, folder, workspace_id, workspace_id)


Place = tuple[int, int]


def oracle(
    world: tuple[SourceDocument, ...], ask: Ask, stores: tuple[Store, ...], fusion: str | None
) -> list[OracleHit]:
    """Return the hits of `ask`, computed chunk by chunk from the documents it permits."""
    permitted = {
        (document.number, ordinal): (document, chunk)
        for document in world
        if ask.permits(document) and document.served is not None
        for ordinal, chunk in enumerate(document.versions[document.served][1])
    }
    texts = {place: _terms(chunk.text) for place, (_, chunk) in permitted.items()}
    scores: dict[str, dict[Place, float]] = {}
    lists: dict[str, list[Place]] = {}
    for store in stores:
        name = store.kind_of_class()
        if isinstance(store, Bm25):
            scores[name] = {place: _rounded(_bm25(store, ask.query.text, texts, place)) for place in permitted}
            found = [place for place in permitted if scores[name][place] > 0]
        else:
            scores[name] = {place: _rounded(_product(ask.query, chunk)) for place, (_, chunk) in permitted.items()}
            found = list(permitted)
        allowed = [place for place in found if ask.allows(permitted[place][0])]
        lists[name] = sorted(allowed, key=lambda place: (-scores[name][place], place))[: ask.candidates]
    union = sorted({place for ranked in lists.values() for place in ranked})
    final = dict(_fused(fusion, union, scores, lists)) if fusion is not None else scores[stores[0].kind_of_class()]
    order = sorted(union, key=lambda place: (-final[place], place))[: ask.candidates]
    return [
        OracleHit(
            document=place[0],
            ordinal=place[1],
            score=final[place],
            stores={
                name: (scores[name][place], ranked.index(place) + 1 if place in ranked else None)
                for name, ranked in lists.items()
            },
        )
        for place in order
    ]


def _fused(
    fusion: str, union: list[Place], scores: dict[str, dict[Place, float]], lists: dict[str, list[Place]]
) -> Iterator[tuple[Place, float]]:
    for place in union:
        total = 0.0
        for name, ranked in lists.items():
            if fusion == "convex":
                low, high = (choose(scores[name][other] for other in union) for choose in (min, max))
                total += 0.5 * ((scores[name][place] - low) / (high - low) if high > low else 0.5)
            elif place in ranked:
                total += 1 / (60 + ranked.index(place) + 1)
        yield place, round(total, 12)


def _rounded(score: float) -> float:
    return float(np.float32(round(score, 6)))


def _product(query: Query, chunk: SourceChunk) -> float:
    assert query.vector is not None
    return sum(float(a) * float(b) for a, b in zip(query.vector, VECTORS[chunk.vector], strict=True))


def _terms(text: str) -> list[str]:
    return [word for word in re.findall(r"\w\w+", text.lower()) if word != "the"]


def _bm25(store: Bm25, query: str, texts: dict[Place, list[str]], place: Place) -> float:
    average = sum(map(len, texts.values())) / len(texts)
    words = texts[place]
    total = 0.0
    for term in _terms(query):
        if term in words:
            frequency = sum(term in other for other in texts.values())
            idf = math.log(1 + (len(texts) - frequency + 0.5) / (frequency + 0.5))
            length = 1 - store.b + store.b * len(words) / average
            total += idf * words.count(term) / (words.count(term) + store.k1 * length)
    return total
