"""The command `backup`: a consistent copy of a running installation in one file.

The database is copied first, as of one moment. What it names is copied then: uploads were written before their rows,
and segments are immutable, so later writes change nothing in the copy.
"""

from __future__ import annotations

import hashlib
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from app.backup_manifest import MANIFEST_CHECKSUM_NAME, MANIFEST_NAME, BackupManifest, StoredFile
from app.database_copies import CopiedDatabase, copy_database
from configs.errors import ConflictError
from configs.release import VERSION
from configs.settings import Settings
from indexes.durable_files import make_directory, sha256_of, sync_directory, synced_file
from indexes.segments import segment_folder
from indexes.shared_files import SharedFiles
from ingest.sources import upload_path


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that the database names, with the checksum it must have; `is_optional` where it need not exist."""

    name: str
    path: Path
    sha256: str
    is_optional: bool = False


def back_up(settings: Settings, target: Path) -> tuple[Path, BackupManifest]:
    """Write a backup and return its file; into a folder, under a name made of the moment.

    It has its name only once it is whole and synced. Raises ConflictError where the name is taken or lies in the data
    folder, StorageError where the disk refuses, UnavailableError where the bucket does not answer, and what
    `copy_database` raises.
    """
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
        database = copy_database(settings, Path(folder))
        files = _Files(settings, Path(folder) / "fetched")
        with synced_file(target) as stream:
            manifest = _write(stream, files, database, moment)
    sync_directory(target.parent)
    return target, manifest


class _Files:
    """The files of an installation: in its data folder or, by the same names, in its bucket."""

    def __init__(self, settings: Settings, fetched: Path) -> None:
        self.folder = settings.data_folder
        self._fetched = fetched
        self._shared = SharedFiles(settings.object_store, self.folder) if settings.object_store else None

    def add(self, archive: tarfile.TarFile, wanted: Wanted) -> StoredFile | None:
        """Add a file if it is what it should be; None where it is damaged or gone."""
        stored = _add_file(archive, wanted, wanted.path)
        if stored is not None or self._shared is None:
            return stored
        try:
            self._shared.fetch(wanted.path, self._fetched)
        except FileNotFoundError:
            return None
        stored = _add_file(archive, wanted, self._fetched)
        self._fetched.unlink()
        return stored

    def is_there(self, path: Path) -> bool:
        """Tell whether there is a file, damaged or not."""
        return path.is_file() or (self._shared is not None and self._shared.find(path) is not None)


def _write(stream: BinaryIO, files: _Files, database: CopiedDatabase, moment: datetime) -> BackupManifest:
    stored: dict[str, StoredFile] = {}
    left_out: list[str] = []
    copy = Wanted(database.path.name, database.path, sha256_of(database.path))
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for wanted in (copy, *_named(database, files.folder)):
            added = files.add(archive, wanted)
            if added is not None:
                stored[wanted.name] = added
            elif not wanted.is_optional or files.is_there(wanted.path):
                left_out.append(wanted.name)
        manifest = BackupManifest(
            format=1,
            release=VERSION,
            schema_revision=database.schema_revision,
            created_at=moment,
            files=stored,
            left_out=left_out,
            postgresql=database.postgresql,
        )
        for name, content in zip((MANIFEST_NAME, MANIFEST_CHECKSUM_NAME), manifest.encoded(), strict=True):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, BytesIO(content))
    return manifest


def _named(database: CopiedDatabase, data_folder: Path) -> Iterator[Wanted]:
    """Yield the uploads and the files of segments in use that the copied database names."""
    for workspace_id, sha256 in database.uploads:
        path = upload_path(data_folder, workspace_id, sha256)
        yield Wanted(f"uploads/{workspace_id}/{sha256}", path, sha256, is_optional=True)  # text sent as JSON has none
    for segment in database.segments:
        folder = segment_folder(data_folder, segment.index_id, segment.id)
        for name, sha256 in sorted(segment.checksums.items()):
            yield Wanted(f"segments/{segment.index_id}/{segment.id}/{name}", folder / name, sha256)


def _add_file(archive: tarfile.TarFile, wanted: Wanted, path: Path) -> StoredFile | None:
    """Add a file if it is what it should be; None where it is damaged or gone. It is immutable, so reading it twice
    gives the same bytes.
    """
    try:
        with path.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != wanted.sha256:
                return None
            entry = tarfile.TarInfo(wanted.name)
            entry.size = stream.seek(0, 2)
            stream.seek(0)
            archive.addfile(entry, stream)
    except FileNotFoundError:
        return None
    return StoredFile(sha256=wanted.sha256, size_bytes=entry.size)
