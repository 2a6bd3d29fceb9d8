"""Parse, chunk, embed, index: the order, and nothing else."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, undefer

from configs.errors import InvalidInputError, PlaygroundError, UnavailableError
from configs.part import JsonObject
from configs.text import storable
from indexes.database.catalog import count_served, load_index, missing_versions, raise_generation
from indexes.database.tables import Document, Served, Version
from indexes.jobs import Handler, RunningJob
from indexes.segments import quarantine, remove_unused
from ingest.baking import IDS_PER_QUERY, batches, chunk_versions, embed_versions
from ingest.builds import BUILD_INDEX
from ingest.document import ParsedDocument
from ingest.integrity import check_index
from ingest.parsers import parser_for
from ingest.serving import (
    BakedSegment,
    Target,
    bake_segments,
    maintained_targets,
    mark_built,
    merge_segments,
    outdated_segments,
    rewrite_segments,
    share_segment,
    switch_over,
    target_of,
)
from ingest.sources import read_source
from ingest.uploads import check_text_length, fail_versions

INGEST = "ingest"

logger = logging.getLogger("playground.ingest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """The handlers of ingest jobs, with the folder and the limits of this installation."""

    data_folder: Path
    max_text_characters: int

    def handlers(self) -> dict[str, Handler]:
        """Return the job kinds this pipeline does."""
        return {INGEST: self.ingest, BUILD_INDEX: self.build_index}

    def ingest(self, job: RunningJob) -> Iterator[None]:
        """Parse the job's versions, bring them into every maintained index, and make them ready, all in one commit."""
        job.on_failure = lambda session, error: fail_versions(session, job.id, error or cancelled_error())
        yield from self._parse(job)
        workspace_id = str(job.workspace_id)
        with job.database.read() as session:
            unfinished = Version.state.in_(("queued", "processing"))
            version_ids = list(session.scalars(select(Version.id).where(Version.job_id == job.id, unfinished)))
            targets = maintained_targets(session, workspace_id)
        baked: list[BakedSegment] = []
        finished: set[str] = set()
        while version_ids:
            new = [target for target in targets if target.index_id not in finished]
            baked += yield from self._bake(job, new, version_ids)
            finished.update(target.index_id for target in new)
            with job.write() as session:
                targets = maintained_targets(session, workspace_id)
                wanted = {target.index_id for target in targets}  # an index may be deleted while segments are baked
                if wanted <= finished:
                    switch_over(session, workspace_id, [one for one in baked if one.index_id in wanted])
                    _make_ready(session, version_ids)
                    break
        for target in targets:
            merge_segments(job, self.data_folder, workspace_id, target)
        remove_unused(job.database, self.data_folder)
        with job.database.read() as session:
            ready = select(func.count()).where(Version.job_id == job.id, Version.state == "ready")
            job.result |= {"documents": session.scalar(ready)}

    def build_index(self, job: RunningJob) -> Iterator[None]:
        """Bring one index up to date with the ready versions of its workspace; what is damaged is made anew."""
        workspace_id = str(job.workspace_id)
        with job.database.read() as session:
            target = target_of(load_index(session, workspace_id, job.arguments["index_id"]))
        unsound = check_index(job.database, self.data_folder, workspace_id, target.index_id).unsound
        if unsound:
            with job.write() as session:
                quarantine(session, workspace_id, unsound)
        before: list[str] = []
        while left := _missing(job, target):
            if left == before:
                raise RuntimeError(f"index {target.index_id} does not take {len(left)} versions, {left[0]} first")
            baked = yield from self._bake(job, [target], left)
            with job.write() as session:
                switch_over(session, workspace_id, baked)
            yield
            before = left
        yield from self._renew(job, target)
        with job.write() as session:
            mark_built(session, target.index_id)
        merge_segments(job, self.data_folder, workspace_id, target)
        remove_unused(job.database, self.data_folder)
        with job.database.read() as session:
            job.result |= {"index_id": target.index_id, "documents": count_served(session, target.index_id)[0]}

    def _renew(self, job: RunningJob, target: Target) -> Iterator[None]:
        """Make segments anew whose vectors are of before a changed model was accepted; they answer until then."""
        before: list[str] = []
        while True:
            with job.database.read() as session:
                outdated = [segment.id for segment in outdated_segments(session, target)]
                version_ids = list(session.scalars(select(Served.version_id).where(Served.segment_id.in_(outdated))))
            if not outdated:
                return
            if outdated == before:
                raise RuntimeError(f"index {target.index_id} keeps {len(outdated)} outdated segments")
            yield from embed_versions(job, target.recipe, version_ids)
            rewrite_segments(job, self.data_folder, str(job.workspace_id), target, outdated)
            yield
            before = outdated

    def _parse(self, job: RunningJob) -> Iterator[None]:
        with job.database.read() as session:
            columns = select(Version.id, Version.characters.is_(None)).where(Version.job_id == job.id)
            rows = session.execute(columns.where(Version.state.in_(("queued", "processing")))).all()
        left = [version_id for version_id, is_unparsed in rows if is_unparsed]
        for done, version_id in enumerate(left):
            job.progress("parsing", done, len(left))
            self._parse_version(job, version_id)
            yield
        job.progress("parsing", len(left), len(left))

    def _parse_version(self, job: RunningJob, version_id: str) -> None:
        """Give the version its text, or mark it failed with what is wrong with its file."""
        with job.database.read() as session:
            version = session.get_one(Version, version_id)
        try:
            parsed = self._read(version)
        except PlaygroundError as error:
            with job.write() as session:
                version = session.get_one(Version, version_id)
                version.state, version.error = "failed", error.as_dict()
                raise_generation(session, version.workspace_id)
            return
        with job.write() as session:
            version = session.get_one(Version, version_id, options=[undefer(Version.text), undefer(Version.structure)])
            version.state, version.text, version.structure = "processing", parsed.text, parsed.structure()
            version.characters = len(parsed.text)
            if parsed.title and not version.title:
                version.title = parsed.title
                document = session.get_one(Document, version.document_id)
                if document.title == version.file_name:
                    document.title = parsed.title

    def _read(self, version: Version) -> ParsedDocument:
        """Return what the version's file holds; raises PlaygroundError whatever is wrong with it."""
        try:
            source = read_source(self.data_folder, version.workspace_id, version.source_sha256)
            parsed = parser_for(version.file_name, version.media_type).parse(source)
            check_text_length(parsed, self.max_text_characters)
            for words in (parsed.text, parsed.title, *(block.label for block in parsed.blocks)):
                storable(words)
            return parsed
        except PlaygroundError:
            raise
        except OSError as error:
            raise UnavailableError(
                f"the uploaded bytes of {version.file_name!r} are gone or cannot be read ({type(error).__name__})",
                hint="upload the file again",
                code="source_missing",
            ) from error
        except ValueError as error:
            hint = "upload a file whose text is valid Unicode"
            raise InvalidInputError(str(error), hint=hint, code="invalid_text") from error
        except Exception as error:
            logger.exception("version %s: the parser stopped", version.id)
            raise InvalidInputError(
                f"the file {version.file_name!r} could not be read ({type(error).__name__})",
                hint="save it anew with another program, or convert it to plain text, then upload it again",
                code="unreadable_file",
            ) from error

    def _bake(
        self, job: RunningJob, targets: Sequence[Target], version_ids: Sequence[str]
    ) -> Generator[None, None, list[BakedSegment]]:
        """Make the segments of the versions for every target; nothing serves them yet."""
        baked: list[BakedSegment] = []
        for target in targets:
            yield from chunk_versions(job, target.recipe, version_ids)
            yield from embed_versions(job, target.recipe, version_ids)
        for done, target in enumerate(targets):
            job.progress("indexing", done, len(targets))
            for segment in bake_segments(job, self.data_folder, target, version_ids):
                share_segment(self.data_folder, segment)
                baked.append(segment)
                job.progress("indexing", done, len(targets))
        job.progress("indexing", len(targets), len(targets))
        return baked


def _make_ready(session: Session, version_ids: Sequence[str]) -> None:
    """Let each version be its document's text, unless a newer one is ready already."""
    for batch in batches(version_ids, IDS_PER_QUERY):
        session.execute(update(Version).where(Version.id.in_(batch)).values(state="ready", error=None))
        pairs = session.execute(
            select(Document, Version).join(Version, Version.document_id == Document.id).where(Version.id.in_(batch))
        )
        newest = {version.document_id: version for _, version in pairs}
        ready = _ready_numbers(session, list(newest))
        changes = [
            {"id": document_id, "ready_version_id": version.id}
            for document_id, version in newest.items()
            if version.number >= ready.get(document_id, 0)
        ]
        session.execute(update(Document), changes)


def _ready_numbers(session: Session, document_ids: Sequence[str]) -> dict[str, int]:
    statement = select(Document.id, Version.number).join(Version, Version.id == Document.ready_version_id)
    return dict(session.execute(statement.where(Document.id.in_(document_ids))).all())


def _missing(job: RunningJob, target: Target) -> list[str]:
    with job.database.read() as session:
        return missing_versions(session, str(job.workspace_id), target.index_id)


def cancelled_error() -> JsonObject:
    """Return what is said of a version whose job was cancelled."""
    return {"code": "job_cancelled", "detail": "its job was cancelled", "hint": "retry the document when it is wanted"}
