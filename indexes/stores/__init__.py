"""The family of stores: what an index segment holds and how it is searched."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from sqlalchemy.orm import Session

from configs.part import Part, import_members
from indexes.ranking import SCORE_DECIMALS as SCORE_DECIMALS

Rows = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
"""bool [rows of the segment]; None in its place means every row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRows:
    """What a segment is built from: one row a chunk, sorted by (document id, start), so that row order breaks ties.

    `texts` are what is indexed (prefix and text); `vectors` float32 [rows, dimensions] of unit length, None for stores
    that need none.
    """

    texts: Sequence[str]
    vectors: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question as stores see it: its words, and where needed its vector (float32 [dimensions], unit length).

    `term_weights`, where given, are what lexical stores score instead of the words: each term, as `Store.terms` makes
    it, counts as often as its weight says.
    """

    text: str
    vector: npt.NDArray[np.float32] | None = None
    term_weights: tuple[tuple[str, float], ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Lexical statistics of one query over permitted rows; they add up over the segments of an index."""

    rows: int = 0
    total_tokens: int = 0
    document_frequencies: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Statistics) -> Statistics:
        return Statistics(
            rows=self.rows + other.rows,
            total_tokens=self.total_tokens + other.total_tokens,
            document_frequencies=self.document_frequencies + other.document_frequencies,
        )


class Searcher(ABC):
    """An opened segment of one store. Thread-safe; scores are rounded to SCORE_DECIMALS; higher is better."""

    @property
    @abstractmethod
    def rows(self) -> int:
        """Return the number of rows."""

    def statistics(self, query: Query, permitted: Mask | None) -> Statistics:  # noqa: ARG002  # dense stores need none
        """Return what scoring needs to know of the permitted rows (live and readable; filters do not count here)."""
        return Statistics()

    @abstractmethod
    def search(self, query: Query, allowed: Mask | None, k: int, statistics: Statistics) -> tuple[Rows, Scores]:
        """Return the k best allowed rows by (score descending, row ascending), fewer where fewer match.

        A lexical store returns only rows that share a term with the query; a dense one any allowed row.
        """

    @abstractmethod
    def scores(self, query: Query, rows: Rows, statistics: Statistics) -> Scores:
        """Return the score of each of `rows`, equal to what `search` gives it; 0 for lexical rows without a match."""


class Store(Part):
    """One way to store and search the rows of a segment.

    Promises: `build` writes only inside `location`, or where `discard` finds it, and syncs what it wrote; `open`
    refuses a location that another store or another format version built; an exact store equals brute force over the
    allowed rows, ties by row; live settings act on what was built before. Opened data is shared by all searchers of a
    location.
    """

    signal: ClassVar[Literal["dense", "lexical"]]
    is_exact: ClassVar[bool] = True
    score_error: ClassVar[float] = 0.0
    """By how much a score may differ from the true one, before it is rounded."""

    @classmethod
    def check_database(cls, session: Session) -> None:  # files alone need nothing of it
        """Raise a PlaygroundError where the service's database cannot hold what the store builds."""

    @classmethod
    def discard(cls, location: Path) -> None:  # files alone leave nothing elsewhere
        """Remove what `build` made outside of `location`; it may have failed half-way, or have been discarded."""

    def terms(self, text: str) -> tuple[tuple[str, int], ...]:  # noqa: ARG002  # dense stores know no terms
        """Return the terms that the store compares for `text`, each with how often it occurs."""
        return ()

    @abstractmethod
    def build(self, rows: SegmentRows, location: Path) -> None:
        """Write the store's files for `rows` into the existing, empty directory `location`."""

    @abstractmethod
    def open(self, location: Path) -> Searcher:
        """Return a searcher over what `build` wrote, with this part's live settings."""

    def disk_bytes(self, location: Path) -> int:
        """Return how much room what `build` wrote takes, wherever it lies."""
        return sum(file.stat().st_size for file in location.rglob("*") if file.is_file())

    def memory_bytes(self, location: Path) -> int:
        """Return how much of it searches read throughout; they are fast while so much stays in memory."""
        return self.disk_bytes(location)

    def recall(self, location: Path) -> float:  # noqa: ARG002  # an exact store finds all
        """Return the share of the ten nearest that a search of all rows finds with these live settings; approximate
        stores measure it on a sample of their own vectors.
        """
        return 1.0


import_members(__name__, __path__)
