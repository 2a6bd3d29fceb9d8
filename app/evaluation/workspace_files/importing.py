"""Accepting an archive, all of it or nothing, and the job that brings it into the indexes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.context.saved_strategies import ensure_index, save_strategy
from app.context.strategy import SearchSetup
from app.evaluation.workspace_files.archive import open_archive
from app.evaluation.workspace_files.reading import WorkspaceContent, read_content, upload_of
from app.evaluation.workspace_files.sealed_questions import SealedQuestionSet, save_sealed
from configs.errors import PlaygroundError
from configs.part import JsonObject
from configs.settings import Settings
from indexes.database.catalog import load_workspace
from indexes.database.engine import Database, new_id
from indexes.database.tables import Document, Workspace
from indexes.jobs import Handler, RunningJob, create_job
from ingest.pipeline import Pipeline
from ingest.sources import save_sources
from ingest.uploads import Accepted, Upload, accept_uploads

IMPORT = "import_workspace"
OnAccepted = Callable[[Session, Sequence[Upload]], None]
"""Called in the unit of work that accepts an archive, with the uploads that make a version."""


@dataclass(frozen=True, slots=True)
class SavedName:
    """A strategy of the archive as the workspace has it now."""

    name: str
    version: int
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedArchive:
    """What became of an archive; the job, which ingests documents and then saves the question sets."""

    job_id: str
    documents: Sequence[Accepted]
    strategies: Sequence[SavedName]
    question_sets: Sequence[str]
    default_strategy: str | None
    takes_default: bool


def check_archive(settings: Settings, stream: BinaryIO) -> None:
    """Raise what `accept_archive` raises about the archive itself."""
    with open_archive(stream, settings.max_import_bytes) as archive:
        read_content(archive, settings.max_text_characters)


def accept_archive(
    database: Database, settings: Settings, workspace_id: str, stream: BinaryIO, on_accepted: OnAccepted
) -> AcceptedArchive:
    """Take over what the archive holds; the caller hands the job to the workers.

    Everything is read and checked first, files are written next, and one commit makes all of it count. A workspace
    that never had a document, and no default alias, takes over the archive's default strategy, whose index the job
    makes. Raises what `open_archive`, `read_content` and `save_strategy` raise; then nothing has changed.
    """
    with database.read() as session:
        load_workspace(session, workspace_id)
    with open_archive(stream, settings.max_import_bytes) as archive:
        content = read_content(archive, settings.max_text_characters)
        uploads: list[Upload] = []
        for line, entry in content.documents:
            upload = upload_of(archive, line, entry, settings.max_text_characters)
            save_sources(settings.data_folder, workspace_id, [upload])
            uploads.append(upload.without_bytes())
        default_strategy = archive.manifest.default_strategy
    job_id = new_id("job")
    with database.write() as session:
        workspace = load_workspace(session, workspace_id)
        is_empty = session.scalar(select(Document.id).where(Document.workspace_id == workspace_id).limit(1)) is None
        accepted = accept_uploads(session, workspace_id, job_id, uploads)
        on_accepted(session, _made(uploads, accepted))
        strategies = _strategies(session, workspace_id, content)
        takes_default = is_empty and _take_default(session, workspace, default_strategy, content)
        create_job(session, workspace_id, IMPORT, _arguments(content), job_id)
    return AcceptedArchive(
        job_id=job_id, documents=accepted, strategies=strategies, default_strategy=default_strategy,
        takes_default=takes_default, question_sets=[one.name for one in content.question_sets],
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """The handler of import jobs."""

    pipeline: Pipeline

    def handlers(self) -> dict[str, Handler]:
        """Return the job kinds this does."""
        return {IMPORT: self.run}

    def run(self, job: RunningJob) -> Iterator[None]:
        """Ingest the documents, then save each question set, whose labels need texts that answer.

        A set that cannot be saved is named in the result's `problems`; documents that failed say so themselves.
        """
        yield from self.pipeline.ingest(job)
        documents = job.result
        sets = job.arguments["question_sets"]
        saved: list[JsonObject] = []
        problems: list[JsonObject] = []
        for done, value in enumerate(sets):
            job.progress("saving question sets", done, len(sets))
            sealed = SealedQuestionSet.model_validate(value)
            try:
                with job.write() as session:
                    row, is_new = save_sealed(session, str(job.workspace_id), sealed)
                    saved.append({"name": row.name, "questions": row.question_count})
            except PlaygroundError as error:
                problems.append({"question_set": sealed.name, **error.as_dict()})
                continue
            if is_new:  # a job that is taken up again passes over what it saved before
                yield
        job.result = {**documents, "question_sets": saved, "problems": problems}


def _made(uploads: Sequence[Upload], accepted: Sequence[Accepted]) -> list[Upload]:
    made = ("created", "new_version")
    return [one for one, its in zip(uploads, accepted, strict=True) if its.status in made]


def _strategies(session: Session, workspace_id: str, content: WorkspaceContent) -> list[SavedName]:
    names = []
    for one in content.strategies:
        saved, is_new = save_strategy(session, workspace_id, one.name, one.strategy)
        names.append(SavedName(saved.name, saved.version, is_new))
    return names


def _take_default(session: Session, workspace: Workspace, name: str | None, content: WorkspaceContent) -> bool:
    """Make the archive's default strategy that of the workspace, unless an alias is; tell whether it is now."""
    strategy = next((one.strategy for one in content.strategies if one.name == name), None)
    if strategy is None or workspace.default_alias is not None:
        return False
    workspace.default_strategy = name
    if isinstance(strategy.retrieval, SearchSetup):
        ensure_index(session, workspace.id, strategy.retrieval, maintained=True)
    return True


def _arguments(content: WorkspaceContent) -> JsonObject:
    sets = [one.model_dump(mode="json", exclude_defaults=True) for one in content.question_sets]
    return {"documents": len(content.documents), "question_sets": sets}
