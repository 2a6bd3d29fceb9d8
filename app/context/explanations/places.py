"""Where a target stands: located in the versions that a context was made from, else in those that answer now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.context.explanations.stretches import uncovered
from app.context.explanations.target import Target
from configs.errors import InvalidInputError
from configs.span import Span
from configs.text import occurrences
from indexes.access import Principal
from indexes.database.tables import Document, Version

MOST_SHOWN = 10
LONGEST_QUOTE_SHOWN = 100
SURROUNDING_CHARACTERS = 40
NAMES_PER_QUERY = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDocument:
    """A live document that the caller may read."""

    id: str
    external_id: str
    access: tuple[str, ...] | None
    tags: tuple[str, ...]
    metadata: dict[str, Any]
    ready_version_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a target stands. `span` is None where it is a whole document; `text` is then empty.

    White space at both ends of a span is left out, unless it is all there is.
    """

    document: KnownDocument
    version_id: str | None
    span: Span | None = None
    text: str = ""

    def missing(self, spans: Sequence[Span]) -> list[Span]:
        """Return the parts of the span that `spans` leave out and that are not white space alone."""
        assert self.span is not None
        offset = self.span.start
        return [
            rest
            for rest in uncovered(self.span, spans)
            if self.text[rest.start - offset : rest.end - offset].strip() or not self.text.strip()
        ]


def locate(
    session: Session, workspace_id: str, target: Target, caller: Principal, versions: Mapping[str, str]
) -> Place | None:
    """Return where the target stands; None where the caller knows no such document.

    `versions` are those a context was made from, by document; they come before those that answer now. Raises
    InvalidInputError (`span_outside_document`, `quote_not_found`, `quote_ambiguous`).
    """
    if target.name is None:
        documents = list(_documents(session, workspace_id, caller))
        return _only_place(session, target.quote or "", documents, versions, "in the documents you may read")
    document = next(_documents(session, workspace_id, caller, target), None)
    if document is None:
        return None
    version_id = versions.get(document.id, document.ready_version_id)
    if target.quote is not None:
        return _only_place(session, target.quote, [document], versions, f"in document {target.name!r}")
    if target.start is None or target.end is None or version_id is None:
        return Place(document=document, version_id=version_id)
    return _at_span(session, document, version_id, Span(target.start, target.end))


def place_in(session: Session, place: Place, version_id: str) -> Place | None:
    """Return where the same text stands in another version, nearest to where it stood; None where it is gone."""
    if place.span is None or place.version_id == version_id:
        return Place(document=place.document, version_id=version_id, span=place.span, text=place.text)
    found = list(occurrences(place.text, _text_of(session, version_id)))
    if not found:
        return None
    origin = place.span.start
    start = min(found, key=lambda position: (abs(position - origin), position))
    return Place(
        document=place.document, version_id=version_id, span=Span(start, start + len(place.text)), text=place.text
    )


def _documents(
    session: Session, workspace_id: str, caller: Principal, target: Target | None = None
) -> Iterator[KnownDocument]:
    statement = select(
        Document.id, Document.external_id, Document.access, Document.tags, Document.attributes,
        Document.ready_version_id,
    ).where(Document.workspace_id == workspace_id, Document.deleted_at.is_(None))  # fmt: skip
    if target is not None:
        column = Document.id if target.document_id is not None else Document.external_id
        statement = statement.where(column == target.name)
    for row in session.execute(statement.order_by(Document.id)):
        if caller.may_read(row.access):
            yield KnownDocument(
                id=row.id, external_id=row.external_id, access=None if row.access is None else tuple(row.access),
                tags=tuple(row.tags), metadata=row.attributes, ready_version_id=row.ready_version_id,
            )  # fmt: skip


def _at_span(session: Session, document: KnownDocument, version_id: str, span: Span) -> Place:
    text = _text_of(session, version_id)
    if span.end > len(text):
        raise InvalidInputError(
            f"the span [{span.start}, {span.end}) ends after the {len(text)} characters of document {document.id!r}",
            hint="take offsets from the context's receipt or from GET …/documents/{document_id}/text, or send a quote",
            code="span_outside_document",
            characters=len(text),
            version_id=version_id,
        )
    return _trimmed(document, version_id, text, span)


def _trimmed(document: KnownDocument, version_id: str, text: str, span: Span) -> Place:
    inside = text[span.start : span.end]
    if inside.strip():
        start = span.start + len(inside) - len(inside.lstrip())
        span = Span(start, start + len(inside.strip()))
    return Place(document=document, version_id=version_id, span=span, text=text[span.start : span.end])


def _only_place(
    session: Session, quote: str, documents: Sequence[KnownDocument], versions: Mapping[str, str], where: str
) -> Place:
    """Return the one place of the quote: in each document the context's version counts, else the answering one."""
    known = {document.id: document for document in documents}
    candidates = {
        version_id: document
        for document in documents
        for version_id in {versions.get(document.id), document.ready_version_id}
        if version_id is not None
    }
    found: list[tuple[KnownDocument, str, str, int]] = []
    settled: set[str] = set()
    holding = _holding(session, quote, candidates)
    for version_id, text in sorted(holding.items(), key=lambda one: one[0] not in versions.values()):
        document = known[candidates[version_id].id]
        if document.id not in settled:
            found.extend((document, version_id, text, position) for position in occurrences(quote, text))
        settled.add(document.id)
    if len(found) == 1:
        document, version_id, text, start = found[0]
        return _trimmed(document, version_id, text, Span(start, start + len(quote)))
    raise _not_one(quote, found, where)


def _holding(session: Session, quote: str, version_ids: Mapping[str, KnownDocument]) -> dict[str, str]:
    """Return the texts of the versions that hold the quote; the database compares, so that few texts are read."""
    ordered = sorted(version_ids)
    holding: dict[str, str] = {}
    for first in range(0, len(ordered), NAMES_PER_QUERY):
        statement = select(Version.id, Version.text).where(
            Version.id.in_(ordered[first : first + NAMES_PER_QUERY]), Version.text.contains(quote, autoescape=True)
        )
        holding.update((row.id, row.text) for row in session.execute(statement) if quote in row.text)
    return holding


def _not_one(quote: str, found: Sequence[tuple[KnownDocument, str, str, int]], where: str) -> InvalidInputError:
    shown = quote if len(quote) <= LONGEST_QUOTE_SHOWN else f"{quote[:LONGEST_QUOTE_SHOWN]}…"
    return InvalidInputError(
        f"the quote {shown!r} occurs {len(found)} times {where}",
        hint="quote more of the text, name its document, or send `start` and `end`"
        if found
        else "copy it from GET …/documents/{document_id}/text; upper case, spaces and line breaks count",
        code="quote_ambiguous" if found else "quote_not_found",
        matches=len(found),
        places=[
            {
                "document_id": document.id,
                "version_id": version_id,
                "start": start,
                "end": start + len(quote),
                "surroundings": _surroundings(text, start, start + len(quote)),
            }
            for document, version_id, text, start in found[:MOST_SHOWN]
        ],
    )


def _surroundings(text: str, start: int, end: int) -> str:
    shown = text[start:end] if end - start <= LONGEST_QUOTE_SHOWN else f"{text[start : start + LONGEST_QUOTE_SHOWN]}…"
    return f"{text[max(0, start - SURROUNDING_CHARACTERS) : start]}{shown}{text[end : end + SURROUNDING_CHARACTERS]}"


def _text_of(session: Session, version_id: str) -> str:
    return session.scalars(select(func.coalesce(Version.text, "")).where(Version.id == version_id)).one_or_none() or ""
