"""A library with documents to erase and others to keep, and erasing jobs done batch by batch in this thread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from sqlalchemy import select

from app.context.erasure.creation import NewErasure, create_erasure
from app.context.erasure.documents import JOB_ERRORS
from app.context.erasure.job import Eraser
from app.context.erasure.owners import Owner
from app.context.erasure.personal import PERSONAL_ROWS
from app.context.erasure.records import ErasureRow
from app.context.erasure.retention import Retainer
from indexes.database.engine import Database
from indexes.database.tables import Vector
from indexes.workers import Workers
from tests.ingest.library import HYBRID, LEXICAL, Library, file_upload, text_upload

OWNERS = (JOB_ERRORS, PERSONAL_ROWS)
KEPT = {
    "oak": "The oak carries acorns. Ships were built of it for centuries.",
    "birch": "The birch has white bark. Its sap tastes sweet in spring.",
    "willow": "The willow drinks much water. Baskets are woven from its rods.",
}
QUERIES = ("oak acorns", "sweet sap in spring", "woven baskets", "ocelot")


class Shelf(Library):
    """A library whose workers erase as well; `owners` come after the documents' and the users' own."""

    def __init__(
        self, database: Database, folder: Path, workspace_id: str = "w", owners: Sequence[Owner] = OWNERS
    ) -> None:
        super().__init__(database, folder, workspace_id)
        self.forgot = 0
        eraser = Eraser(data_folder=folder, owners=owners, forget=self._forget)
        handlers = {**self.pipeline.handlers(), **eraser.handlers(), **Retainer(owners=owners).handlers()}
        self.workers = Workers(database, handlers, data_folder=folder, threads=1, runs_jobs=True)

    def _forget(self) -> None:
        self.forgot += 1
        self.views.forget()

    def fill(self) -> None:
        """Ingest what is kept, and `secret` in three versions, one of them a file, for two indexes."""
        self.index(HYBRID)
        self.index(LEXICAL, index_id="words")
        for number in range(3):
            text = f"The ocelot{number} sings. {KEPT['birch']} " + f"Ocelot song number {number}. " * 30
            self.ingest(
                text_upload(
                    "secret", text, title="ocelottitle", tags=["ocelottag"], metadata={"ocelotkey": "ocelotvalue"}
                )
            )
        self.ingest(file_upload("secret", b"The ocelotfile is bytes. " * 20))
        self.add(**KEPT)

    def ask(self, **target: str) -> ErasureRow:
        """Save an erasure and its job."""
        with self.database.write() as session:
            return create_erasure(session, self.workspace_id, NewErasure.model_validate(target))

    def erase(self, **target: str) -> ErasureRow:
        """Erase, and return the receipt."""
        asked = self.ask(**target)
        job = self.run(asked.job_id)
        assert job.state == "succeeded", (job.state, job.stage, job.error)
        return self.receipt(asked.id)

    def receipt(self, erasure_id: str) -> ErasureRow:
        """Return the erasure as it is now."""
        with self.database.read() as session:
            return session.get_one(ErasureRow, erasure_id)

    def results(self) -> list[object]:
        """Return what the queries find in each index, whatever the ids of documents that tie."""
        return [
            sorted(self.outcome(query, recipe=recipe, index_id=index_id))
            for query in QUERIES
            for recipe, index_id in ((HYBRID, "i"), (LEXICAL, "words"))
        ]

    def vectors(self) -> set[bytes]:
        """Return the cached vectors."""
        with self.database.read() as session:
            return set(session.scalars(select(Vector.vector)))


def files_with(folder: Path, *needles: bytes) -> list[str]:
    """Return the files below a folder that hold one of the byte strings."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(path.relative_to(folder).as_posix() for path in files if _holds(path.read_bytes(), needles))


def _holds(content: bytes, needles: Iterable[bytes]) -> bool:
    return any(needle in content for needle in needles)
