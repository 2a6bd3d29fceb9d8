"""A workspace in a folder: uploads, jobs done in this thread batch by batch, and searches over its indexes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select

from configs.part import JsonObject
from indexes.access import Filter, Principal
from indexes.database.catalog import load_workspace, missing_versions
from indexes.database.engine import Database
from indexes.database.tables import Document, IndexRow, Job, Served, Version, Workspace
from indexes.fusions.convex import Convex
from indexes.jobs import create_job
from indexes.search import Hit, search_index
from indexes.stores import Query
from indexes.view import Views
from indexes.workers import Workers
from ingest.builds import BUILD_INDEX
from ingest.document import ParsedDocument
from ingest.pipeline import INGEST, Pipeline
from ingest.recipe import IndexRecipe
from ingest.sources import save_sources
from ingest.uploads import Accepted, Upload, accept_uploads
from tests.database import add_index, add_workspace

CHUNKER: JsonObject = {"kind": "recursive", "size_tokens": 16}
LEXICAL = IndexRecipe.model_validate({"chunker": CHUNKER, "stores": [{"kind": "bm25"}]})
HYBRID = IndexRecipe.model_validate(
    {
        "chunker": CHUNKER,
        "embedder": {"kind": "hashing", "dimensions": 64},
        "stores": [{"kind": "faiss_flat"}, {"kind": "bm25"}],
    }
)


def text_upload(external_id: str, text: str, **values: Any) -> Upload:
    """Return an upload that was parsed when it was sent, as JSON is."""
    return Upload(external_id=external_id, source=text.encode(), parsed=ParsedDocument(text=text), **values)


def file_upload(name: str, source: bytes, **values: Any) -> Upload:
    """Return an upload that is parsed in its job, as files are."""
    return Upload(external_id=name, file_name=name, source=source, media_type="", **values)


class Library:
    """One workspace, `w` unless said otherwise; several libraries may share a database and a folder."""

    def __init__(self, database: Database, folder: Path, workspace_id: str = "w") -> None:
        self.database = database
        self.folder = folder
        self.workspace_id = workspace_id
        self.pipeline = Pipeline(data_folder=folder, max_text_characters=10_000)
        self.workers = Workers(database, self.pipeline.handlers(), data_folder=folder, threads=1, runs_jobs=True)
        self.views = Views(folder)
        with database.write() as session:
            if session.get(Workspace, workspace_id) is None:
                add_workspace(session, workspace_id)

    def index(self, recipe: IndexRecipe = LEXICAL, *, maintained: bool = True, index_id: str = "i") -> str:
        """Register an index."""
        values = {"recipe": recipe.model_dump(mode="json"), "maintained": maintained}
        with self.database.write() as session:
            row = add_index(session, index_id, workspace_id=self.workspace_id, **values)
            row.fingerprint = recipe.fingerprint
        return index_id

    def send(self, *uploads: Upload) -> tuple[list[Accepted], str]:
        """Accept the uploads and return what became of them, with the job that is to ingest them."""
        save_sources(self.folder, self.workspace_id, uploads)
        with self.database.write() as session:
            job_id = create_job(session, self.workspace_id, INGEST, {})
            return accept_uploads(session, self.workspace_id, job_id, uploads), job_id

    def ingest(self, *uploads: Upload) -> Job:
        """Accept the uploads and ingest them."""
        return self.run(self.send(*uploads)[1])

    def add(self, **texts: str) -> Job:
        """Ingest a text for each external id."""
        return self.ingest(*(text_upload(name, text) for name, text in texts.items()))

    def build(self, index_id: str = "i") -> Job:
        """Bring an index up to date."""
        with self.database.write() as session:
            job_id = create_job(session, self.workspace_id, BUILD_INDEX, {"index_id": index_id})
        return self.run(job_id)

    def steps(self, job_id: str) -> Iterator[None]:
        """Do the job; pause after every batch."""
        while self.workers.advance(job_id, "test"):
            yield
        self.workers.let_go(job_id, "test")

    def run(self, job_id: str) -> Job:
        """Do the job and return it as it ended."""
        for _ in self.steps(job_id):
            pass
        return self.job(job_id)

    def job(self, job_id: str) -> Job:
        """Return the job as it is now."""
        with self.database.read() as session:
            return session.get_one(Job, job_id)

    def document(self, external_id: str) -> Document:
        """Return the live document of that external id."""
        with self.database.read() as session:
            statement = select(Document).where(Document.external_id == external_id, Document.deleted_at.is_(None))
            return session.scalars(statement.where(Document.workspace_id == self.workspace_id)).one()

    def versions(self, external_id: str) -> list[Version]:
        """Return the versions of a document, oldest first."""
        statement = select(Version).where(Version.document_id == self.document(external_id).id)
        with self.database.read() as session:
            return list(session.scalars(statement.order_by(Version.number)))

    def states(self, external_id: str) -> list[str]:
        """Return the state of each version of a document, oldest first."""
        return [version.state for version in self.versions(external_id)]

    def hits(
        self,
        words: str,
        *,
        recipe: IndexRecipe = LEXICAL,
        index_id: str = "i",
        names: Sequence[str] = (),
        restriction: Filter | None = None,
    ) -> list[Hit]:
        """Search the index; several stores are fused."""
        with self.database.read() as session:
            generation = load_workspace(session, self.workspace_id).generation
            view = self.views.get(session, self.workspace_id, generation, index_id)
        vector = recipe.embedder.encode_query(words) if recipe.embedder is not None else None
        return search_index(
            view,
            recipe.stores,
            Convex(kind="convex") if len(recipe.stores) > 1 else None,
            Query(text=words, vector=vector),
            principal=Principal.of(names),
            restriction=restriction,
            candidates=1_000,  # all there are: which of several that tie come last depends on ids
        ).hits

    def find(self, words: str, **how: Any) -> list[str]:
        """Return the texts that a search finds, best first."""
        found = []
        with self.database.read() as session:
            for hit in self.hits(words, **how):
                text = session.scalars(select(Version.text).where(Version.id == hit.version_id)).one() or ""
                found.append(text[hit.span.start : hit.span.end].strip())
        return found

    def outcome(self, words: str, **how: Any) -> list[tuple[object, ...]]:
        """Return what a search finds and how it scores, without ids that differ between two workspaces."""
        with self.database.read() as session:
            return [
                (session.get_one(Document, hit.document_id).external_id, hit.ordinal, hit.span, hit.tokens, hit.score,
                 tuple((name, said.score) for name, said in hit.stores.items()))
                for hit in self.hits(words, **how)
            ]  # fmt: skip

    def served(self, index_id: str = "i") -> list[Served]:
        """Return what an index serves, by document."""
        with self.database.read() as session:
            statement = select(Served).where(Served.index_id == index_id)
            return list(session.scalars(statement.order_by(Served.document_id)))

    def missing(self, index_id: str = "i") -> int:
        """Return how many ready documents the index misses."""
        with self.database.read() as session:
            return len(missing_versions(session, self.workspace_id, index_id))

    def generation(self) -> int:
        """Return the workspace's generation."""
        with self.database.read() as session:
            return load_workspace(session, self.workspace_id).generation

    def index_row(self, index_id: str = "i") -> IndexRow:
        """Return an index."""
        with self.database.read() as session:
            return session.get_one(IndexRow, index_id)
