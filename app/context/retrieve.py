"""Retrieval for one question: the right index, the principal's rows, and the text of what was found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import numpy.typing as npt
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.context.embedding_record import EmbeddingRecord
from app.context.estimate import build_call
from app.context.expanding import expanded
from app.context.found_passages import Passage, load_passages, whole_passage
from app.context.saved_strategies import find_index
from app.context.search.answer import Answer, Search, answer
from app.context.search.contents import StoredContents
from app.context.strategy import BaselineSetup, SearchSetup
from app.context.users.query_personalisation import PersonalQuery
from configs.errors import ConflictError, UnavailableError
from indexes.access import Filter, Principal
from indexes.database.catalog import load_workspace
from indexes.database.engine import Database, now
from indexes.database.tables import Document, Version
from indexes.opened_locations import SEGMENT_UNREADABLE
from indexes.search import Hit, Stopwatch
from indexes.stores import Query
from indexes.view import IndexView, Views
from ingest.metering import metered
from ingest.recipe import IndexRecipe
from ingest.repair import repair_found

Vector = npt.NDArray[np.float32]

MAX_WHOLE_DOCUMENTS = 1_000
"""How many whole documents a context considers at most."""

CHARACTERS_PER_TOKEN_AT_MOST = 12
"""Whole documents are considered until this many characters per token of the limit are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """The passages of one search, best first, and the setup that found them.

    `vector` is the question's own, before it was moved towards what the asker liked, as `personal_query` tells.
    `answer` is all that the search found, None for a baseline; `embedding` is what the question's vectors cost.
    """

    setup: SearchSetup | BaselineSetup
    passages: list[Passage]
    index_id: str | None
    missing_documents: int
    vector: Vector | None = None
    personal_query: PersonalQuery | None = None
    answer: Answer | None = None
    embedding: EmbeddingRecord = field(default_factory=EmbeddingRecord)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def capped(self) -> Sequence[Hit]:
        """Return the hits that the setup's cap dropped, ranked behind the others."""
        return self.answer.capped if self.answer is not None else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked, by whom and how; `move` may change the vector that is searched with, and ages of documents count
    from `moment`, None for when it is answered.
    """

    workspace_id: str
    question: str
    principal: Principal
    restriction: Filter | None = None
    limit: int = 10
    require_fresh: bool = False
    whole_document_tokens: int = 8_000
    move: Callable[[IndexRecipe, Vector], PersonalQuery] | None = None
    moment: datetime | None = None


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
        with metered() as meter:
            retrieved = self._search(setup, request)
        return replace(retrieved, embedding=EmbeddingRecord.of(meter))

    def _search(self, setup: SearchSetup, request: Request) -> Retrieved:
        watch = Stopwatch()
        with watch.stage("database"):
            index_id, view = self.open_index(request.workspace_id, setup)
        _check_fresh(index_id, view, request)
        with watch.stage("embedding"):
            vector = setup.embedder.encode_query(request.question) if setup.embedder is not None else None
        moved = None
        if request.move is not None and vector is not None:
            with watch.stage("personal"):
                moved = request.move(setup.recipe, vector)
        query = Query(text=request.question, vector=vector if moved is None else moved.vector)
        try:
            found = self._answer(view, setup, query, request)
        except UnavailableError as error:  # files went away since the view was made
            if error.code != SEGMENT_UNREADABLE:
                raise
            self._views.doubt(index_id)
            index_id, view = self.open_index(request.workspace_id, setup)
            _check_fresh(index_id, view, request)
            found = self._answer(view, setup, query, request)
        with watch.stage("database"), self._database.read() as session:
            hits = expanded(session, setup, found.hits)[: request.limit]
            passages = load_passages(session, setup.recipe, hits)
        return Retrieved(
            setup=setup, passages=passages, index_id=index_id, vector=vector, personal_query=moved,
            missing_documents=view.missing_documents(request.principal), answer=found,
            seconds={**watch.seconds, **found.seconds},
        )  # fmt: skip

    def _answer(self, view: IndexView, setup: SearchSetup, query: Query, request: Request) -> Answer:
        search = Search(
            view=view, setup=setup, principal=request.principal, restriction=request.restriction,
            moment=request.moment or now(), contents=StoredContents(self._database, setup.recipe),
        )  # fmt: skip
        return answer(search, query, request.limit if setup.expansion is None else None)

    def open_index(self, workspace_id: str, setup: SearchSetup) -> tuple[str, IndexView]:
        """Return the id of the index that answers the setup and what it answers with at present.

        Segments that turn out damaged are left out, and their repair begins. Raises ConflictError `index_missing`.
        """
        with self._database.read() as session:
            workspace = load_workspace(session, workspace_id)
            index = find_index(session, workspace_id, setup)
            if index is None or index.built_at is None:
                raise _index_missing(workspace_id, setup, index.id if index is not None else None)
            view = self._views.get(session, workspace.id, workspace.generation, index.id)
        if view.damaged:
            repair_found(self._database, workspace_id, index.id, view.damaged)
        return index.id, view

    def _baseline(self, setup: BaselineSetup, request: Request) -> Retrieved:
        watch = Stopwatch()
        passages: list[Passage] = []
        with watch.stage("database"), self._database.read() as session:
            load_workspace(session, request.workspace_id)
            if setup.baseline == "whole_documents":
                passages = _whole_documents(session, request)
        return Retrieved(setup=setup, passages=passages, index_id=None, missing_documents=0, seconds=watch.seconds)


def _check_fresh(index_id: str, view: IndexView, request: Request) -> None:
    if missing := request.require_fresh and view.missing_documents(request.principal):
        raise ConflictError(
            f"index {index_id} misses {missing} documents in their newest version",
            hint="wait for the running job, or bring it up to date with POST …/indexes; or leave out require_fresh",
            code="index_behind",
            missing_documents=missing,
        )


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
        request.restriction.check_fields([document.attributes for document, _ in readable])
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


def _index_missing(workspace_id: str, setup: SearchSetup, index_id: str | None) -> ConflictError:
    state = "is registered but not built yet" if index_id is not None else "does not exist"
    return ConflictError(
        f"the index this strategy searches {state}",
        hint="build it with the call in `build`, wait for its job, then search again",
        code="index_missing",
        build=build_call(workspace_id, setup),
    )
