"""The command `restore`: a backup back into an empty installation, after every byte of it was checked."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from app.backup_manifest import MANIFEST_CHECKSUM_NAME, MANIFEST_NAME, BackupManifest, damaged_backup
from app.database_restores import check_database, check_kind, place_database
from configs.errors import ConflictError, InvalidInputError, NotFoundError
from configs.settings import Settings
from indexes.durable_files import make_directory, sync_directory, synced_file
from indexes.shared_files import SharedFiles

STAGING_NAME = ".restoring"
FOLDERS = ("uploads", "segments")
BLOCK_BYTES = 1 << 20


def restore(settings: Settings, source: Path) -> BackupManifest:
    """Restore a backup into an empty data folder, bucket and database, and return what it says of itself.

    Nothing is written before every checksum agrees; the database comes last, so that what a crash leaves is no
    installation, and restoring again after emptying the folder and the bucket is all it needs. A segment that the
    backup left out is rebuilt when the service first looks for it. Raises ConflictError where something is not empty
    or the database is of another kind, InvalidInputError for a damaged backup, StorageError for what the disk or
    PostgreSQL refuses.
    """
    check_database(settings)
    shared = _checked_shared_files(settings)
    if not source.is_file():
        raise NotFoundError("backup", str(source), hint="name the file that `context-playground backup` wrote")
    staging = settings.data_folder / STAGING_NAME
    with _opened(source) as archive:
        manifest = _checked(archive)
        check_kind(settings, manifest)
        if staging.exists():
            shutil.rmtree(staging)
        make_directory(staging)
        _extract(archive, staging)
    _place_files(settings.data_folder, shared)
    place_database(settings, staging, manifest.postgresql)
    shutil.rmtree(staging)
    return manifest


def _checked_shared_files(settings: Settings) -> SharedFiles | None:
    """Return the bucket, if one is set; raise ConflictError where it or the data folder is not empty."""
    folder = settings.data_folder
    if folder.is_dir() and any(entry.name != STAGING_NAME for entry in folder.iterdir()):
        hint = "restore into another folder by setting PLAYGROUND_DATA_FOLDER, or move what is there away"
        raise ConflictError(f"the data folder {folder} is not empty", hint=hint, code="data_folder_not_empty")
    if not settings.object_store:
        return None
    shared = SharedFiles(settings.object_store, folder)
    if any(True for name in FOLDERS for _ in shared.files(folder / name)):
        hint = "restore into another bucket or prefix by setting PLAYGROUND_OBJECT_STORE"
        raise ConflictError(f"{settings.object_store} is not empty", hint=hint, code="object_store_not_empty")
    return shared


def _place_files(folder: Path, shared: SharedFiles | None) -> None:
    """Move the extracted files to where the service reads them; uploads are in the bucket alone, if there is one."""
    for name in FOLDERS:
        if not (folder / STAGING_NAME / name).exists():
            continue
        (folder / STAGING_NAME / name).rename(folder / name)
        sync_directory(folder)
        if shared is not None:
            shared.share(folder / name)
            if name == "uploads":
                shutil.rmtree(folder / name)


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
    if sorted(stored) != sorted(manifest.files) or manifest.database_name not in manifest.files:
        raise damaged_backup("the list of files")
    for name, expected in manifest.files.items():
        digest = hashlib.sha256()
        for block in _blocks(archive, name):
            digest.update(block)
        if digest.hexdigest() != expected.sha256 or not _is_ours(name, manifest.database_name):
            raise damaged_backup(name)
    return manifest


def _is_ours(name: str, database_name: str) -> bool:
    """Tell whether a name stays in the data folder, in a place that a backup fills."""
    path = PurePosixPath(name)
    return name == database_name or (path.parts[0] in FOLDERS and len(path.parts) > 1 and ".." not in path.parts)


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
