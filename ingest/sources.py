"""The original bytes of uploads: on the disk of the data folder, or in the bucket that machines share."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from indexes.database.engine import Database
from indexes.database.tables import Version, Workspace
from indexes.durable_files import make_directory, sha256_of, write_durably
from indexes.shared_files import shared_files
from ingest.uploads import Upload

ORPHAN_AFTER_SECONDS = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Bytes that are kept: where, and when they were written last, in seconds since 1970."""

    path: Path
    written_at: float = 0.0

    @property
    def workspace_id(self) -> str:
        """Return whose they are."""
        return self.path.parent.name

    @property
    def sha256(self) -> str:
        """Return the hash that names them."""
        return self.path.name

    def read(self) -> bytes:
        """Return them; raises OSError where they are gone, UnavailableError where the bucket does not answer."""
        shared = shared_files(self.path)
        return self.path.read_bytes() if shared is None else shared.read(self.path)

    def remove(self) -> None:
        """Remove them; gone already is no error."""
        shared = shared_files(self.path)
        if shared is not None:
            shared.remove(self.path)
        else:
            self.path.unlink(missing_ok=True)

    def is_whole(self) -> bool:
        """Tell whether they are the bytes that were sent."""
        shared = shared_files(self.path)
        return (sha256_of(self.path) if shared is None else shared.sha256_of(self.path)) == self.sha256


def upload_path(data_folder: Path, workspace_id: str, source_sha256: str) -> Path:
    """Return where original bytes lie: under their hash, so that sending them again adds nothing, or mends a loss."""
    return data_folder / "uploads" / workspace_id / source_sha256


def save_sources(data_folder: Path, workspace_id: str, uploads: Sequence[Upload]) -> None:
    """Store the bytes of every upload that is parsed later, durably; call it before `accept_uploads`."""
    shared = shared_files(data_folder)
    for upload in uploads:
        if upload.parsed is None and upload.saved is None:
            path = upload_path(data_folder, workspace_id, upload.sha256)
            if shared is not None:
                shared.write(path, upload.source)
                continue
            make_directory(path.parent)
            write_durably(path, upload.source)


def read_source(data_folder: Path, workspace_id: str, source_sha256: str) -> bytes:
    """Return original bytes; raises OSError where they are gone, UnavailableError where the bucket does not answer."""
    return Source(path=upload_path(data_folder, workspace_id, source_sha256)).read()


def kept_source(data_folder: Path, workspace_id: str, source_sha256: str) -> Source | None:
    """Return one, None where nothing is kept under this hash."""
    path = upload_path(data_folder, workspace_id, source_sha256)
    shared = shared_files(path)
    if shared is not None:
        found = shared.find(path)
        return None if found is None else Source(path=path, written_at=found.modified_at.timestamp())
    return Source(path=path, written_at=path.stat().st_mtime) if path.is_file() else None


def kept_sources(data_folder: Path, workspace_id: str = "") -> Iterator[Source]:
    """Yield what is kept, of one workspace or of all, in no order."""
    folder, shared = data_folder / "uploads" / workspace_id, shared_files(data_folder)
    if shared is not None:
        yield from (Source(path=one.path, written_at=one.modified_at.timestamp()) for one in shared.files(folder))
        return
    for path in folder.glob("*" if workspace_id else "*/*"):
        with contextlib.suppress(FileNotFoundError):  # another process removed it
            yield Source(path=path, written_at=path.stat().st_mtime)


def remove_orphaned_sources(database: Database, data_folder: Path) -> None:
    """Remove uploaded bytes older than an hour that no version names: what an upload left that was never accepted.

    In a bucket, those of workspaces that this database does not know are another's, and stay.
    """
    oldest = time.time() - ORPHAN_AFTER_SECONDS
    old = [source for source in kept_sources(data_folder) if source.written_at < oldest]
    if not old:
        return
    with database.read() as session:
        known = set(session.execute(select(Version.workspace_id, Version.source_sha256).distinct()).all())
        workspaces = set(session.scalars(select(Workspace.id)))
    is_shared = shared_files(data_folder) is not None
    for source in old:
        if (source.workspace_id, source.sha256) not in known and (source.workspace_id in workspaces or not is_shared):
            source.remove()
