"""Immutable segment directories; the manifest row in SQL is the commit point."""

from __future__ import annotations

import hashlib
import math
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from configs.errors import UnavailableError
from indexes.array_file import map_arrays, write_arrays
from indexes.database.engine import Database, now
from indexes.database.tables import Job, Segment
from indexes.durable_files import make_directory, sync_directory
from indexes.opened_locations import evict
from indexes.stores import SegmentRows, Store

ORPHAN_AFTER_SECONDS = 3_600
RETIRED_KEPT_FOR = timedelta(minutes=10)
ROWS_FILE = "rows.bin"

Int32 = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowTable:
    """What each row of a segment is: the chunk's ordinal, start, end and tokens; int32 [rows] each."""

    ordinals: Int32
    starts: Int32
    ends: Int32
    tokens: Int32

    def __len__(self) -> int:
        return len(self.starts)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenSegment:
    """A segment on disk that no manifest row names yet."""

    id: str
    rows: int
    size_bytes: int
    checksums: dict[str, str]


def segment_folder(data_folder: Path, index_id: str, segment_id: str) -> Path:
    """Return where a segment lies."""
    return data_folder / "segments" / index_id / segment_id


def write_segment(folder: Path, stores: Sequence[Store], table: RowTable, rows: SegmentRows) -> WrittenSegment:
    """Write and sync a new segment directory named after its attempt; nothing refers to it until its row is
    committed. After an error nothing of it is left.
    """
    try:
        return _write(folder, stores, table, rows)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _write(folder: Path, stores: Sequence[Store], table: RowTable, rows: SegmentRows) -> WrittenSegment:
    make_directory(folder)
    arrays = {"ordinals": table.ordinals, "starts": table.starts, "ends": table.ends, "tokens": table.tokens}
    write_arrays(folder / ROWS_FILE, arrays)
    sync_directory(folder)
    for store in stores:
        location = folder / store.kind_of_class()
        make_directory(location)
        store.build(rows, location)
    files = _files(folder)
    return WrittenSegment(
        id=folder.name,
        rows=len(table),
        size_bytes=sum(file.stat().st_size for file in files),
        checksums={file.relative_to(folder).as_posix(): _sha256(file) for file in files},
    )


@lru_cache(maxsize=512)
def open_rows(folder: Path) -> RowTable:
    """Return the row table of a segment; raise UnavailableError where it is gone or unreadable."""
    try:
        return RowTable(**map_arrays(folder / ROWS_FILE))
    except (OSError, ValueError, TypeError) as error:
        raise UnavailableError(
            f"segment {folder.name} cannot be read ({type(error).__name__})",
            hint="refresh the index with POST …/indexes; it is rebuilt from the database",
            code="segment_unreadable",
        ) from error


def damaged_files(folder: Path, checksums: dict[str, str]) -> list[str]:
    """Return the files of a segment that are missing or do not have the checksum of its manifest row."""
    return sorted(
        name
        for name, expected in checksums.items()
        if not (folder / name).is_file() or _sha256(folder / name) != expected
    )


def remove_unused(database: Database, data_folder: Path) -> None:
    """Remove the rows of segments that are out of use after ten minutes, and directories without a row after an hour.

    What a job that has begun may still read, or may have written and may yet commit, stays until the job ends.
    """
    with database.write() as session:
        began = session.scalar(select(func.min(Job.started_at)).where(Job.state.in_(("queued", "running"))))
        unread_since = now() - RETIRED_KEPT_FOR if began is None else min(began, now() - RETIRED_KEPT_FOR)
        session.execute(delete(Segment).where(Segment.state != "live", Segment.retired_at < unread_since))
    with database.read() as session:
        known = set(session.scalars(select(Segment.id)))
    oldest = time.time() - ORPHAN_AFTER_SECONDS
    if began is not None:
        oldest = min(oldest, began.timestamp())
    for folder in (data_folder / "segments").glob("*/*"):
        if folder.name not in known and _written_at(folder) < oldest:
            shutil.rmtree(folder, ignore_errors=True)
            evict(folder)


def add_segment(session: Session, index_id: str, written: WrittenSegment) -> None:
    """Insert the manifest row of a written segment."""
    values = {"rows": written.rows, "size_bytes": written.size_bytes, "checksums": written.checksums}
    session.add(Segment(id=written.id, index_id=index_id, state="live", **values))


def _written_at(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:  # another job removed it
        return math.inf


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
