"""The files of a data folder as a bucket holds them for every machine: uploads, and the segments that indexes name."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from configs.errors import UnavailableError
from indexes.durable_files import make_directory, sync_directory, synced_file

REQUEST_TIMEOUT = "30s"
RETRIES = 3
RETRY_FOR = timedelta(seconds=20)
BLOCK_BYTES = 4 << 20

_lock = threading.Lock()
_paired: dict[Path, SharedFiles] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedFile:
    """A file in the bucket: where it lies in a data folder, and when it was written."""

    path: Path
    modified_at: datetime


class SharedFiles:
    """What a bucket holds of one data folder; a file has the same name in both. Thread-safe.

    `url` is `s3://bucket/prefix`; keys, region and endpoint come from the environment, by the names that AWS uses
    (`AWS_ACCESS_KEY_ID`, `AWS_REGION`, `AWS_ENDPOINT_URL`, …). Files are immutable and are written in one step. A
    missing one raises FileNotFoundError; a bucket that does not answer, or refuses, UnavailableError
    `object_store_unavailable`.
    """

    def __init__(self, url: str, data_folder: Path) -> None:
        from obstore.store import from_url

        endpoint = os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT") or ""
        self._folder = data_folder.absolute()
        self._store: Any = from_url(
            url,
            client_options={"timeout": REQUEST_TIMEOUT, "allow_http": endpoint.startswith("http://")},
            retry_config={"max_retries": RETRIES, "retry_timeout": RETRY_FOR},
        )

    def check(self) -> None:
        """Raise UnavailableError where the bucket does not answer."""
        with _errors("the bucket"):
            self._obstore().list_with_delimiter(self._store, "uploads")

    def write(self, path: Path, data: bytes) -> None:
        """Store the file; it is durable on return."""
        with _errors(path.name):
            self._obstore().put(self._store, self._name(path), data)

    def read(self, path: Path) -> bytes:
        """Return a file's bytes."""
        with _errors(path.name):
            return bytes(self._obstore().get(self._store, self._name(path)).bytes())

    def share(self, folder: Path) -> None:
        """Store every file below a local folder."""
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            with _errors(path.name):
                self._obstore().put(self._store, self._name(path), path)

    def fetch(self, path: Path, target: Path | None = None) -> None:
        """Write a file of the bucket to its local place, or to `target`, in one step."""
        blocks, target = self._blocks(path), target or path
        make_directory(target.parent)
        with synced_file(target) as stream:
            for block in blocks:
                stream.write(block)
        sync_directory(target.parent)

    def sha256_of(self, path: Path) -> str:
        """Return the SHA-256 of a file in the bucket, "" where there is none."""
        try:
            blocks = self._blocks(path)
        except FileNotFoundError:
            return ""
        digest = hashlib.sha256()
        for block in blocks:
            digest.update(block)
        return digest.hexdigest()

    def find(self, path: Path) -> SharedFile | None:
        """Return a file, None where the bucket has none of that name."""
        try:
            with _errors(path.name):
                found = self._obstore().head(self._store, self._name(path))
        except FileNotFoundError:
            return None
        return SharedFile(path=path, modified_at=found["last_modified"])

    def files(self, folder: Path) -> Iterator[SharedFile]:
        """Yield what the bucket holds below a folder."""
        with _errors(folder.name):
            for page in self._obstore().list(self._store, self._name(folder)):
                for one in page:
                    yield SharedFile(path=self._folder / one["path"], modified_at=one["last_modified"])

    def remove(self, folder: Path) -> int:
        """Remove every file below a folder, or the file of that name, from the bucket; return how many."""
        names = [self._name(one.path) for one in self.files(folder)]
        with _errors(folder.name):
            self._obstore().delete(self._store, [*names, self._name(folder)])
        return len(names)

    def _blocks(self, path: Path) -> Iterator[bytes]:
        """Return a file's bytes block by block; a missing one is told of at once."""
        with _errors(path.name):
            found = self._obstore().get(self._store, self._name(path))
        return _read_blocks(found, path.name)

    def _name(self, path: Path) -> str:
        return "/".join(path.absolute().relative_to(self._folder).parts)

    @staticmethod
    def _obstore() -> Any:
        """Return the library, imported where a bucket is used at all."""
        import obstore

        return obstore


def _read_blocks(found: Any, name: str) -> Iterator[bytes]:
    with _errors(name):
        for block in found.stream(min_chunk_size=BLOCK_BYTES):
            yield bytes(block)


@contextmanager
def _errors(what: str) -> Iterator[None]:
    from obstore.exceptions import BaseError

    try:
        yield
    except (BaseError, PermissionError) as error:
        raise UnavailableError(
            f"the object store does not answer for {what!r} ({type(error).__name__})",
            hint="see that PLAYGROUND_OBJECT_STORE names a bucket these credentials may read and write; try again",
            code="object_store_unavailable",
        ) from error


def share_files(data_folder: Path, url: str) -> None:
    """Let everything below `data_folder` be in the bucket that `url` names as well; with "", on disk alone again."""
    shared = SharedFiles(url, data_folder) if url else None
    with _lock:
        _paired.pop(data_folder.absolute(), None)
        if shared is not None:
            _paired[data_folder.absolute()] = shared


def shared_files(location: Path) -> SharedFiles | None:
    """Return the bucket of the data folder that is or holds `location`, None where its files are on disk alone."""
    if not _paired:
        return None
    location = location.absolute()
    return next((_paired[folder] for folder in (location, *location.parents) if folder in _paired), None)
