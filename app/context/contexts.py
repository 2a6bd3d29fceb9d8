"""From a question to a saved context, and back from its receipt to the same bytes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import func, select

from app.context.assembly import Assembled, assemble
from app.context.envelope import Origin, new_nonce
from app.context.passages import Candidate
from app.context.policy import ContextPolicy
from app.context.receipt import Receipt, receipt_of, replay
from app.context.renderers import Rendered
from app.context.retrieve import Passage, Request, Retrieved, Retriever, page_at, page_starts
from app.context.saved_contexts import ContextRow, check_sources, load_context
from app.context.strategy import BaselineSetup, SearchSetup
from configs.span import Span
from indexes.access import Principal
from indexes.database.catalog import load_workspace
from indexes.database.engine import Database, new_id, now
from indexes.database.tables import Version
from ingest.document import ParsedDocument
from ingest.text_measures import measures_of

STRUCTURES_KEPT = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outline:
    """Title, headings and pages of a version."""

    title: str
    document: ParsedDocument
    pages: Sequence[tuple[int, str]]


class Contexts:
    """Makes contexts, saves their receipts, and rebuilds them."""

    def __init__(self, database: Database, retriever: Retriever) -> None:
        self._database = database
        self._retriever = retriever
        self._outline = lru_cache(maxsize=STRUCTURES_KEPT)(self._read_outline)

    def make(
        self, setup: SearchSetup | BaselineSetup, policy: ContextPolicy, request: Request
    ) -> tuple[Assembled, Retrieved]:
        """Retrieve for the request's question and pack what was found into the policy's budget."""
        retrieved = self._retriever.retrieve(setup, request)
        begin = time.perf_counter()
        assembled = self.assemble(policy, request.question, retrieved.passages)
        retrieved.seconds["assembly"] = time.perf_counter() - begin
        return assembled, retrieved

    def assemble(
        self,
        policy: ContextPolicy,
        question: str,
        passages: Sequence[Passage],
        nonce: Callable[[], str] = new_nonce,
    ) -> Assembled:
        """Pack what was found into the policy's budget; a `nonce` that can be foretold is for measuring only."""
        unmeasured = iter(measures_of([passage.text for passage in passages if passage.measure is None]))
        candidates = [
            Candidate(
                hit=passage.hit,
                text=passage.text,
                measure=passage.measure or next(unmeasured),
                origin=passage.origin,
            )
            for passage in passages
        ]
        return assemble(policy, question, candidates, text_of=self.text_of, nonce=nonce)

    def save(
        self, assembled: Assembled, retrieved: Retrieved, strategy: str, request: Request, context_id: str = ""
    ) -> ContextRow:
        """Keep the receipt with what was asked, `strategy` being what answers call it; return the row."""
        restriction = request.restriction
        asked = {
            "strategy": strategy,
            "setup": retrieved.setup.model_dump(mode="json"),
            "principals": sorted(request.principal.names),
            "filter": restriction.model_dump(mode="json", by_alias=True) if restriction is not None else None,
            "index_id": retrieved.index_id,
            "missing_documents": retrieved.missing_documents,
        }
        row = ContextRow(
            id=context_id or new_id("context"),
            workspace_id=request.workspace_id,
            request=asked,
            receipt=receipt_of(assembled).model_dump(mode="json"),
            created_at=now(),
        )
        with self._database.write() as session:
            session.add(row)
        return row

    def replay(self, workspace_id: str, context_id: str, principal: Principal) -> tuple[ContextRow, Receipt, Rendered]:
        """Return a saved context as it was sent, if the caller may still read every document in it."""
        with self._database.read() as session:
            load_workspace(session, workspace_id)
            row = load_context(session, workspace_id, context_id)
            receipt = Receipt.model_validate(row.receipt)
            documents = {candidate.document_id for candidate in receipt.candidates}
            check_sources(session, context_id, documents, principal)
        return row, receipt, replay(receipt, text_of=self.text_of, origin_of=self.origin_of)

    def text_of(self, version_id: str, span: Span) -> str:
        """Return the text of a span of a version."""
        text = func.substr(Version.text, span.start + 1, len(span))
        with self._database.read() as session:
            return str(session.scalars(select(text).where(Version.id == version_id)).one())

    def origin_of(self, version_id: str, position: int) -> Origin:
        """Return title, heading path and page at a position of a version; none of it ever changes."""
        outline = self._outline(version_id)
        page = page_at(outline.pages, position)
        return Origin(title=outline.title, heading_path=outline.document.heading_path(position), page=page)

    def forget(self) -> None:
        """Let go of the titles and headings that are remembered."""
        self._outline.cache_clear()

    def _read_outline(self, version_id: str) -> _Outline:
        with self._database.read() as session:
            columns = select(Version.title, Version.file_name, Version.structure).where(Version.id == version_id)
            title, file_name, structure = session.execute(columns).one()
        document = ParsedDocument.from_structure("", title, structure or [])
        return _Outline(title=title or file_name, document=document, pages=page_starts(structure or []))
