"""Importing a folder from the command line: every file that a parser reads, named by its path below the folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.context.saved_strategies import ensure_index, save_strategy
from app.context.strategy import SearchSetup, load_preset
from app.folder_manifest import FileDescription, read_manifest
from app.installation import Installation
from configs.errors import InvalidInputError, UnsupportedMediaTypeError
from indexes.database.engine import new_id, now
from indexes.database.tables import Workspace
from indexes.jobs import create_job
from ingest.parsers import parser_for
from ingest.pipeline import INGEST
from ingest.sources import save_sources
from ingest.uploads import Upload, accept_uploads


class EmptyFileError(InvalidInputError):
    """A file without words."""

    code = "empty_file"


class LinkedOutsideError(InvalidInputError):
    """A link to a file that is not below the folder."""

    code = "linked_outside"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedFolder:
    """What became of the files, one line each that says something, and the job that ingests them, if any."""

    lines: list[str]
    job_id: str | None


def import_folder(installation: Installation, folder: Path, workspace_id: str, preset: str) -> ImportedFolder:
    """Accept every readable file below `folder` into the workspace, which is made where it does not exist.

    A file's external id is its path below the folder, so that importing again changes only what changed; titles, tags,
    metadata and access lists are those of the folder's manifest, where it has one. Files that no parser reads, empty
    ones and links out of the folder are named and left out, unless the manifest describes them: then nothing is
    imported. Hidden files are passed over.
    """
    if not folder.is_dir():
        raise InvalidInputError(f"{folder} is not a folder", hint="name an existing folder", code="folder_not_found")
    uploads, lines = _read(folder)
    if not uploads:
        raise InvalidInputError(
            f"{folder} holds no file that can be read", hint="see docs/parts.md", code="empty_folder"
        )
    ensure_workspace(installation, workspace_id, preset)
    save_sources(installation.settings.data_folder, workspace_id, uploads)
    job_id = new_id("job")
    with installation.database.write() as session:
        accepted = accept_uploads(session, workspace_id, job_id, uploads)
        has_work = any(one.status != "unchanged" for one in accepted)
        if has_work:
            create_job(session, workspace_id, INGEST, {"documents": len(accepted)}, job_id)
    lines += [f"{one.status}: {one.external_id}" for one in accepted]
    return ImportedFolder(lines=lines, job_id=job_id if has_work else None)


def _read(folder: Path) -> tuple[list[Upload], list[str]]:
    manifest = read_manifest(folder)
    inside = folder.resolve()
    uploads: list[Upload] = []
    lines: list[str] = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        described = manifest.files.get(name)
        is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not path.is_file() or name == manifest.name or (is_hidden and described is None):
            continue
        try:
            if not path.resolve().is_relative_to(inside):
                raise LinkedOutsideError("a link to a file outside of the folder")
            uploads.append(_upload(path, name, described.file if described is not None else FileDescription(path=name)))
        except (UnsupportedMediaTypeError, EmptyFileError, LinkedOutsideError) as error:
            if described is not None:
                raise manifest.error(described.line, error.detail) from None
            lines.append(f"left out: {name} ({error.detail})")
    return uploads, lines


def _upload(path: Path, name: str, described: FileDescription) -> Upload:
    parser = parser_for(name)
    source = path.read_bytes()
    if not source.strip():
        raise EmptyFileError("empty")
    return Upload(
        external_id=described.external_id or name, source=source, file_name=name, media_type=parser.media_types[0],
        title=described.title, tags=described.tags, metadata=described.metadata, access=described.access,
    )  # fmt: skip


def ensure_workspace(installation: Installation, workspace_id: str, preset: str) -> None:
    """Make the workspace with the preset as its default strategy where it does not exist."""
    strategy = load_preset(preset).strategy.resolved()
    with installation.database.write() as session:
        if session.get(Workspace, workspace_id) is not None:
            return
        session.add(
            Workspace(id=workspace_id, name=workspace_id, default_strategy="default", generation=0, created_at=now())
        )
        session.flush()
        save_strategy(session, workspace_id, "default", strategy)
        if isinstance(strategy.retrieval, SearchSetup):
            ensure_index(session, workspace_id, strategy.retrieval, maintained=True)
