"""One search as a strategy's setup has it: find, expand, fuse, age, rerank, cap; every step of a hit is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from app.context.query_expansions import FirstSearch, QueryExpansion, Vector
from app.context.rerankers import Reranker
from app.context.search.contents import HitContents
from app.context.search.recency import Recency, check_dates, moment_of
from app.context.search.record import SearchRecord
from app.context.search.source_cap import SourceCap
from app.context.search.steps import after_expansion, aged, capped, fused_wordings, places_of, reordered
from app.context.strategy import SearchSetup
from configs.part import JsonObject
from indexes.access import Filter, Principal, check_field, value_at
from indexes.search import Hit, Stopwatch, search_index
from indexes.stores import Query, Store
from indexes.view import IndexView


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is searched, on whose behalf, at which moment: ages count from it. `stores` may stand in for the setup's."""

    view: IndexView
    setup: SearchSetup
    principal: Principal
    restriction: Filter | None
    moment: datetime
    contents: HitContents
    stores: Sequence[Store] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The hits of one search, best first, and those that a cap dropped, ranked behind them.

    `query` is what was searched with in the end, or the question as it was asked where several wordings were; `record`
    is None without search options; `terms` are those that an expansion took from documents, with their weights.
    """

    hits: list[Hit]
    query: Query
    seconds: dict[str, float]
    capped: list[Hit] = field(default_factory=list)
    record: SearchRecord | None = None
    terms: Sequence[tuple[str, float]] = ()

    @property
    def reached(self) -> int:
        """Return how many hits there are here, those included that a cap dropped."""
        return len(self.hits) + len(self.capped)


def answer(search: Search, query: Query, limit: int | None = None) -> Answer:
    """Return the first `limit` hits that the setup finds for the query, out of its own number of candidates."""
    course = _Course(search, query)
    if not search.setup.has_options:
        hits = course.find(query, limit)
        return Answer(hits=hits, query=query, seconds=course.seconds)
    return course.run(limit)


class _Course:
    """One search on its way through the options."""

    def __init__(self, search: Search, query: Query) -> None:
        self.seconds: dict[str, float] = {}
        self._search = search
        self._query = query
        self._watch = Stopwatch()
        self._terms: Sequence[tuple[str, float]] = ()
        self._record: dict[str, Any] = {}

    def find(self, query: Query, limit: int | None = None) -> list[Hit]:
        """Search the index once; the seconds add up."""
        search, setup = self._search, self._search.setup
        found = search_index(
            search.view, search.stores or setup.stores, setup.fusion, query, principal=search.principal,
            restriction=search.restriction, candidates=setup.candidates, limit=limit,
        )  # fmt: skip
        for stage, seconds in found.seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds
        return found.hits

    def run(self, limit: int | None) -> Answer:
        """Take every option in turn."""
        setup, asked = self._search.setup, self._query
        hits, dropped = self.find(asked), list[Hit]()
        if setup.query_expansion is not None:
            hits = self._expanded(setup.query_expansion, hits)
        if setup.recency is not None:
            with self._watch.stage("recency"):
                hits = self._aged(setup.recency, hits)
        if setup.reranker is not None:
            with self._watch.stage("reranker"):
                hits = self._reranked(setup.reranker, asked.text, hits)
        if setup.max_per_source is not None:
            with self._watch.stage("source_cap"):
                hits, dropped = self._capped(setup.max_per_source, hits)
        return Answer(
            hits=hits[:limit], query=self._query, seconds={**self.seconds, **self._watch.seconds}, capped=dropped,
            record=SearchRecord.model_validate(self._record), terms=self._terms,
        )  # fmt: skip

    def _expanded(self, expansion: QueryExpansion, hits: list[Hit]) -> list[Hit]:
        """Search with every wording that is not the question as it was asked, and fuse what all found."""
        search, asked = self._search, self._query
        with self._watch.stage("query_expansion"):
            expanded = expansion.expand(
                FirstSearch(
                    query=asked, hits=hits, stores=search.setup.stores, contents=search.contents, encode=self._encode
                )
            )
        self._terms, self._record["query_expansion"] = expanded.terms, dict(expanded.details)
        lists = {name: hits if one is asked else self.find(one) for name, one in expanded.queries.items()}
        if len(lists) > 1:
            with self._watch.stage("query_expansion"):
                return fused_wordings(lists, expanded.rank_constant, search.setup.candidates)
        ((name, self._query),) = expanded.queries.items()
        return hits if self._query is asked else after_expansion(lists[name], places_of(hits))

    def _encode(self, text: str) -> Vector | None:
        embedder = self._search.setup.embedder
        return None if embedder is None else embedder.encode_query(text)

    def _aged(self, recency: Recency, hits: list[Hit]) -> list[Hit]:
        self._record["moment"] = self._search.moment
        return aged(hits, recency, self._ages(recency.date_field, hits))

    def _ages(self, date_field: str | None, hits: Sequence[Hit]) -> list[timedelta | None]:
        if date_field is None:
            begins = self._search.contents.uploaded_at(hits)
        else:
            metadata = self._metadata(hits, date_field)
            if hits:
                check_dates(date_field, self._readable)
            begins = [moment_of(value_at(metadata[hit.document_id], date_field)) for hit in hits]
        return [None if begin is None else self._search.moment - begin for begin in begins]

    def _reranked(self, reranker: Reranker, question: str, hits: list[Hit]) -> list[Hit]:
        new = reranker.rerank(question, hits[: reranker.depth], self._search.contents)
        self._record["reranker"] = {"reranked": len(new.order), **new.totals}
        return reordered(hits, new)

    def _capped(self, cap: SourceCap, hits: list[Hit]) -> tuple[list[Hit], list[Hit]]:
        kept, dropped = cap.split(hits, self._metadata(hits, cap.field))
        self._record["dropped_by_cap"] = len(dropped)
        return capped(kept, dropped)

    def _metadata(self, hits: Sequence[Hit], metadata_field: str | None) -> dict[str, JsonObject]:
        """Return the metadata of the hits' documents by id.

        Raises InvalidInputError (`unknown_metadata_field`) where no document that may be read has the field.
        """
        if metadata_field is not None and hits:
            check_field(metadata_field, self._readable, code="unknown_metadata_field")
        wanted = {hit.document_id for hit in hits}
        return {one.id: one.metadata for one in self._search.view.documents if one.id in wanted}

    @cached_property
    def _readable(self) -> list[JsonObject]:
        """Return the metadata of every document that may be read."""
        search = self._search
        return [one.metadata for one in search.view.documents if search.principal.may_read(one.access)]
