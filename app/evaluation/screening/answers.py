"""What every contestant sends for a question within the budget, with characters left out of its rows where asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sqlalchemy import select

from app.context.expanding import expanded
from app.context.search.answer import Search, answer
from app.context.search.contents import StoredContents
from app.context.strategy import SearchSetup
from app.evaluation.metrics.credited_spans import credit
from app.evaluation.outcome import Gold
from app.evaluation.screening.leaving_out import EditedRows, cannot_leave_out, edit_rows, patched_stores
from app.evaluation.screening.pseudo_questions import LeftOut
from app.evaluation.span_metrics import TokenMeter, cut_at_budget, span_recall
from app.evaluation.version_span import VersionSpan
from indexes.access import Principal
from indexes.database.engine import Database, now
from indexes.database.tables import ChunkRow, Version
from indexes.search import Hit
from indexes.stores import Query, Store
from indexes.view import IndexView

TEXTS_KEPT = 4_096
PREFIXES_KEPT = 256

Vector = npt.NDArray[np.float32]
Sent = Sequence[VersionSpan]
"""The ranked text up to the budget, the last passage cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A strategy that is screened: its setup, and the index that answers it."""

    label: str
    setup: SearchSetup
    view: IndexView


class Answers:
    """Asks all arms; what they share (vectors, edited rows, texts) is made once."""

    def __init__(self, database: Database, arms: Sequence[Arm], principal: Principal, budget_tokens: int) -> None:
        self._database = database
        self._arms = arms
        self._principal = principal
        self._budget_tokens = budget_tokens
        self._moment = now()
        self._meter = TokenMeter()
        self._text = lru_cache(maxsize=TEXTS_KEPT)(self._load_text)
        self._prefixes = lru_cache(maxsize=PREFIXES_KEPT)(self._load_prefixes)

    def sent(self, question: str, left_out: LeftOut | None = None) -> list[Sent | None]:
        """Return what each arm sends; None where nothing can be left out of its rows, and something is to be."""
        asked = _Asked(question)
        sent: list[Sent | None] = []
        for arm in self._arms:
            if left_out is None:
                sent.append(self._search(arm, asked, arm.setup.stores))
            elif cannot_leave_out(arm.setup) is not None:
                sent.append(None)
            else:
                sent.append(self._search(arm, asked, self._patched(arm, asked, left_out)))
        return sent

    def _search(self, arm: Arm, asked: _Asked, stores: Sequence[Store]) -> Sent:
        search = Search(
            view=arm.view, setup=arm.setup, principal=self._principal, restriction=None, moment=self._moment,
            contents=StoredContents(self._database, arm.setup.recipe), stores=stores,
        )  # fmt: skip
        found = answer(search, Query(text=asked.question, vector=asked.vector(arm.setup)))
        hits = found.hits
        if arm.setup.expansion is not None:
            with self._database.read() as session:
                hits = expanded(session, arm.setup, hits)
        return cut_at_budget(self._read(hits), self._budget_tokens, self._meter).spans

    def _read(self, hits: Sequence[Hit]) -> Iterator[tuple[VersionSpan, str]]:
        for hit in hits:
            text = self._text(hit.version_id)
            yield VersionSpan(hit.version_id, hit.span), text[hit.span.start : hit.span.end]

    def _patched(self, arm: Arm, asked: _Asked, left_out: LeftOut) -> tuple[Store, ...]:
        setup = arm.setup
        chunking = setup.recipe.chunking
        key = (id(arm.view), chunking)
        if key not in asked.edited:
            prefixes = self._prefixes(left_out.version_id, chunking)
            asked.edited[key] = edit_rows(arm.view, left_out, self._text(left_out.version_id), prefixes)
        return patched_stores(setup, asked.edited[key], asked.row_vectors(setup, asked.edited[key]))

    def _load_text(self, version_id: str) -> str:
        with self._database.read() as session:
            return session.scalars(select(Version.text).where(Version.id == version_id)).one() or ""

    def _load_prefixes(self, version_id: str, chunking: str) -> dict[int, str]:
        columns = select(ChunkRow.ordinal, ChunkRow.prefix)
        with self._database.read() as session:
            rows = session.execute(columns.where(ChunkRow.version_id == version_id, ChunkRow.chunking == chunking))
            return {row.ordinal: row.prefix for row in rows}


class _Asked:
    """One question with what was computed for it so far."""

    def __init__(self, question: str) -> None:
        self.question = question
        self.edited: dict[tuple[int, str], list[EditedRows]] = {}
        self._vectors: dict[str, Vector] = {}
        self._row_vectors: dict[tuple[str, tuple[str, ...]], Vector] = {}

    def vector(self, setup: SearchSetup) -> Vector | None:
        """Return the question's vector by the setup's embedder, None where it has none."""
        if setup.embedder is None:
            return None
        embedder = setup.embedder.fingerprint
        if embedder not in self._vectors:
            self._vectors[embedder] = setup.embedder.encode_query(self.question)
        return self._vectors[embedder]

    def row_vectors(self, setup: SearchSetup, edited: Sequence[EditedRows]) -> dict[Path, Vector]:
        """Return the vectors of what is left of edited rows, by segment; none where the setup has no embedder."""
        if setup.embedder is None:
            return {}
        vectors = {}
        for one in edited:
            key = (setup.embedder.fingerprint, one.texts)
            if key not in self._row_vectors:
                self._row_vectors[key] = setup.embedder.encode(one.texts)
            vectors[one.segment_folder] = self._row_vectors[key]
        return vectors


def recall(gold: Gold, sent: Sent) -> float:
    """Return the share of the marked characters that were sent; text identical to them counts (`Label.copies`)."""
    credited = credit(gold.labels, sent)
    return span_recall(credited.gold, credited.covered)
