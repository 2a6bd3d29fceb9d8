"""Files that are still there, whole, after the power fails, and that their owner alone reads; and what a full or
read-only disk is called.
"""

from __future__ import annotations

import errno
import hashlib
import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from configs.errors import StorageError

_CODES = {errno.ENOSPC: "disk_full", errno.EDQUOT: "disk_full", errno.EROFS: "read_only_disk"}
_HINTS = {
    "disk_full": "free space on the disk of the data folder (PLAYGROUND_DATA_FOLDER), then send the request again",
    "read_only_disk": "mount the disk of the data folder (PLAYGROUND_DATA_FOLDER) for writing, then try again",
    "storage_failed": "check that the data folder (PLAYGROUND_DATA_FOLDER) exists and may be written, then try again",
}
PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
"""The modes of what is made: texts lie in the clear."""


@contextmanager
def synced_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a stream whose bytes, synced, become the file `path` in one step on leaving.

    The file's name is durable after `sync_directory`. After an exception `path` is as it was and nothing else remains.
    Raises StorageError (`disk_full`, `read_only_disk`, `storage_failed`) for what the disk refuses.
    """
    partial = path.with_name(f".{uuid.uuid4().hex}.partial")
    with _storage_errors(path):
        try:
            with open(partial, "xb", opener=_open_private) as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def write_durably(path: Path, data: bytes) -> None:
    """Write `data` as the file `path` in one step, synced with its directory entry; errors as for `synced_file`."""
    with synced_file(path) as stream:
        stream.write(data)
    sync_directory(path.parent)


def make_directory(path: Path) -> None:
    """Create directory `path` and missing parents; their names are durable, errors are those of `synced_file`."""
    with _storage_errors(path):
        missing = [folder for folder in (path, *path.parents) if not folder.exists()]
        for folder in (*reversed(missing), path):
            folder.mkdir(PRIVATE_FOLDER, exist_ok=True)
    for folder in missing:
        sync_directory(folder.parent)


def make_private_file(path: Path) -> None:
    """Make the file, empty, unless it is there; what the disk refuses is told where it is opened."""
    with suppress(OSError):
        os.close(_open_private(str(path), os.O_CREAT | os.O_EXCL | os.O_WRONLY))


def sync_directory(path: Path) -> None:
    """Make the names in directory `path` durable; raises StorageError for what the disk refuses."""
    with _storage_errors(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal; raises OSError where it cannot be read."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, PRIVATE_FILE)


@contextmanager
def _storage_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        code = _CODES.get(error.errno or 0, "storage_failed")
        reason = error.strerror or type(error).__name__
        raise StorageError(f"cannot write {path.name!r}: {reason}", hint=_HINTS[code], code=code) from error


def check_writable(folder: Path) -> None:
    """Raise OSError unless this process can write a file into the folder and remove it."""
    probe = folder / f".probe-{os.getpid()}-{threading.get_ident()}"
    probe.write_bytes(b"ok")
    probe.unlink()
