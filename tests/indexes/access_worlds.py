"""Random workspaces with many rights, and random askers in them; everything is drawn from one seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from indexes.fusions import Fusion
from indexes.fusions.convex import Convex
from indexes.fusions.reciprocal_rank import ReciprocalRank
from indexes.stores import Query, Store
from indexes.stores.bm25 import Bm25
from indexes.stores.faiss_flat import FaissFlat
from ingest.embedders import Vectors
from ingest.embedders.hashing import Hashing

Random = np.random.Generator

WORDS = [
    "cat", "dog", "owl", "fox", "elk", "ant", "bat", "cow", "emu", "hen", "jay",
    "rat", "yak", "bear", "crow", "deer", "dove", "duck", "frog", "goat", "hawk", "lion",
]  # fmt: skip
"""Stems of themselves, so that the oracle needs no stemmer."""
STOP_WORDS = ("the", "and")
SAID = (*WORDS, *STOP_WORDS)
NAMES = ("everyone", "group:ops", "group:law", "group:hr", "user:ann", "user:bob", "user:cem", "user:dana")
TAGS = ("new", "old", "draft")
EMBEDDER = Hashing(kind="hashing", dimensions=32)
SEGMENTS = 3

Holds = Callable[["AccessDocument"], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessDocument:
    """A document of a workspace: the texts of its chunks for each version, and who may read it.

    `served` is the number of the version that the index answers with, None where it answers with none; where one
    `is_pending`, a newer version waits to be read.
    """

    id: str
    versions: tuple[tuple[str, ...], ...]
    served: int | None
    is_pending: bool
    is_deleted: bool
    access: tuple[str, ...] | None
    tags: tuple[str, ...]
    metadata: dict[str, Any]

    @property
    def is_live(self) -> bool:
        """Tell whether the index answers with it."""
        return self.served is not None and not self.is_deleted

    @property
    def is_missing(self) -> bool:
        """Tell whether the index should answer with another version than it does."""
        return not self.is_deleted and (self.is_pending or self.served != len(self.versions) - 1)

    def may_be_read_by(self, names: frozenset[str]) -> bool:
        """Tell whether somebody of these names may read it: nobody but those listed, everybody without a list."""
        return self.access is None or any(name in names for name in self.access)

    @property
    def chunks(self) -> tuple[str, ...]:
        """Return the texts that the index answers with."""
        return self.versions[self.served] if self.served is not None else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition of a filter as it is sent, the field it needs, and what it means."""

    sent: dict[str, Any]
    field: str | None
    holds: Holds


CONDITIONS = (
    Condition(sent={"field": "year", "equal": 2}, field="year", holds=lambda d: d.metadata.get("year") == 2),
    Condition(sent={"field": "year", "in": [1, 4]}, field="year", holds=lambda d: d.metadata.get("year") in (1, 4)),
    Condition(
        sent={"field": "year", "range": {"gt": 1, "lte": 3}}, field="year",
        holds=lambda d: 1 < d.metadata.get("year", 0) <= 3,
    ),
    Condition(
        sent={"field": "team.name", "equal": "red"}, field="team",
        holds=lambda d: d.metadata.get("team", {}).get("name") == "red",
    ),
    Condition(sent={"field": "case", "equal": True}, field="case", holds=lambda d: d.metadata.get("case") is True),
    Condition(sent={"tags": ["new"]}, field=None, holds=lambda d: "new" in d.tags),
    Condition(sent={"tags": ["old", "draft"]}, field=None, holds=lambda d: {"old", "draft"} <= set(d.tags)),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """How a case is searched."""

    stores: tuple[Store, ...]
    fusion: Fusion | None


DENSE, LEXICAL = FaissFlat(kind="faiss_flat"), Bm25(kind="bm25")
BUILT: tuple[Store, ...] = (DENSE, LEXICAL)
STRATEGIES = {
    "dense": Strategy(stores=(DENSE,), fusion=None),
    "lexical": Strategy(stores=(LEXICAL,), fusion=None),
    "lexical, other settings": Strategy(stores=(Bm25(kind="bm25", k1=0.6, b=1.0),), fusion=None),
    "hybrid by scores": Strategy(stores=(DENSE, LEXICAL), fusion=Convex(kind="convex", dense_weight=0.3)),
    "hybrid by ranks": Strategy(stores=(LEXICAL, DENSE), fusion=ReciprocalRank(kind="reciprocal_rank", k=10)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One search: by whom, for what, how, under which conditions, and how many."""

    names: frozenset[str]
    query: Query
    strategy: Strategy
    conditions: tuple[Condition, ...]
    candidates: int


def draw_world(random: Random, name: str) -> tuple[AccessDocument, ...]:
    """Return 0 to 30 documents whose ids begin with `name`: a third is open to the workspace, some are not served as
    they should be, some are deleted.
    """
    return tuple(_draw_document(random, f"{name}-d{number:03d}") for number in range(int(random.integers(0, 31))))


def _draw_document(random: Random, document_id: str) -> AccessDocument:
    versions = tuple(
        tuple(_draw_text(random, 12) for _ in range(random.integers(1, 4))) for _ in range(random.integers(1, 3))
    )
    last = len(versions) - 1
    access = draw_access(random)
    metadata: dict[str, Any] = {}
    if random.random() < 0.7:
        metadata["year"] = int(random.integers(1, 5))
    if random.random() < 0.5:
        metadata["team"] = {"name": str(random.choice(["red", "blue"]))}
    if access is not None and random.random() < 0.3:  # a field that only restricted documents have
        metadata["case"] = bool(random.random() < 0.5)
    return AccessDocument(
        id=document_id,
        versions=versions,
        served=(last, last, last, last, last, last, 0, None)[random.integers(8)],
        is_pending=bool(random.random() < 0.1),
        is_deleted=bool(random.random() < 0.1),
        access=access,
        tags=tuple(tag for tag in TAGS if random.random() < 0.4),
        metadata=metadata,
    )


def draw_access(random: Random) -> tuple[str, ...] | None:
    """Return an access list: none, an empty one, or one to three names."""
    if random.random() < 0.34:
        return None
    return tuple(random.choice(NAMES, size=int(random.integers(0, 4)), replace=False).tolist())


def with_other_access(random: Random, world: Sequence[AccessDocument]) -> tuple[AccessDocument, ...]:
    """Return the world after the access lists of some documents changed."""
    return tuple(replace(one, access=draw_access(random)) if random.random() < 0.4 else one for one in world)


def draw_names(random: Random) -> frozenset[str]:
    """Return the names somebody goes by: none, or some, one of which no document has heard of."""
    return frozenset(name for name in (*NAMES, "group:unheard") if random.random() < random.choice([0.0, 0.2, 0.5]))


def draw_case(random: Random, names: frozenset[str]) -> Case:
    """Return a search by somebody."""
    text = _draw_text(random, 4)
    how_many = (0, 0, 1, 2)[random.integers(4)]
    return Case(
        names=names,
        query=Query(text=text, vector=vector_of(text)),
        strategy=list(STRATEGIES.values())[random.integers(len(STRATEGIES))],
        conditions=tuple(CONDITIONS[n] for n in random.permutation(len(CONDITIONS))[:how_many]),
        candidates=(1, 3, 10, 200)[random.integers(4)],
    )


def _draw_text(random: Random, most_words: int) -> str:
    numbers = random.integers(len(SAID), size=int(random.integers(1, most_words + 1))).tolist()
    return " ".join(SAID[number] for number in numbers)


@lru_cache(maxsize=100_000)
def vector_of(text: str) -> Vectors:
    """Return the text's vector; many texts come again in the index of what one asker may read."""
    return EMBEDDER.encode_query(text)


def vectors_of(texts: Sequence[str]) -> Vectors:
    """Return a row for each text."""
    return np.array([vector_of(text) for text in texts], np.float32).reshape(-1, EMBEDDER.dimensions)
