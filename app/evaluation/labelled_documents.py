"""The documents in which answers are marked: found by id or by external id, and their texts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.evaluation.version_span import VersionSpan
from indexes.access import Principal
from indexes.database.tables import Document, Version

NAMES_PER_QUERY = 500
TEXTS_HELD = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledDocument:
    """A live document; `version_id` is the version that answers at present, None where none does yet."""

    id: str
    external_id: str
    title: str
    version_id: str | None


def documents_by_id(
    session: Session, workspace_id: str, ids: Iterable[str], principal: Principal | None = None
) -> dict[str, LabelledDocument]:
    """Return the live documents of the workspace by id; with a `principal`, only those it may read."""
    return {found.id: found for found in _find(session, workspace_id, Document.id, ids, principal)}


def documents_by_external_id(
    session: Session, workspace_id: str, external_ids: Iterable[str], principal: Principal | None = None
) -> dict[str, LabelledDocument]:
    """Return the live documents of the workspace by external id; with a `principal`, only those it may read."""
    found = _find(session, workspace_id, Document.external_id, external_ids, principal)
    return {document.external_id: document for document in found}


def text_of(session: Session, version_id: str) -> str:
    """Return a version's text."""
    return session.scalars(select(Version.text).where(Version.id == version_id)).one() or ""


def texts_of(session: Session, version_ids: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield each version's id and text, by id; few texts at a time are held."""
    ordered = sorted(version_ids)
    for first in range(0, len(ordered), NAMES_PER_QUERY):
        some = ordered[first : first + NAMES_PER_QUERY]
        statement = select(Version.id, Version.text).where(Version.id.in_(some)).order_by(Version.id)
        for version_id, text in session.execute(statement.execution_options(yield_per=TEXTS_HELD)):
            yield version_id, text or ""


def excerpts(session: Session, places: Collection[VersionSpan]) -> dict[VersionSpan, str]:
    """Return what stands at the places; one text at a time is held."""
    found = {}
    text, loaded = "", None
    for place in sorted(places):
        if place.version_id != loaded:
            text, loaded = text_of(session, place.version_id), place.version_id
        found[place] = text[place.span.start : place.span.end]
    return found


def _find(
    session: Session,
    workspace_id: str,
    column: InstrumentedAttribute[str],
    names: Iterable[str],
    principal: Principal | None,
) -> list[LabelledDocument]:
    may_read: Callable[[list[str] | None], bool] = principal.may_read if principal else lambda _: True
    wanted = sorted(set(names))
    columns = select(Document.id, Document.external_id, Document.title, Document.ready_version_id, Document.access)
    statement = columns.where(Document.workspace_id == workspace_id, Document.deleted_at.is_(None))
    return [
        LabelledDocument(id=row.id, external_id=row.external_id, title=row.title, version_id=row.ready_version_id)
        for first in range(0, len(wanted), NAMES_PER_QUERY)
        for row in session.execute(statement.where(column.in_(wanted[first : first + NAMES_PER_QUERY])))
        if may_read(row.access)
    ]
