"""Retrieval for one question: the right index, the principal's rows, and the text of what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from app.context.estimate import build_call
from app.context.saved_strategies import find_index
from app.context.strategy import BaselineSetup, SearchSetup
from configs.errors import ConflictError
from configs.span import Span
from indexes.access import Filter, Principal
from indexes.database.catalog import load_workspace
from indexes.database.engine import Database
from indexes.database.tables import ChunkRow, Document, Version
from indexes.search import Hit, Stopwatch, search_index
from indexes.stores import Query
from indexes.view import Views
from ingest.tokenizers import count_tokens

CHARACTERS_PER_TOKEN_AT_MOST = 12
"""Whole documents are considered until this many characters per token of the limit are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A hit with its text and where it comes from; `title` is the version's own, as it was when indexed."""

    hit: Hit
    text: str
    external_id: str
    title: str
    heading_path: tuple[str, ...]
    page: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """The passages of one search, best first."""

    passages: list[Passage]
    index_id: str | None
    missing_documents: int
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked, by whom and how."""

    workspace_id: str
    question: str
    principal: Principal
    restriction: Filter | None = None
    limit: int = 10
    require_fresh: bool = False
    whole_document_tokens: int = 8_000


class Retriever:
    """Answers retrieval requests from the database and the views of its indexes."""

    def __init__(self, database: Database, views: Views) -> None:
        self._database = database
        self._views = views

    def retrieve(self, setup: SearchSetup | BaselineSetup, request: Request) -> Retrieved:
        """Return at most `request.limit` passages the principal may see.

        Raises ConflictError `index_missing` where no index answers the setup, and `index_behind` where the index misses
        documents and the request demands a fresh one.
        """
        if isinstance(setup, BaselineSetup):
            return self._baseline(setup, request)
        watch = Stopwatch()
        with watch.stage("database"), self._database.read() as session:
            workspace = load_workspace(session, request.workspace_id)
            index = find_index(session, request.workspace_id, setup)
            if index is None or index.built_at is None:
                raise _index_missing(request.workspace_id, setup, index.id if index is not None else None)
            view = self._views.get(session, workspace.id, workspace.generation, index.id)
        missing = view.missing_documents(request.principal)
        if missing and request.require_fresh:
            raise ConflictError(
                f"index {index.id} misses {missing} documents in their newest version",
                hint="wait for the running job, or bring it up to date with POST …/indexes; or leave out require_fresh",
                code="index_behind",
                missing_documents=missing,
            )
        with watch.stage("embedding"):
            vector = setup.embedder.encode_query(request.question) if setup.embedder is not None else None
        found = search_index(
            view,
            setup.stores,
            setup.fusion,
            Query(text=request.question, vector=vector),
            principal=request.principal,
            restriction=request.restriction,
            candidates=setup.candidates,
            limit=request.limit,
        )
        with watch.stage("database"), self._database.read() as session:
            passages = load_passages(session, setup.recipe.chunking, found.hits)
        return Retrieved(
            passages=passages, index_id=index.id, missing_documents=missing, seconds={**watch.seconds, **found.seconds}
        )

    def _baseline(self, setup: BaselineSetup, request: Request) -> Retrieved:
        watch = Stopwatch()
        passages: list[Passage] = []
        with watch.stage("database"), self._database.read() as session:
            load_workspace(session, request.workspace_id)
            if setup.baseline == "whole_documents":
                passages = _whole_documents(session, request)
        return Retrieved(passages=passages, index_id=None, missing_documents=0, seconds=watch.seconds)


def load_passages(session: Session, chunking: str, hits: Sequence[Hit]) -> list[Passage]:
    """Return the hits with the text of their spans, in order."""
    if not hits:
        return []
    text = func.substr(Version.text, ChunkRow.start + 1, ChunkRow.end - ChunkRow.start)
    keys = [(hit.version_id, hit.ordinal) for hit in hits]
    statement = (
        select(
            ChunkRow.version_id, ChunkRow.ordinal, ChunkRow.heading_path, text, Version.title, Document.external_id,
            Version.media_type, Version.id,
        )
        .join(Version, Version.id == ChunkRow.version_id)
        .join(Document, Document.id == Version.document_id)
        .where(ChunkRow.chunking == chunking, tuple_(ChunkRow.version_id, ChunkRow.ordinal).in_(keys))
    )  # fmt: skip
    rows = {(row[0], row[1]): row for row in session.execute(statement)}
    paged = {row.id for row in rows.values() if row.media_type == "application/pdf"}
    pages = _pages(session, paged) if paged else {}
    passages = []
    for hit in hits:
        row = rows[hit.version_id, hit.ordinal]
        page = _page_at(pages.get(hit.version_id, []), hit.span.start)
        passages.append(
            Passage(
                hit=hit, text=row[3], external_id=row.external_id, title=row.title,
                heading_path=tuple(row.heading_path), page=page,
            )
        )  # fmt: skip
    return passages


def _pages(session: Session, version_ids: set[str]) -> dict[str, list[tuple[int, str]]]:
    statement = select(Version.id, Version.structure).where(Version.id.in_(version_ids))
    return {
        version_id: [(block["start"], block["label"]) for block in structure or [] if block["kind"] == "page"]
        for version_id, structure in session.execute(statement)
    }


def _page_at(pages: list[tuple[int, str]], position: int) -> str:
    label = ""
    for start, page in pages:
        if start > position:
            break
        label = page
    return label


def _whole_documents(session: Session, request: Request) -> list[Passage]:
    """Return readable documents whole, oldest first, until clearly more text than the limit is read."""
    statement = (
        select(Document, Version)
        .join(Version, Version.id == Document.ready_version_id)
        .where(Document.workspace_id == request.workspace_id, Document.deleted_at.is_(None))
        .order_by(Document.created_at, Document.id)
    )
    readable = [
        (document, version)
        for document, version in session.execute(statement)
        if request.principal.may_read(document.access)
    ]
    if request.restriction is not None:
        request.restriction.check_fields({name for document, _ in readable for name in document.attributes})
    passages: list[Passage] = []
    left_characters = request.whole_document_tokens * CHARACTERS_PER_TOKEN_AT_MOST
    for document, version in readable:
        if request.restriction is not None and not request.restriction.holds(document.tags, document.attributes):
            continue
        if len(passages) >= request.limit or left_characters <= 0:
            break
        text = session.scalars(select(Version.text).where(Version.id == version.id)).one() or ""
        left_characters -= len(text)
        passages.append(whole_passage(len(passages) + 1, document, version, text))
    return passages


def whole_passage(rank: int, document: Document, version: Version, text: str) -> Passage:
    """Return a whole document as the passage of that rank."""
    hit = Hit(
        rank=rank,
        document_id=document.id,
        version_id=version.id,
        ordinal=0,
        span=Span(0, len(text)),
        tokens=count_tokens(text),
        score=1.0 / rank,
        stores={},
    )
    return Passage(hit=hit, text=text, external_id=document.external_id, title=version.title, heading_path=(), page="")


def _index_missing(workspace_id: str, setup: SearchSetup, index_id: str | None) -> ConflictError:
    state = "is registered but not built yet" if index_id is not None else "does not exist"
    return ConflictError(
        f"the index this strategy searches {state}",
        hint="build it with the call in `build`, wait for its job, then search again",
        code="index_missing",
        build=build_call(workspace_id, setup),
    )
