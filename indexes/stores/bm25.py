"""BM25 over numpy postings: exact for whoever asks, with k1 and b acting at search time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from configs.part import BAKE_TIME, LIVE
from indexes.analysis import Stemming, StopWords, query_terms, term_maker, terms_of
from indexes.opened_locations import OpenedLocations
from indexes.postings import Postings, build_postings
from indexes.ranking import best, rounded
from indexes.store_format import StoreFormat
from indexes.stores import Mask, Query, Rows, Scores, Searcher, SegmentRows, Statistics, Store

POSTINGS_FILE = "postings.bin"


class Bm25(Store):
    """Rank rows by the words they share with the query, rare words first, long rows discounted.

    score = Σ over the query's tokens of idf · tf / (tf + k1 · (1 - b + b · length / average length)) with
    idf = ln(1 + (N - df + 0.5) / (df + 0.5)), as Lucene and bm25s (`lucene`) compute it; a token repeated in the query
    counts as often as it occurs. N, df and the average length are those of the rows the principal may read.
    """

    signal: ClassVar[Literal["dense", "lexical"]] = "lexical"

    kind: Literal["bm25"]
    k1: float = Field(
        1.2,
        ge=0,
        le=10,
        allow_inf_nan=False,
        description="how slowly further occurrences of a word stop counting; 0 counts presence only",
        json_schema_extra=LIVE,
    )
    b: float = Field(
        0.75,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="how strongly long rows are discounted; 0 not at all, 1 in proportion to their length",
        json_schema_extra=LIVE,
    )
    stemming: Stemming = Field(
        "english",
        description="language whose Snowball stemmer makes `searching` match `search`; `none` compares whole words",
        json_schema_extra=BAKE_TIME,
    )
    stop_words: StopWords = Field(
        "english",
        description="list of words that are not indexed; `none` keeps all, which suits codes and other languages",
        json_schema_extra=BAKE_TIME,
    )

    def terms(self, text: str) -> tuple[tuple[str, int], ...]:
        return terms_of(text, self.stemming, self.stop_words)

    def build(self, rows: SegmentRows, location: Path) -> None:
        postings = build_postings(rows.texts, term_maker(self.stemming, self.stop_words))
        postings.write(location / POSTINGS_FILE)
        StoreFormat(store=self.baked(), rows=len(rows.texts)).write(location)

    def open(self, location: Path) -> Searcher:
        return Bm25Searcher(_opened.get(location, self), self)


class Bm25Searcher(Searcher):
    """Scores postings with the settings of `part`; statistics come from the caller, summed over all segments."""

    def __init__(self, postings: Postings, part: Bm25) -> None:
        self._postings = postings
        self._part = part

    @property
    def rows(self) -> int:
        return len(self._postings.lengths)

    def statistics(self, query: Query, permitted: Mask | None) -> Statistics:
        postings = self._postings
        frequencies: Counter[str] = Counter()
        for term, _ in self._terms(query):
            places = postings.places(term)
            if permitted is None:
                frequencies[term] = places.stop - places.start
            else:
                frequencies[term] = int(np.count_nonzero(permitted[postings.rows[places]]))
        if permitted is None:
            return Statistics(rows=self.rows, total_tokens=postings.total_tokens, document_frequencies=frequencies)
        return Statistics(
            rows=int(np.count_nonzero(permitted)),
            total_tokens=int(postings.lengths.sum(dtype=np.int64, where=self._checked(permitted))),
            document_frequencies=frequencies,
        )

    def search(self, query: Query, allowed: Mask | None, k: int, statistics: Statistics) -> tuple[Rows, Scores]:
        totals = np.zeros(self.rows)
        for places, weight in self._weights(query, statistics):
            rows = self._postings.rows[places]
            totals[rows] += self._contributions(weight, rows, self._postings.counts[places], statistics)
        matching = np.flatnonzero(totals)
        if allowed is not None:
            matching = matching[self._checked(allowed)[matching]]
        return best(matching, totals[matching], k)

    def scores(self, query: Query, rows: Rows, statistics: Statistics) -> Scores:
        wanted = rows.astype(np.int32)
        totals = np.zeros(len(wanted))
        for places, weight in self._weights(query, statistics):
            holding = self._postings.rows[places]
            positions = np.minimum(np.searchsorted(holding, wanted), len(holding) - 1)
            hits = np.flatnonzero(holding[positions] == wanted)
            counts = self._postings.counts[places][positions[hits]]
            totals[hits] += self._contributions(weight, wanted[hits], counts, statistics)
        return rounded(totals)

    def _terms(self, query: Query) -> Sequence[tuple[str, float]]:
        if query.term_weights is not None:
            return query.term_weights
        return query_terms(query.text, self._part.stemming, self._part.stop_words)

    def _weights(self, query: Query, statistics: Statistics) -> Iterator[tuple[slice, float]]:
        """Yield the places of each term of the query that rows here hold, with its idf times its count in the query, or
        its weight there.
        """
        for term, count in self._terms(query):
            frequency = statistics.document_frequencies[term]
            places = self._postings.places(term)
            if frequency and places.start < places.stop:
                yield places, count * math.log1p((statistics.rows - frequency + 0.5) / (frequency + 0.5))

    def _contributions(
        self, weight: float, rows: npt.NDArray[np.int32], counts: npt.NDArray[np.int32], statistics: Statistics
    ) -> npt.NDArray[np.float64]:
        """Return float64 [rows]: what a term of `weight` that occurs `counts` times in `rows` adds to their scores."""
        k1, b = self._part.k1, self._part.b
        average_length = statistics.total_tokens / statistics.rows
        saturation = self._postings.lengths[rows] * (k1 * b / average_length)
        saturation += k1 * (1 - b)
        saturation += counts
        return weight * counts / saturation

    def _checked(self, mask: Mask) -> Mask:
        if len(mask) != self.rows:
            raise ValueError(f"a mask of {len(mask)} rows does not fit a segment of {self.rows} rows")
        return mask


def _load(location: Path, store_format: StoreFormat) -> Postings:
    postings = Postings.open(location / POSTINGS_FILE)
    if len(postings.lengths) != store_format.rows:
        raise ValueError(f"{POSTINGS_FILE} has {len(postings.lengths)} rows, its format says {store_format.rows}")
    return postings


_opened: OpenedLocations[Postings] = OpenedLocations(_load)
