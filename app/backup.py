"""The command `backup`: a consistent copy of a running installation in one file.

The database is copied first, in one read transaction. What it names is copied then: uploads were written before their
rows, and segments are immutable, so later writes change nothing in the copy.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from app.backup_manifest import (
    DATABASE_NAME,
    MANIFEST_CHECKSUM_NAME,
    MANIFEST_NAME,
    BackupManifest,
    StoredFile,
    sqlite_path,
)
from configs.errors import ConflictError, NotFoundError, StorageError
from configs.release import VERSION
from configs.settings import Settings
from indexes.durable_files import make_directory, sha256_of, sync_directory, synced_file
from indexes.segments import segment_folder
from ingest.sources import upload_path

LOCK_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that the database names, with the checksum it must have."""

    name: str
    path: Path
    sha256: str


def back_up(settings: Settings, target: Path) -> tuple[Path, BackupManifest]:
    """Write a backup and return its file; into a folder, under a name made of the moment.

    It has its name only once it is whole and synced. Raises ConflictError where the name is taken or lies in the data
    folder, NotFoundError where there is nothing to back up, StorageError where the disk refuses or the database is
    damaged.
    """
    database = sqlite_path(settings)
    if not database.is_file():
        raise NotFoundError("database", str(database), hint="set PLAYGROUND_DATA_FOLDER to the installation's folder")
    moment = datetime.now(UTC)
    if target.is_dir():
        target = target / f"playground-{moment:%Y%m%dT%H%M%SZ}.tar"
    if target.exists():
        raise ConflictError(f"{target} exists already", hint="choose another name", code="backup_exists")
    if target.resolve().is_relative_to(settings.data_folder.resolve()):
        hint = "choose a place that is not lost together with the data, best on another machine"
        raise ConflictError(f"{target} lies in the data folder", hint=hint, code="backup_in_data_folder")
    make_directory(target.parent)
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=target.parent) as folder:
        snapshot = Path(folder) / DATABASE_NAME
        _copy_database(database, snapshot)
        with synced_file(target) as stream:
            manifest = _write(stream, settings.data_folder, snapshot, moment)
    sync_directory(target.parent)
    return target, manifest


def _copy_database(database: Path, snapshot: Path) -> None:
    """Copy the database as of one moment, without what was deleted; other processes read and write meanwhile."""
    try:
        with closing(sqlite3.connect(database, timeout=LOCK_SECONDS, isolation_level=None)) as connection:
            connection.execute("VACUUM INTO ?", (str(snapshot),))
        with closing(sqlite3.connect(snapshot)) as copy:
            (said,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        said = str(error)
    if said != "ok":
        raise StorageError(
            f"the database cannot be copied: {said}",
            hint="see that the disk has space, then run `context-playground verify`",
            code="database_not_copied",
        )


def _write(stream: BinaryIO, data_folder: Path, snapshot: Path, moment: datetime) -> BackupManifest:
    files: dict[str, StoredFile] = {}
    left_out: list[str] = []
    with closing(sqlite3.connect(snapshot)) as connection, tarfile.open(fileobj=stream, mode="w") as archive:
        (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        for wanted in (Wanted(DATABASE_NAME, snapshot, sha256_of(snapshot)), *_named(connection, data_folder)):
            stored = _add_file(archive, wanted)
            if stored is None:
                left_out.append(wanted.name)
            else:
                files[wanted.name] = stored
        manifest = BackupManifest(
            format=1, release=VERSION, schema_revision=revision, created_at=moment, files=files, left_out=left_out
        )
        for name, content in zip((MANIFEST_NAME, MANIFEST_CHECKSUM_NAME), manifest.encoded(), strict=True):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, BytesIO(content))
    return manifest


def _named(connection: sqlite3.Connection, data_folder: Path) -> Iterator[Wanted]:
    """Yield the uploads and the files of segments in use that the copied database names."""
    uploads = "SELECT DISTINCT workspace_id, source_sha256 FROM versions ORDER BY workspace_id, source_sha256"
    for workspace_id, sha256 in connection.execute(uploads):
        path = upload_path(data_folder, workspace_id, sha256)
        if path.is_file():  # a text that was sent as JSON has none
            yield Wanted(f"uploads/{workspace_id}/{sha256}", path, sha256)
    segments = "SELECT index_id, id, checksums FROM segments WHERE state = 'live' ORDER BY index_id, id"
    for index_id, segment_id, checksums in connection.execute(segments):
        folder = segment_folder(data_folder, index_id, segment_id)
        for name, sha256 in sorted(json.loads(checksums).items()):
            yield Wanted(f"segments/{index_id}/{segment_id}/{name}", folder / name, sha256)


def _add_file(archive: tarfile.TarFile, wanted: Wanted) -> StoredFile | None:
    """Add a file if it is what it should be; None where it is damaged or gone. It is immutable, so reading it twice
    gives the same bytes.
    """
    try:
        with wanted.path.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != wanted.sha256:
                return None
            entry = tarfile.TarInfo(wanted.name)
            entry.size = stream.seek(0, 2)
            stream.seek(0)
            archive.addfile(entry, stream)
    except FileNotFoundError:
        return None
    return StoredFile(sha256=wanted.sha256, size_bytes=entry.size)
