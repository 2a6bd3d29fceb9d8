"""A workspace with documents and built indexes, without a server, a model or a worker."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pydantic

from app.context.retrieve import Retriever
from app.context.saved_strategies import ensure_index
from app.context.strategy import BaselineSetup, SearchSetup
from app.evaluation.labels import locate_questions
from app.evaluation.question_sets import save_question_set
from app.evaluation.questions import NewQuestion, Question
from configs.part import JsonObject
from configs.span import Span
from indexes.database.catalog import load_document
from indexes.database.engine import now
from indexes.database.tables import Job, Workspace
from indexes.jobs import RunningJob, create_job
from indexes.view import Views
from ingest.builds import BUILD_INDEX
from ingest.document import ParsedDocument
from ingest.pipeline import INGEST, Pipeline
from ingest.uploads import Upload, accept_uploads, delete_document
from tests.database import fresh_database

WORKSPACE = "playground"


def lexical(size_tokens: int = 16, **settings: Any) -> SearchSetup:
    """Return BM25 over fixed chunks without prefixes."""
    content = {
        "chunker": {"kind": "fixed", "size_tokens": size_tokens},
        "context_prefix": False,
        "stores": [{"kind": "bm25"}],
    }
    return SearchSetup.model_validate({**content, **settings})


NO_CONTEXT = BaselineSetup(baseline="no_context")
WHOLE_DOCUMENTS = BaselineSetup(baseline="whole_documents")


class World:
    """One workspace in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._opened = ExitStack()
        self.database = self._opened.enter_context(fresh_database(folder))
        self.retriever = Retriever(self.database, Views(folder))
        self._pipeline = Pipeline(data_folder=folder, max_text_characters=1_000_000)
        with self.database.write() as session:
            session.add(Workspace(id=WORKSPACE, name="Playground", generation=0, created_at=now()))

    def close(self) -> None:
        """Close the database."""
        self._opened.close()

    def add(self, document_id: str, text: str, *, access: list[str] | None = None, ready: bool = True) -> None:
        """Add a document, or a version of it; where `ready` is False, it stays queued."""
        self.add_all({document_id: text}, access=access, ready=ready)

    def add_all(self, texts: Mapping[str, str], *, access: list[str] | None = None, ready: bool = True) -> None:
        """Add several documents in one job."""
        uploads = [
            Upload(
                external_id=document_id, document_id=document_id, source=text.encode(), access=access,
                parsed=ParsedDocument(text=text),
            )
            for document_id, text in texts.items()
        ]  # fmt: skip
        with self.database.write() as session:
            job_id = create_job(session, WORKSPACE, INGEST, {})
            accept_uploads(session, WORKSPACE, job_id, uploads)
        if ready:
            self.work(job_id)

    def delete(self, document_id: str) -> None:
        """Delete a document."""
        with self.database.write() as session:
            delete_document(session, load_document(session, WORKSPACE, document_id))

    def build(self, setup: SearchSetup, *, maintained: bool = False) -> SearchSetup:
        """Build or refresh the setup's index, and return the setup."""
        with self.database.write() as session:
            index = ensure_index(session, WORKSPACE, setup, maintained=maintained)
            job_id = create_job(session, WORKSPACE, BUILD_INDEX, {"index_id": index.id})
        self.work(job_id)
        return setup

    def work(self, job_id: str) -> None:
        """Do a job in this thread."""
        with self.database.write() as session:
            job = session.get_one(Job, job_id)
            job.state, job.lease = "running", 1
        running = RunningJob(self.database, job, 1, threading.Event())
        for _ in self._pipeline.handlers()[job.kind](running):
            pass

    def version_of(self, document_id: str) -> str:
        """Return the version of the document that answers."""
        with self.database.read() as session:
            return str(load_document(session, WORKSPACE, document_id).ready_version_id)

    def locate(self, *questions: JsonObject) -> list[Question]:
        """Return the questions with their evidence located."""
        with self.database.read() as session:
            return locate_questions(session, WORKSPACE, new_questions(*questions))

    def save(self, name: str, *questions: JsonObject) -> tuple[str, bool]:
        """Save the questions as a set; return its content hash and whether it is new."""
        with self.database.write() as session:
            row, is_new = save_question_set(session, WORKSPACE, name, new_questions(*questions))
            return row.content_hash, is_new


def new_questions(*questions: JsonObject) -> list[NewQuestion]:
    """Return the questions as they come from a request."""
    return pydantic.TypeAdapter(list[NewQuestion]).validate_python(questions)


def asked(question: str, *evidence: JsonObject, **fields: Any) -> JsonObject:
    """Return a question as JSON."""
    return {"question": question, "evidence": list(evidence), **fields}


def quoted(document_id: str, quote: str) -> JsonObject:
    """Return evidence by quote as JSON."""
    return {"document_id": document_id, "quote": quote}


def whole(document_id: str, **fields: Any) -> JsonObject:
    """Return a whole document as evidence, as JSON."""
    return {"document_id": document_id, **fields}


def spanned(document_id: str, span: Span) -> JsonObject:
    """Return evidence by span as JSON."""
    return {"document_id": document_id, "start": span.start, "end": span.end}
