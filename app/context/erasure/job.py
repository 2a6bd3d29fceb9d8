"""The job that erases: out of every result, then out of every row and file, then out of the free space of the disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NoReturn, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.context.erasure.documents import erase_rows, erase_uploads, find_documents, written_since
from app.context.erasure.owners import Documents, Owner, Person
from app.context.erasure.records import Counts, ErasureRow, add_counts, load_erasure
from configs.errors import UnavailableError
from indexes.database.catalog import list_indexes
from indexes.database.engine import now
from indexes.database.tables import Job
from indexes.erasure import (
    jobs_begun_before,
    out_of_use,
    remove_segments,
    remove_unnamed_folders,
    suspect_segments,
)
from indexes.free_space import scrub
from indexes.jobs import FINAL_STATES, Handler, JobInterruptedError, RunningJob
from ingest.serving import rewrite_segments, target_of

Target = TypeVar("Target")

ERASE = "erase"
WAITING = "waiting_for_jobs"
WAITING_FOR_DATABASE = "waiting_for_database"
DOCUMENTS_PER_GROUP = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Eraser:
    """The handler of erasures. `owners` are asked in their order; `forget` empties what this process remembers."""

    data_folder: Path
    owners: Sequence[Owner]
    forget: Callable[[], None]

    def handlers(self) -> dict[str, Handler]:
        """Return the job kind that erases."""
        return {ERASE: self.run}

    def run(self, job: RunningJob) -> Iterator[None]:
        """Erase what the job's erasure names; whatever was killed where, the same steps again do the rest.

        While a job that began before reads the target, or an earlier erasure is unfinished, this one goes back to the
        queue with the stage `waiting_for_jobs`: it takes no thread from those it waits for. So it does, with
        `waiting_for_database`, while the file cannot be written anew.
        """
        erasure_id = str(job.arguments["erasure_id"])
        with job.database.read() as session:
            erasure = load_erasure(session, str(job.workspace_id), erasure_id)
        if erasure.cleared_at is None:
            _await_earlier(job)
            self._detach(job, erasure)
            yield
            settled_at = self._settle(job, erasure_id)
            yield from self._erase(job, erasure, settled_at)
            self.forget()
            with job.write() as session:
                row = session.get_one(ErasureRow, erasure_id)
                row.scope, row.cleared_at = {}, now()
            yield
        yield from self._scrub(job)
        with job.write() as session:
            row = session.get_one(ErasureRow, erasure_id)
            row.finished_at = now()
            job.result = {"erasure_id": erasure_id, "removed": dict(row.counts)}

    def _detach(self, job: RunningJob, erasure: ErasureRow) -> None:
        """Let nothing that begins from now on read the target."""
        with job.write() as session:
            documents, person = _scope(session, erasure)
            groups = _groups(session, documents)
            for owner in self.owners:
                for some in groups:
                    owner.detach_documents(session, some)
                if person is not None:
                    owner.detach_person(session, person)
            row = session.get_one(ErasureRow, erasure.id)
            row.marked_at = row.marked_at or now()

    def _settle(self, job: RunningJob, erasure_id: str) -> datetime:
        """Return a moment before which everything that may have written the target had ended, and has ended by now.

        What began before the mark may write the target until it ends; only when it has, the moment is chosen, and then
        awaited once more, so that what is older than it and has no row is nobody's.
        """
        with job.database.read() as session:
            marked_at = session.get_one(ErasureRow, erasure_id).marked_at
        _wait_for(job, _begun_before(job, marked_at or now()))
        with job.write() as session:
            row = session.get_one(ErasureRow, erasure_id)
            row.settled_at = row.settled_at or now()
            settled_at = row.settled_at
        _wait_for(job, _begun_before(job, settled_at))
        return settled_at

    def _erase(self, job: RunningJob, erasure: ErasureRow, settled_at: datetime) -> Iterator[None]:
        with job.database.read() as session:
            documents, person = _scope(session, erasure)
            groups = _groups(session, documents)
        for number, owner in enumerate(self.owners):
            job.progress("erasing_traces", number, len(self.owners))
            for some in groups:
                yield from _until_nothing_is_left(job, erasure.id, owner.erase_documents, some)
                with job.database.read() as session:
                    removed = owner.remove_files(session, some)
                with job.write() as session:
                    add_counts(session, erasure.id, {"segments": removed})
            if person is not None:
                yield from _until_nothing_is_left(job, erasure.id, owner.erase_person, person)
        if documents is None or not documents.ids:
            return
        yield from self._erase_segments(job, erasure, documents, settled_at)
        with job.database.read() as session:
            uploads = erase_uploads(session, self.data_folder, documents, settled_at)
        with job.write() as session:
            add_counts(session, erasure.id, {"uploads": uploads})
        yield
        job.progress("erasing_rows", 0, 1)
        while True:  # the versions are read again each time: they say where the files above lie, and go last
            with job.write() as session:
                counts = erase_rows(session, find_documents(session, documents.workspace_id, documents.ids))
                add_counts(session, erasure.id, counts)
            yield
            if not counts:
                break

    def _erase_segments(
        self, job: RunningJob, erasure: ErasureRow, documents: Documents, settled_at: datetime
    ) -> Iterator[None]:
        """Write every segment anew that may hold rows of the documents, and remove the old directories now."""
        workspace_id = documents.workspace_id
        with job.database.read() as session:
            since = written_since(session, documents)
            targets = [target_of(index) for index in list_indexes(session, workspace_id)]
        if since is None:
            return
        for done, target in enumerate(targets):
            job.progress("compacting", done, len(targets))
            while True:
                with job.database.read() as session:
                    suspects = suspect_segments(session, target.index_id, since, settled_at)
                if not suspects:
                    break
                rewrite_segments(job, self.data_folder, workspace_id, target, suspects[:1])
                yield
        with job.database.read() as session:
            retired = out_of_use(session, workspace_id, since, settled_at)
        if retired:
            _wait_for(job, _begun_before(job, max(segment.retired_at or now() for segment in retired)))
        removed = remove_segments(job, self.data_folder, retired)
        with job.database.read() as session:
            removed += remove_unnamed_folders(session, self.data_folder, workspace_id, settled_at)
        with job.write() as session:
            add_counts(session, erasure.id, {"segments": removed})
        yield

    def _scrub(self, job: RunningJob) -> Iterator[None]:
        """Leave nothing in free space and logs of this service's SQLite files; other servers' space is their own."""
        files = [self.data_folder / "jobs.sqlite"]
        if job.database.url.get_backend_name() == "sqlite" and job.database.url.database:
            files.insert(0, Path(job.database.url.database))
        present = [path for path in files if path.is_file()]
        for done, path in enumerate(present):
            job.progress("scrubbing", done, len(present))
            try:
                scrub(path)
            except UnavailableError:  # somebody writes, or reads an old state, for long
                _back_to_the_queue(job, WAITING_FOR_DATABASE, len(present) - done)
            yield


def _scope(session: Session, erasure: ErasureRow) -> tuple[Documents | None, Person | None]:
    scope = erasure.scope
    if "document_ids" in scope:
        return find_documents(session, erasure.workspace_id, scope["document_ids"]), None
    if "user_id" in scope:
        memory_id = scope.get("memory_id")
        return None, Person(workspace_id=erasure.workspace_id, user_id=scope["user_id"], memory_id=memory_id)
    return None, None


def _groups(session: Session, documents: Documents | None) -> list[Documents]:
    """Return the documents in groups that fit one SQL condition each."""
    if documents is None:
        return []
    starts = range(0, len(documents.ids), DOCUMENTS_PER_GROUP)
    groups = (documents.ids[first : first + DOCUMENTS_PER_GROUP] for first in starts)
    return [find_documents(session, documents.workspace_id, ids) for ids in groups]


def _until_nothing_is_left(
    job: RunningJob, erasure_id: str, erase: Callable[[Session, Target], Counts], target: Target
) -> Iterator[None]:
    while True:
        with job.write() as session:
            counts = erase(session, target)
            add_counts(session, erasure_id, counts)
        yield
        if not counts:
            return


def _await_earlier(job: RunningJob) -> None:
    """Go back to the queue while an earlier erasure of the workspace is unfinished: both rewrite its segments."""
    statement = select(Job.id).where(
        Job.workspace_id == job.workspace_id, Job.kind == ERASE, Job.state.not_in(FINAL_STATES), Job.id != job.id
    )
    with job.database.read() as session:
        own = session.get_one(Job, job.id)
        earlier = session.scalars(
            statement.where(
                (Job.created_at < own.created_at) | ((Job.created_at == own.created_at) & (Job.id < own.id))
            )
        ).all()
    _wait_for(job, earlier)


def _begun_before(job: RunningJob, moment: datetime) -> list[str]:
    with job.database.read() as session:
        return jobs_begun_before(session, str(job.workspace_id), moment, besides=(ERASE,))


def _wait_for(job: RunningJob, others: Sequence[str]) -> None:
    """Go back to the queue where there are others: the workers' sweep takes the job up again in a few seconds."""
    if others:
        _back_to_the_queue(job, WAITING, len(others))


def _back_to_the_queue(job: RunningJob, stage: str, total: int) -> NoReturn:
    job.progress(stage, 0, total)
    raise JobInterruptedError
