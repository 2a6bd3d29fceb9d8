"""From a workspace to its archive, written as it is sent: one document at a time is held."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from app.context.aliases.workspace_default import default_states
from app.context.saved_strategies import list_strategies
from app.context.strategy_files import strategy_as_yaml
from app.evaluation.question_files.json_lines import write_json_lines
from app.evaluation.question_files.writing import label_texts
from app.evaluation.question_sets import QuestionSetRow
from app.evaluation.stale_labels import staleness_of
from app.evaluation.workspace_files.entries import (
    DOCUMENTS,
    MANIFEST,
    MOST_DOCUMENTS,
    Manifest,
    StoredEntry,
    document_entry,
    question_set_entry,
    strategy_entry,
)
from configs.errors import ConflictError, TooLargeError, UnavailableError
from configs.part import JsonObject
from configs.release import VERSION
from indexes.database.engine import Database, now
from indexes.database.tables import Document, Version, Workspace
from ingest.sources import Source, kept_sources
from ingest.zip_stream import ZipStream


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """Where a document's bytes are: what was sent, or else the text of its version."""

    version_id: str
    sent: Source | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceExport:
    """What the archive will hold; everything but texts and files is read already."""

    manifest: Manifest
    sources: Sequence[_Source]
    rows: Sequence[JsonObject]
    small: dict[str, str]

    def stream(self, database: Database) -> Iterator[bytes]:
        """Yield the bytes of the zip file.

        Raises UnavailableError `source_missing` where a document was erased, or its file damaged, meanwhile: the
        archive then ends without its manifest, and nothing takes it for a whole one.
        """
        zipped, entries = ZipStream(), dict[str, StoredEntry]()

        def add(name: str, content: bytes) -> bytes:
            entries[name] = StoredEntry(sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))
            return zipped.add(name, content)

        for name, text in self.small.items():
            yield add(name, text.encode())
        yield add(DOCUMENTS, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in self.rows).encode())
        for row, source in zip(self.rows, self.sources, strict=True):
            yield add(row["entry"], _bytes_of(database, source, row["external_id"]))
        manifest = self.manifest.model_copy(update={"entries": entries})
        yield zipped.add(MANIFEST, manifest.model_dump_json(indent=1).encode())
        yield zipped.end()


def plan_export(session: Session, data_folder: Path, workspace: Workspace, *, leave_out_stale: bool) -> WorkspaceExport:
    """Return what the archive of the workspace will hold: every document in the version that answers, else the newest;
    the newest version of every strategy; every question set. Its default strategy is the one that answers by default,
    also where that is an alias's active one, which stays here with its version.

    Raises ConflictError (`stale_labels`, unless such sets are left out), UnavailableError `source_missing` where the
    bytes of a document are gone, and TooLargeError `too_many_documents`.
    """
    rows, sources = _documents(session, data_folder, workspace.id)
    small = {
        strategy_entry(saved.name): strategy_as_yaml(saved.name, saved.strategy)
        for saved in list_strategies(session, workspace.id)
    }
    sets, left_out = _question_sets(session, workspace.id, leave_out_stale=leave_out_stale)
    default = (name for (name, _), state in default_states(session, workspace).items() if state == "active")
    manifest = Manifest(
        format="context-playground workspace", version=1, release=VERSION, created_at=now(), workspace=workspace.name,
        default_strategy=next(default, None), documents=len(rows), left_out=left_out, entries={},
    )  # fmt: skip
    return WorkspaceExport(manifest=manifest, sources=sources, rows=rows, small={**small, **sets})


def _documents(session: Session, data_folder: Path, workspace_id: str) -> tuple[list[JsonObject], list[_Source]]:
    shown = (Document.ready_version_id == Version.id) | (
        Document.ready_version_id.is_(None) & (Document.latest_version_id == Version.id)
    )
    statement = select(Document, Version).join(Version, (Version.document_id == Document.id) & shown)
    live = Document.workspace_id == workspace_id, Document.deleted_at.is_(None)
    rows: list[JsonObject] = []
    sources: list[_Source] = []
    kept = {source.sha256: source for source in kept_sources(data_folder, workspace_id)}
    for document, version in session.execute(statement.where(*live).order_by(Document.external_id)):
        sent = kept.get(version.source_sha256)
        is_file = sent is not None
        if not is_file and version.characters is None:
            raise _missing(document.external_id)
        rows.append(_row(session, document, version, document_entry(len(rows) + 1), is_file=is_file))
        sources.append(_Source(version_id=version.id, sent=sent))
    if len(rows) > MOST_DOCUMENTS:
        raise TooLargeError(
            f"the workspace has {len(rows)} documents; an archive holds {MOST_DOCUMENTS}",
            hint="use `context-playground backup`, which copies the whole installation",
            code="too_many_documents",
        )
    return rows, sources


def _row(session: Session, document: Document, version: Version, entry: str, *, is_file: bool) -> JsonObject:
    by_itself = not version.title and document.title in (version.file_name, document.external_id)
    row: JsonObject = {
        "entry": entry, "external_id": document.external_id, "title": None if by_itself else document.title,
        "tags": document.tags, "metadata": document.attributes, "access": document.access,
        "file_name": version.file_name, "media_type": version.media_type, "content": "source" if is_file else "text",
    }  # fmt: skip
    if not is_file:
        row["structure"] = session.scalar(select(Version.structure).where(Version.id == version.id)) or []
    return row


def _question_sets(session: Session, workspace_id: str, *, leave_out_stale: bool) -> tuple[dict[str, str], list[str]]:
    chosen = select(QuestionSetRow).where(QuestionSetRow.workspace_id == workspace_id)
    files: dict[str, str] = {}
    left_out: list[str] = []
    for row in session.scalars(chosen.order_by(QuestionSetRow.name).options(undefer(QuestionSetRow.questions))):
        questions = row.parsed()
        stale = len(staleness_of(session, workspace_id, questions).stale)
        if stale and not leave_out_stale:
            raise ConflictError(
                f"{stale} labels of question set {row.name!r} do not hold for the texts now",
                hint="move them with POST …/question-sets/{question_set}/relocations and delete the old set, or export "
                "with `leave_out_stale=true`, which leaves such sets out and lists them in the manifest",
                code="stale_labels",
                count=stale,
            )
        if stale:
            left_out.append(row.name)
        else:
            entry = question_set_entry(row.name)
            files[entry] = write_json_lines(questions, label_texts(session, workspace_id, questions))
    return files, left_out


def _bytes_of(database: Database, source: _Source, external_id: str) -> bytes:
    if source.sent is None:
        with database.read() as session:
            text = session.scalar(select(Version.text).where(Version.id == source.version_id))
        if text is None:
            raise _missing(external_id)
        return text.encode()
    try:
        content = source.sent.read()
    except OSError:
        raise _missing(external_id) from None
    if hashlib.sha256(content).hexdigest() != source.sent.sha256:
        raise _missing(external_id)
    return content


def _missing(external_id: str) -> UnavailableError:
    return UnavailableError(
        f"the bytes of document {external_id[:100]!r} are gone or damaged",
        hint="upload the document again, or delete it; then export again",
        code="source_missing",
    )
