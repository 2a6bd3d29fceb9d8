"""Searches as if some characters stood in no row: patched scores are computed beside the segments, never in them.

Chunk boundaries are those of the full text, lexical statistics stay those of the full rows, and a row of whose text
nothing is left is not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, cast

import numpy as np
import numpy.typing as npt

from app.context.strategy import SearchSetup
from app.evaluation.screening.pseudo_questions import LeftOut
from configs.span import Span
from indexes.analysis import term_maker
from indexes.postings import Postings, build_postings
from indexes.ranking import rounded
from indexes.stores import Mask, Query, Rows, Scores, Searcher, Statistics, Store
from indexes.stores.bm25 import Bm25, Bm25Searcher
from indexes.view import IndexView
from ingest.chunking import END, SEPARATOR

WHOLE_TEXT_CHUNKERS = ("late", "whole_document")
"""Their rows depend on the whole text, so that every question would have it encoded again."""

Vectors = npt.NDArray[np.float32]


def cannot_leave_out(setup: SearchSetup) -> str | None:
    """Return why nothing can be left out of the setup's rows, None where it can."""
    kind = setup.chunker.kind_of_class()
    if kind in WHOLE_TEXT_CHUNKERS:
        return f"the chunker {kind} would need whole documents to be encoded again for each question"
    for store in setup.stores:
        if not (store.is_exact and (store.signal == "dense" or isinstance(store, Bm25))):
            return f"scores of the store {store.kind_of_class()} cannot be computed beside its index"
    for option in (setup.query_expansion, setup.reranker):
        if option is not None:
            return f"{option.kind_of_class()} reads texts and vectors of hits as they are stored, with nothing left out"
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedRows:
    """The rows of one segment that hold what is left out: int64 [rows], ascending.

    `is_left` bool [rows] tells of whose text something remains; `texts` are what would be indexed of those.
    """

    segment_folder: Path
    rows: Rows
    is_left: Mask
    texts: tuple[str, ...]


def edit_rows(view: IndexView, left_out: LeftOut, text: str, prefixes: Mapping[int, str]) -> list[EditedRows]:
    """Return the rows of the view that hold what is left out, segment by segment.

    `text` is the version's, `prefixes` those of its chunks by ordinal. Raises ValueError where the view answers with
    another version.
    """
    number = next((n for n, document in enumerate(view.documents) if document.id == left_out.document_id), None)
    if number is None or view.documents[number].version_id != left_out.version_id:
        raise ValueError(f"the view does not answer with version {left_out.version_id}")
    left_words = [" ".join(text[span.start : span.end].split()) for span in left_out.spans]
    edited = []
    for segment in view.segments:
        rows, is_left, texts = [], [], []
        for row in np.flatnonzero(segment.documents == number).tolist():
            span = Span(int(segment.table.starts[row]), int(segment.table.ends[row]))
            prefix = prefixes[int(segment.table.ordinals[row])]
            left_prefix = prefix_without(prefix, left_out.title, left_words)
            if left_prefix == prefix and not any(span.overlap(one) for one in left_out.spans):
                continue
            left_text = text_without(text, span, left_out.spans)
            rows.append(row)
            is_left.append(bool(left_text.strip()))
            if is_left[-1]:
                texts.append(left_prefix + left_text)
        if rows:
            edited.append(
                EditedRows(
                    segment_folder=segment.folder,
                    rows=np.array(rows, dtype=np.int64),
                    is_left=np.array(is_left, dtype=np.bool_),
                    texts=tuple(texts),
                )
            )
    return edited


def text_without(text: str, span: Span, left_out: Sequence[Span]) -> str:
    """Return the text of `span` without the characters of `left_out` (sorted, disjoint)."""
    kept, start = [], span.start
    for one in left_out:
        if one.overlap(span):
            kept.append(text[start : max(start, one.start)])
            start = min(one.end, span.end)
    return "".join((*kept, text[start : span.end]))


def prefix_without(prefix: str, title: str, left_words: Sequence[str]) -> str:
    """Return the prefix without the title, of which it may hold the first words only, and without `left_words`."""
    words = title.split()
    for count in range(len(words), 0, -1):
        said = " ".join(words[:count])
        for end in (SEPARATOR, END):
            if prefix.startswith(said + end):
                return prefix[len(said + end) :]
    for said in left_words:
        if said:
            prefix = prefix.replace(said, "")
    return prefix


class PatchedSearcher(Searcher):
    """A segment's searcher in which edited rows have the scores of what is left of them, and empty ones are not there.

    Statistics are those of the full rows. `beside` holds the edited rows that are left, in their order.
    """

    def __init__(self, whole: Searcher, edited: EditedRows, beside: Searcher) -> None:
        self._whole = whole
        self._beside = beside
        self._left = edited.rows[edited.is_left]
        self._is_edited = np.zeros(whole.rows, dtype=np.bool_)
        self._is_edited[edited.rows] = True
        self._is_gone = np.zeros(whole.rows, dtype=np.bool_)
        self._is_gone[edited.rows[~edited.is_left]] = True

    @property
    def rows(self) -> int:
        return self._whole.rows

    def statistics(self, query: Query, permitted: Mask | None) -> Statistics:
        return self._whole.statistics(query, permitted)

    def search(self, query: Query, allowed: Mask | None, k: int, statistics: Statistics) -> tuple[Rows, Scores]:
        untouched = ~self._is_edited if allowed is None else allowed & ~self._is_edited
        rows, scores = self._whole.search(query, untouched, k, statistics)
        if len(self._left):
            mask = None if allowed is None else allowed[self._left]
            found, found_scores = self._beside.search(query, mask, k, statistics)
            rows = np.concatenate([rows, self._left[found]])
            scores = np.concatenate([scores, found_scores])
        order = np.lexsort((rows, -scores))[:k]
        return rows[order], scores[order]

    def scores(self, query: Query, rows: Rows, statistics: Statistics) -> Scores:
        """Return the scores of rows that are there; KeyError for one that is gone."""
        if self._is_gone[rows].any():
            raise KeyError(f"of the rows {rows[self._is_gone[rows]]} nothing is left")
        scores = self._whole.scores(query, rows, statistics)
        edited = np.flatnonzero(self._is_edited[rows])
        if len(edited):
            places = np.searchsorted(self._left, rows[edited])
            scores[edited] = self._beside.scores(query, places, statistics)
        return scores


class VectorSearcher(Searcher):
    """A few vectors, float32 [rows, dimensions], compared one by one in float64."""

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors

    @property
    def rows(self) -> int:
        return len(self._vectors)

    def search(self, query: Query, allowed: Mask | None, k: int, statistics: Statistics) -> tuple[Rows, Scores]:
        rows = np.arange(self.rows) if allowed is None else np.flatnonzero(allowed)
        scores = self.scores(query, rows, statistics)
        order = np.lexsort((rows, -scores))[:k]
        return rows[order], scores[order]

    def scores(self, query: Query, rows: Rows, statistics: Statistics) -> Scores:  # noqa: ARG002  # lexical only
        if query.vector is None:
            raise ValueError("a dense store needs the query's vector")
        vectors = self._vectors[rows].astype(np.float64)
        return rounded(np.einsum("ij,j->i", vectors, query.vector.astype(np.float64)))


class Searchable(Protocol):
    """What a search asks of a store."""

    @property
    def signal(self) -> Literal["dense", "lexical"]:
        """Tell what the scores compare."""
        ...

    def kind_of_class(self) -> str:
        """Return the store's kind."""
        ...

    def open(self, location: Path) -> Searcher:
        """Return a searcher of the segment there."""
        ...


class PatchedStore:
    """A store (`Searchable`) that opens segments with the edited rows' scores in place of the full ones'."""

    def __init__(self, store: Store, beside: Mapping[Path, tuple[EditedRows, Searcher]]) -> None:
        self._store = store
        self._beside = beside

    @property
    def signal(self) -> Literal["dense", "lexical"]:
        """Return the signal of the store that is patched."""
        return self._store.signal

    def kind_of_class(self) -> str:
        """Return the kind of the store that is patched."""
        return self._store.kind_of_class()

    def open(self, location: Path) -> Searcher:
        """Return the segment's searcher, patched where it has edited rows."""
        whole = self._store.open(location)
        if location.parent not in self._beside:
            return whole
        return PatchedSearcher(whole, *self._beside[location.parent])


def patched_stores(
    setup: SearchSetup, edited: Sequence[EditedRows], vectors: Mapping[Path, Vectors]
) -> tuple[Store, ...]:
    """Return the setup's stores as `search_index` takes them, patched; `vectors` are of the edited rows that are left,
    by segment. The setup is one of which something can be left out.
    """
    stores: list[Searchable] = []
    for store in setup.stores:
        if isinstance(store, Bm25):
            beside = {one.segment_folder: (one, _lexical(store, one.texts)) for one in edited}
        else:
            beside = {one.segment_folder: (one, _dense(vectors[one.segment_folder])) for one in edited}
        stores.append(PatchedStore(store, beside))
    return tuple(cast("list[Store]", stores))  # a search needs no more of a store than `Searchable`


def _lexical(store: Bm25, texts: Sequence[str]) -> Searcher:
    postings: Postings = build_postings(texts, term_maker(store.stemming, store.stop_words))
    return Bm25Searcher(postings, store)


def _dense(vectors: Vectors) -> Searcher:
    return VectorSearcher(vectors)
