"""The command `restore`: a backup back into an empty data folder, after every byte of it was checked."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from app.backup_manifest import (
    DATABASE_NAME,
    MANIFEST_CHECKSUM_NAME,
    MANIFEST_NAME,
    BackupManifest,
    damaged_backup,
    sqlite_path,
)
from configs.errors import ConflictError, InvalidInputError, NotFoundError
from configs.settings import Settings
from indexes.durable_files import make_directory, sync_directory, synced_file

STAGING_NAME = ".restoring"
FOLDERS = ("uploads", "segments")
BLOCK_BYTES = 1 << 20


def restore(settings: Settings, source: Path) -> BackupManifest:
    """Restore a backup into the empty data folder and return what it says of itself.

    Nothing is written before every checksum agrees; the database comes last, so that what a crash leaves is no
    installation, and restoring again after emptying the folder is all it needs. A segment that the backup left out is
    rebuilt when the service first looks for it.
    """
    folder = settings.data_folder
    if sqlite_path(settings).resolve() != (folder / DATABASE_NAME).resolve():
        hint = "leave PLAYGROUND_DATABASE_URL empty to restore"
        raise ConflictError("the database would not lie in the data folder", hint=hint, code="database_elsewhere")
    if folder.is_dir() and any(entry.name != STAGING_NAME for entry in folder.iterdir()):
        hint = "restore into another folder by setting PLAYGROUND_DATA_FOLDER, or move what is there away"
        raise ConflictError(f"the data folder {folder} is not empty", hint=hint, code="data_folder_not_empty")
    if not source.is_file():
        raise NotFoundError("backup", str(source), hint="name the file that `context-playground backup` wrote")
    with _opened(source) as archive:
        manifest = _checked(archive)
        staging = folder / STAGING_NAME
        if staging.exists():
            shutil.rmtree(staging)
        make_directory(staging)
        _extract(archive, staging)
    for name in (*FOLDERS, DATABASE_NAME):
        if (staging / name).exists():
            (staging / name).rename(folder / name)
            sync_directory(folder)
    staging.rmdir()
    return manifest


@contextmanager
def _opened(source: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(source, mode="r:") as archive:
            yield archive
    except tarfile.TarError as error:
        raise InvalidInputError(
            f"{source} is not a whole backup ({error})",
            hint="name the file that `context-playground backup` wrote, as it was written",
            code="not_a_backup",
        ) from error


def _checked(archive: tarfile.TarFile) -> BackupManifest:
    """Return the manifest after comparing every file with it."""
    names = archive.getnames()
    for name in (MANIFEST_NAME, MANIFEST_CHECKSUM_NAME):
        if names.count(name) != 1:
            raise damaged_backup(name)
    content, checksum = (b"".join(_blocks(archive, name)) for name in (MANIFEST_NAME, MANIFEST_CHECKSUM_NAME))
    manifest = BackupManifest.decoded(content, checksum)
    stored = [name for name in names if name not in (MANIFEST_NAME, MANIFEST_CHECKSUM_NAME)]
    if sorted(stored) != sorted(manifest.files) or DATABASE_NAME not in manifest.files:
        raise damaged_backup("the list of files")
    for name, expected in manifest.files.items():
        digest = hashlib.sha256()
        for block in _blocks(archive, name):
            digest.update(block)
        if digest.hexdigest() != expected.sha256 or not _is_ours(name):
            raise damaged_backup(name)
    return manifest


def _is_ours(name: str) -> bool:
    """Tell whether a name stays in the data folder, in a place that a backup fills."""
    path = PurePosixPath(name)
    return name == DATABASE_NAME or (path.parts[0] in FOLDERS and len(path.parts) > 1 and ".." not in path.parts)


def _extract(archive: tarfile.TarFile, folder: Path) -> None:
    for name in archive.getnames():
        if name in (MANIFEST_NAME, MANIFEST_CHECKSUM_NAME):
            continue
        path = folder / name
        make_directory(path.parent)
        with synced_file(path) as stream:
            for block in _blocks(archive, name):
                stream.write(block)
        sync_directory(path.parent)


def _blocks(archive: tarfile.TarFile, name: str) -> Iterator[bytes]:
    """Yield the bytes of a member, which must be a plain file."""
    member = archive.getmember(name)
    stream = archive.extractfile(member) if member.isreg() else None
    if stream is None:
        raise damaged_backup(name)
    with stream:
        while block := stream.read(BLOCK_BYTES):
            yield block
