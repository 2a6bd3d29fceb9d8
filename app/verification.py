"""The command `verify`: read everything an installation keeps and tell what is not as it was written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from app.commanded import commanded
from configs.settings import Settings
from indexes.database.audit import watch_changes
from indexes.database.engine import Database
from indexes.database.pairing import pair, part
from indexes.database.tables import IndexRow, Workspace
from indexes.shared_files import share_files
from ingest.integrity import check_index
from ingest.repair import start_repair
from ingest.sources import kept_sources


def verify(settings: Settings, *, repair: bool) -> Iterator[str]:
    """Yield a line for each fault of the database, the uploads and the indexes; a running service goes on meanwhile.

    With `repair`, damaged segments are set aside and their rebuilding is queued for the workers. A damaged database is
    looked at no further.
    """
    database = Database(settings.sqlalchemy_url, (watch_changes,))
    pair(settings.data_folder, database)
    share_files(settings.data_folder, settings.object_store)
    try:
        faults = list(_database_faults(database))
        yield from faults
        if faults:
            return
        yield from upload_faults(settings.data_folder)
        with database.read() as session:
            live = select(IndexRow.workspace_id, IndexRow.id).join(Workspace).where(Workspace.deleted_at.is_(None))
            indexes = session.execute(live.order_by(IndexRow.workspace_id, IndexRow.id)).all()
        for workspace_id, index_id in indexes:
            yield from _index_faults(database, settings.data_folder, workspace_id, index_id, repair=repair)
    finally:
        share_files(settings.data_folder, "")
        part(settings.data_folder, database)
        database.close()


def upload_faults(data_folder: Path) -> Iterator[str]:
    """Yield a line for each uploaded file whose bytes are not those that were sent: its name is their hash."""
    for source in sorted(kept_sources(data_folder), key=lambda source: source.path):
        if not source.sha256.startswith(".") and not source.is_whole():
            yield f"upload {source.workspace_id}/{source.sha256} is damaged; send the file again"


def _database_faults(database: Database) -> Iterator[str]:
    if database.url.get_backend_name() != "sqlite":
        return
    try:
        with database.read() as session:
            lines = session.scalars(text("PRAGMA quick_check")).all()
    except DatabaseError as error:
        lines = [str(error.orig)]
    yield from (f"database: {line}" for line in lines if line != "ok")


def _index_faults(
    database: Database, data_folder: Path, workspace_id: str, index_id: str, *, repair: bool
) -> Iterator[str]:
    found = check_index(database, data_folder, workspace_id, index_id)
    for segment_id, faults in sorted({**found.damaged, **found.mismatches}.items()):
        yield f"workspace {workspace_id}, index {index_id}, segment {segment_id}: {'; '.join(faults)}"
    if found.unsound and repair:
        with commanded("verify --repair", workspace_id=workspace_id, index_id=index_id), database.write() as session:
            job_id = start_repair(session, workspace_id, index_id, found.unsound)
        yield f"workspace {workspace_id}, index {index_id}: set aside; rebuilt by job {job_id}"
