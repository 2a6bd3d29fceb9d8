"""One question for several askers: what each gets, what they share, and why they differ."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import or_, select

from app.context.assembled import Assembled, Source
from app.context.contexts import Contexts
from app.context.envelope import new_nonce
from app.context.explanations.asked import Setup, beginning_with, request_for
from app.context.explanations.chunk_ways import DUPLICATES
from app.context.explanations.stretches import Stretches, shared, stretches, without
from app.context.passages import Decision
from app.context.personal.asker import Asker
from app.context.policy import ContextPolicy
from app.context.retrieve import Request, Retriever
from app.context.users.banned_sources import BANNED_SOURCE
from configs.span import Span
from indexes.access import Principal
from indexes.database.engine import Database
from indexes.database.tables import Document

Cause = Literal["access", "rank", "duplicate", "budget", "preference", "other"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedAsker:
    """Somebody who asks, by a name of the request's own; the principal holds every right they have."""

    name: str
    principal: Principal
    asker: Asker


class SentSource(_Value):
    """A source that an asker got."""

    label: str
    document_id: str
    version_id: str
    external_id: str
    start: int
    end: int
    tokens: int


class StretchView(_Value):
    """A stretch of a version's text."""

    document_id: str
    version_id: str
    start: int
    end: int


class Difference(_Value):
    """Text that others got and this asker did not, and why."""

    document_id: str
    version_id: str
    start: int
    end: int
    got_by: tuple[str, ...]
    cause: Cause = Field(
        description="`access`: may not read it; `rank`: not among the candidates; `duplicate`: a better candidate says "
        "the same; `budget`: the packer left it out; `preference`: the user banned it; `other`: another reason, which "
        "the sentence names"
    )
    sentence: str


class AskerView(_Value):
    """What one asker got."""

    name: str
    principals: tuple[str, ...]
    tokens: int
    document_tokens: int
    profile_tokens: int
    history_tokens: int
    memory_tokens: int
    candidates: int = Field(description="candidates that packing chose from")
    sources: tuple[SentSource, ...]
    unique: tuple[StretchView, ...] = Field(description="text that no other asker got")
    unique_characters: int
    lacking: tuple[Difference, ...] = Field(description="text that another asker got and this one did not")
    hidden_documents: int = Field(
        description="documents that this asker may not read and another one named here may; others are not counted"
    )
    sentence: str


class ContextDiff(_Value):
    """One question for several askers, side by side; nothing is saved."""

    question: str
    are_equal: bool = Field(description="everybody got the same text")
    shared: tuple[StretchView, ...] = Field(description="text that everybody got")
    shared_characters: int
    askers: tuple[AskerView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Got:
    asker: NamedAsker
    assembled: Assembled
    stretches: Stretches


def diff_contexts(
    database: Database,
    contexts: Contexts,
    retriever: Retriever,
    setup: Setup,
    policy: ContextPolicy,
    request: Request,
    askers: Sequence[NamedAsker],
) -> ContextDiff:
    """Assemble the request's context for each asker and compare; the request's own principal does not count.

    All get the same nonce, so that tokens can be compared.
    """
    nonce = new_nonce()
    got = []
    for asker in askers:
        own = replace(request_for(request, setup, policy), principal=asker.principal)
        found = retriever.retrieve(setup, contexts.moved(own, policy, asker.asker))
        personal = contexts.personal_material(
            setup, policy, request.question, asker.asker, found.passages, found.vector
        )
        draw = beginning_with(nonce)
        assembled = contexts.assemble(policy, request.question, found.passages, draw, personal, found.capped)
        spans = stretches((source.version_id, source.span) for source in assembled.sources)
        got.append(_Got(asker=asker, assembled=assembled, stretches=spans))
    sent = {source.document_id for one in got for source in one.assembled.sources}
    documents = _documents(database, request.workspace_id, sent)
    owners = {source.version_id: source.document_id for one in got for source in one.assembled.sources}
    common = reduce(shared, (one.stretches for one in got))
    views = tuple(_view(one, got, documents, owners, contexts) for one in got)
    return ContextDiff(
        question=request.question,
        are_equal=not any(view.lacking for view in views),
        shared=_views(common, owners),
        shared_characters=_characters(common),
        askers=views,
    )


def _view(
    one: _Got, got: Sequence[_Got], documents: Mapping[str, _Known], owners: Mapping[str, str], contexts: Contexts
) -> AskerView:
    others = [other for other in got if other is not one]
    theirs = stretches((version_id, span) for other in others for version_id, span in _flat(other.stretches))
    unique = without(one.stretches, theirs)
    lacking = tuple(
        _difference(one, others, documents, owners[version_id], version_id, span)
        for version_id, span in _flat(without(theirs, one.stretches))
        if contexts.text_of(version_id, span).strip()
    )
    hidden = sum(
        not one.asker.principal.may_read(document.access)
        and any(other.asker.principal.may_read(document.access) for other in others)
        for document in documents.values()
    )
    use = one.assembled.tokens
    return AskerView(
        name=one.asker.name, principals=tuple(sorted(one.asker.principal.names)), tokens=use.total,
        document_tokens=use.documents, profile_tokens=use.profile, history_tokens=use.history,
        memory_tokens=use.memories, candidates=len(one.assembled.decisions),
        sources=tuple(_source(source, documents) for source in one.assembled.sources),
        unique=_views(unique, owners), unique_characters=_characters(unique), lacking=lacking, hidden_documents=hidden,
        sentence=_sentence(one, lacking, hidden),
    )  # fmt: skip


def _difference(
    one: _Got, others: Sequence[_Got], documents: Mapping[str, _Known], document_id: str, version_id: str, span: Span
) -> Difference:
    got_by = tuple(other.asker.name for other in others if shared({version_id: [span]}, other.stretches))
    cause, sentence = _cause(one, documents.get(document_id), version_id, span)
    return Difference(
        document_id=document_id, version_id=version_id, start=span.start, end=span.end, got_by=got_by, cause=cause,
        sentence=sentence,
    )  # fmt: skip


def _cause(one: _Got, document: _Known | None, version_id: str, span: Span) -> tuple[Cause, str]:
    if document is None or not one.asker.principal.may_read(document.access):
        return "access", f"{one.asker.name} may not read the document."
    holding = [
        decision
        for decision in one.assembled.decisions
        if decision.hit.version_id == version_id and decision.hit.span.overlap(span)
    ]
    if not holding:
        return "rank", f"For {one.asker.name} it is not among the {len(one.assembled.decisions)} candidates."
    decision = next((one for one in holding if not one.is_included), holding[0])
    if decision.reason in DUPLICATES:
        better = decision.details.get("of_rank")
        return "duplicate", f"For {one.asker.name} candidate {better} says the same ({decision.reason})."
    return _left_out(one.asker.name, decision)


def _left_out(name: str, decision: Decision) -> tuple[Cause, str]:
    needed, left = decision.details.get("needed_tokens"), decision.details.get("left_tokens")
    if decision.reason in ("budget", "source_cap"):
        return "budget", f"For {name} it is candidate {decision.hit.rank}; it needs {needed} tokens, {left} were left."
    if decision.reason == BANNED_SOURCE:
        return "preference", f"{name} wants nothing from this source or tag."
    how = "was sent without this part" if decision.is_included else f"was dropped: {decision.reason}"
    return "other", f"For {name} candidate {decision.hit.rank} {how}."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    external_id: str
    access: Sequence[str] | None


def _documents(database: Database, workspace_id: str, sent: Collection[str]) -> dict[str, _Known]:
    """Return the live documents that were sent to somebody or have an access list."""
    matters = or_(Document.access.is_not(None), Document.id.in_(sent))
    statement = select(Document.id, Document.external_id, Document.access).where(
        Document.workspace_id == workspace_id, Document.deleted_at.is_(None), matters
    )
    with database.read() as session:
        return {row.id: _Known(external_id=row.external_id, access=row.access) for row in session.execute(statement)}


def _source(source: Source, documents: Mapping[str, _Known]) -> SentSource:
    document = documents.get(source.document_id)
    return SentSource(
        label=source.label, document_id=source.document_id, version_id=source.version_id,
        external_id=document.external_id if document is not None else "", start=source.span.start,
        end=source.span.end, tokens=source.tokens,
    )  # fmt: skip


def _sentence(one: _Got, lacking: Sequence[Difference], hidden: int) -> str:
    name, use = one.asker.name, one.assembled.tokens
    said = f"{name} gets {len(one.assembled.sources)} sources in {use.total:,} tokens."
    if not lacking:
        return f"{said} Nothing that others got is missing."
    counts = {cause: sum(one.cause == cause for one in lacking) for cause in dict.fromkeys(d.cause for d in lacking)}
    reasons = ", ".join(f"{count} for {cause}" for cause, count in counts.items())
    missing = "1 stretch is" if len(lacking) == 1 else f"{len(lacking)} stretches are"
    said += f" Of what others got, {missing} missing: {reasons}."
    if hidden:
        closed = "1 document is" if hidden == 1 else f"{hidden} documents are"
        said += f" {closed} hidden that others here may read."
    return said


def _flat(spans: Stretches) -> list[tuple[str, Span]]:
    return [(version_id, span) for version_id, some in spans.items() for span in some]


def _views(spans: Stretches, owners: Mapping[str, str]) -> tuple[StretchView, ...]:
    return tuple(
        StretchView(document_id=owners[version_id], version_id=version_id, start=span.start, end=span.end)
        for version_id, span in _flat(spans)
    )


def _characters(spans: Stretches) -> int:
    return sum(len(span) for _, span in _flat(spans))
