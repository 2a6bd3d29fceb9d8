"""Archives of workspaces from and to files, for the command line."""

from __future__ import annotations

from pathlib import Path

from app.evaluation.workspace_files.entries import Manifest
from app.evaluation.workspace_files.importing import accept_archive, check_archive
from app.evaluation.workspace_files.writing import plan_export
from app.folder_import import ensure_workspace
from app.installation import Installation
from configs.errors import ConflictError, InvalidInputError
from configs.settings import Settings
from indexes.database.catalog import load_workspace
from indexes.database.engine import Database
from indexes.durable_files import sync_directory, synced_file
from indexes.shared_files import share_files

PRESET_OF_NEW_ONES = "model_free"
"""The archive's own default strategy takes its place."""


def export_to(
    database: Database, settings: Settings, workspace_id: str, file: Path, *, leave_out_stale: bool
) -> Manifest:
    """Write the workspace's archive as `file` and return its manifest, entries left out; the file is whole or not
    there.

    Raises what `plan_export` and `WorkspaceExport.stream` raise, and ConflictError `file_exists`.
    """
    if file.exists():
        raise ConflictError(f"{file} exists already", hint="name another file", code="file_exists")
    share_files(settings.data_folder, settings.object_store)
    with database.read() as session:
        workspace = load_workspace(session, workspace_id)
        export = plan_export(session, settings.data_folder, workspace, leave_out_stale=leave_out_stale)
    with synced_file(file) as stream:
        for part in export.stream(database):
            stream.write(part)
    sync_directory(file.absolute().parent)
    return export.manifest


def import_from(installation: Installation, workspace_id: str, file: Path) -> str:
    """Accept the archive into the workspace, which is made where it does not exist; return the id of the job.

    Raises what `accept_archive` raises, and InvalidInputError `file_not_found`.
    """
    if not file.is_file():
        raise InvalidInputError(f"{file} is not a file", hint="name an existing file", code="file_not_found")
    with file.open("rb") as stream:
        check_archive(installation.settings, stream)
        ensure_workspace(installation, workspace_id, PRESET_OF_NEW_ONES)
        accepted = accept_archive(
            installation.database, installation.settings, workspace_id, stream, lambda _session, _uploads: None
        )
    return accepted.job_id
