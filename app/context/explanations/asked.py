"""A saved context opened for explaining: what was asked, and the same request assembled anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.context.assembled import Assembled
from app.context.contexts import Contexts
from app.context.envelope import new_nonce
from app.context.policy import ContextPolicy
from app.context.receipt import CandidateRecord, Receipt
from app.context.retrieve import MAX_WHOLE_DOCUMENTS, Request, Retrieved, Retriever
from app.context.saved_contexts import ContextRow, check_reader, check_sources, load_context
from app.context.saved_strategies import load_strategy
from app.context.strategy import BaselineSetup, RetrievalSetup, SearchSetup
from app.context.users.known import Preferences
from configs.errors import ConflictError, NotFoundError
from configs.part import canonical_json
from indexes.access import Filter, Principal
from indexes.database.catalog import load_workspace
from indexes.database.tables import Document

Setup = SearchSetup | BaselineSetup
_SETUP: TypeAdapter[Setup] = TypeAdapter(RetrievalSetup)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A saved context with its receipt, and how it was asked for: as what was known `as_of` then, and with which
    preferences of the request's own.
    """

    id: str
    setup: Setup
    receipt: Receipt
    request: Request
    user_id: str | None
    as_of: datetime
    preferences: Preferences | None

    @property
    def policy(self) -> ContextPolicy:
        """Return the context policy it was packed by."""
        return self.receipt.policy

    @property
    def versions(self) -> dict[str, str]:
        """Return the version of each document that was a candidate."""
        return {candidate.document_id: candidate.version_id for candidate in self.receipt.candidates}


def load_asked(session: Session, workspace_id: str, context_id: str, caller: Principal) -> Asked:
    """Return the saved context for a caller who may know all of it.

    That is who may still read every candidate, as a replay demands, and also every other document that the asker may
    read: ranks count those. Anybody else is told that the context does not exist.
    """
    load_workspace(session, workspace_id)
    row = load_context(session, workspace_id, context_id)
    receipt = Receipt.model_validate(row.receipt)
    check_reader(row, caller)
    check_sources(session, context_id, {candidate.document_id for candidate in receipt.candidates}, caller)
    asker = Principal.of(row.request["principals"])
    _check_rights(session, workspace_id, context_id, asker, caller)
    setup = as_it_ran(_setup_of(session, row), receipt)
    said = row.request["filter"]
    request = Request(
        workspace_id=workspace_id,
        question=receipt.question,
        principal=asker,
        restriction=Filter.model_validate(said) if said is not None else None,
        limit=MAX_WHOLE_DOCUMENTS,
        whole_document_tokens=receipt.policy.available_tokens,
        moment=receipt.search.moment if receipt.search is not None else None,
    )
    own = row.request.get("preferences")
    return Asked(
        id=row.id, setup=setup, receipt=receipt, request=request, user_id=row.user_id,
        as_of=datetime.fromisoformat(row.request["as_of"]) if "as_of" in row.request else row.created_at,
        preferences=None if own is None else Preferences.model_validate(own),
    )  # fmt: skip


class Rerun:
    """Assembles a saved request anew, as it was or with one thing changed; nothing is saved.

    The user is taken as known when the context was made. What was found is kept, so that a change of the policy alone
    costs no search. Not thread-safe.
    """

    def __init__(self, contexts: Contexts, retriever: Retriever, asked: Asked) -> None:
        self._contexts = contexts
        self._retriever = retriever
        self._asked = asked
        self._found: dict[str, Retrieved] = {}
        self._asker = contexts.askers.of(
            asked.request.workspace_id, asked.user_id, as_of=asked.as_of, preferences=asked.preferences
        )

    def retrieved(self, setup: Setup, policy: ContextPolicy) -> Retrieved:
        """Return what the setup finds at present."""
        request = request_for(self._asked.request, setup, policy)
        depends_on = request.whole_document_tokens if isinstance(setup, BaselineSetup) else 0
        moved_by = policy.personalisation.query.model_dump(mode="json")
        key = canonical_json([setup.model_dump(mode="json"), depends_on, moved_by])
        if key not in self._found:
            self._found[key] = self._retriever.retrieve(setup, self._contexts.moved(request, policy, self._asker))
        return self._found[key]

    def assembled(self, setup: Setup, policy: ContextPolicy, nonce: str = "") -> Assembled:
        """Return the context at present, with the receipt's nonce or another one as long as no text holds it."""
        found = self.retrieved(setup, policy)
        question, draw = self._asked.request.question, beginning_with(nonce or self._asked.receipt.nonce)
        personal = self._contexts.personal_material(setup, policy, question, self._asker, found.passages, found.vector)
        said = self._asked.receipt
        personal = replace(personal, workspace_instructions=said.workspace_instructions, notes=said.notes)
        return self._contexts.assemble(policy, question, found.passages, draw, personal, found.capped)

    def differs_from_receipt(self, assembled: Assembled) -> bool:
        """Tell whether other candidates, scores or decisions came out than were recorded."""
        recorded = [_decided(candidate) for candidate in self._asked.receipt.candidates]
        return recorded != [_decided(CandidateRecord.of(decision, None)) for decision in assembled.decisions]


def as_it_ran(setup: Setup, receipt: Receipt) -> Setup:
    """Return the setup with the depth that its reranker reached then, so that it comes to the same order again."""
    search = receipt.search
    if not isinstance(setup, SearchSetup) or setup.reranker is None or search is None or search.reranker is None:
        return setup
    return setup.model_copy(update={"reranker": setup.reranker.as_deep_as(int(search.reranker["reranked"]))})


def request_for(request: Request, setup: Setup, policy: ContextPolicy) -> Request:
    """Return the request as it is made when a context is assembled by setup and policy."""
    limit = setup.candidates if isinstance(setup, SearchSetup) else MAX_WHOLE_DOCUMENTS
    return replace(request, limit=limit, whole_document_tokens=policy.available_tokens)


def beginning_with(first: str) -> Callable[[], str]:
    """Return a source of nonces: `first`, then random ones."""

    def drawn() -> Iterator[str]:
        yield first
        while True:
            yield new_nonce()

    return drawn().__next__


def _decided(record: CandidateRecord) -> tuple[str, int, int, int, float, str]:
    return record.version_id, record.start, record.end, record.rank, record.score, record.reason


def _check_rights(session: Session, workspace_id: str, context_id: str, asker: Principal, caller: Principal) -> None:
    if asker.names <= caller.names:
        return
    restricted = select(Document.access).where(
        Document.workspace_id == workspace_id, Document.deleted_at.is_(None), Document.access.is_not(None)
    )
    if any(asker.may_read(access) and not caller.may_read(access) for access in session.scalars(restricted)):
        raise NotFoundError("context", context_id)


def _setup_of(session: Session, row: ContextRow) -> Setup:
    """Return the setup, which rows of earlier releases name by their strategy alone."""
    kept = row.request.get("setup")
    if kept is not None:
        return _SETUP.validate_python(kept)
    name, _, version = str(row.request["strategy"]).rpartition(" version ")
    if not name:
        raise ConflictError(
            f"context {row.id!r} was assembled with an inline setup that was not kept",
            hint="assemble it anew with POST …/contexts, then ask about that one",
            code="setup_not_kept",
        )
    return load_strategy(session, row.workspace_id, name, int(version)).strategy.retrieval
