"""Immutable segment directories; the manifest row in SQL is the commit point."""

from __future__ import annotations

import contextlib
import logging
import math
import shutil
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from configs.errors import PlaygroundError, UnavailableError
from indexes.array_file import map_arrays, write_arrays
from indexes.database.catalog import raise_generation
from indexes.database.engine import Database, now
from indexes.database.tables import IndexRow, Job, Segment, Served
from indexes.durable_files import make_directory, sha256_of, sync_directory
from indexes.opened_locations import SEGMENT_UNREADABLE, Opened, evict
from indexes.shared_files import shared_files
from indexes.soundness import doubt
from indexes.stores import SegmentRows, Store

ORPHAN_AFTER_SECONDS = 3_600
UNNAMED_OBJECTS_KEPT_SECONDS = 86_400
RETIRED_KEPT_FOR = timedelta(minutes=10)
QUARANTINED_KEPT_FOR = timedelta(days=7)
ROWS_FILE = "rows.bin"

Int32 = npt.NDArray[np.int32]

logger = logging.getLogger("playground.segments")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowTable:
    """What each row of a segment is: the chunk's ordinal, start, end and tokens; int32 [rows] each."""

    ordinals: Int32
    starts: Int32
    ends: Int32
    tokens: Int32

    def __len__(self) -> int:
        return len(self.starts)


_rows: Opened[RowTable] = Opened(kept=512)


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
        with contextlib.suppress(PlaygroundError, OSError):  # what is left then is an orphan with its folder
            remove_folder(folder)
        raise


def remove_folder(folder: Path) -> None:
    """Remove a segment with what its stores keep elsewhere, that first: while a folder is there, so is the way to it.
    Every store forgets the segment. A folder that is not there is no error.
    """
    members, shared = Store.members(), shared_files(folder)
    names = {location.name for location in folder.glob("*/")}
    if shared is not None:
        names |= {one.path.parent.name for one in shared.files(folder)}
    for name in sorted(names & members.keys()):
        members[name].discard(folder / name)
    if shared is not None:
        shared.remove(folder)
    if folder.exists():
        shutil.rmtree(folder)
    evict(folder)
    doubt([folder])


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
        checksums={file.relative_to(folder).as_posix(): sha256_of(file) for file in files},
    )


def remove_index_folder(data_folder: Path, index_id: str) -> None:
    """Remove every segment of an index, and the folder that held them."""
    folder = data_folder / "segments" / index_id
    for segment in written_segments(folder):
        with contextlib.suppress(OSError):
            remove_folder(segment)
    shutil.rmtree(folder, ignore_errors=True)


def written_segments(folder: Path) -> dict[Path, float]:
    """Return the segments of an index's folder, here and in the bucket, each with when it was written last, in
    seconds since 1970.
    """
    written = {segment: _written_at(segment) for segment in folder.glob("*/")}
    shared = shared_files(folder)
    for one in shared.files(folder) if shared is not None else ():
        segment = folder / one.path.relative_to(folder.absolute()).parts[0]
        written[segment] = max(written.get(segment, 0.0), one.modified_at.timestamp())
    return written


def open_rows(folder: Path) -> RowTable:
    """Return the row table of a segment; raise UnavailableError where it is gone or unreadable."""
    return _rows.get(folder, lambda: _map_rows(folder))


def _map_rows(folder: Path) -> RowTable:
    try:
        return RowTable(**map_arrays(folder / ROWS_FILE))
    except (OSError, ValueError, TypeError) as error:
        raise UnavailableError(
            f"segment {folder.name} cannot be read ({type(error).__name__})",
            hint="refresh the index with POST …/indexes; it is rebuilt from the database",
            code=SEGMENT_UNREADABLE,
        ) from error


def quarantine(session: Session, workspace_id: str, segment_ids: Collection[str]) -> list[str]:
    """Take live segments out of service, in the caller's unit of work, and return which were; the documents they
    answered for are missing in their index from the commit on. The files stay for a look at what happened to them.
    """
    live = select(Segment.id).where(Segment.id.in_(segment_ids), Segment.state == "live").order_by(Segment.id)
    taken = list(session.scalars(live))
    if taken:
        session.execute(delete(Served).where(Served.segment_id.in_(taken)))
        change = update(Segment).where(Segment.id.in_(taken))
        session.execute(change.values(state="quarantined", retired_at=now()))
        raise_generation(session, workspace_id)
        logger.error("quarantined damaged segments of workspace %s: %s", workspace_id, ", ".join(taken))
    return taken


def remove_unused(database: Database, data_folder: Path) -> None:
    """Remove the rows of segments that are out of use after ten minutes, those of quarantined ones after a week, and
    directories without a row after an hour.

    What a job that has begun may still read, or may have written and may yet commit, stays until the job ends.
    """
    with database.write() as session:
        began = session.scalar(select(func.min(Job.started_at)).where(Job.state.in_(("queued", "running"))))
        unread_since = now() - RETIRED_KEPT_FOR if began is None else min(began, now() - RETIRED_KEPT_FOR)
        retired = Segment.state == "retired", Segment.retired_at < unread_since
        session.execute(delete(Segment).where(*retired))
        old = Segment.state == "quarantined", Segment.retired_at < now() - QUARANTINED_KEPT_FOR
        for segment in session.scalars(select(Segment).where(*old)).all():
            logger.warning("segment %s was quarantined a week ago; its files are removed", segment.id)
            session.delete(segment)
    with database.read() as session:
        known = set(session.scalars(select(Segment.id)))
    oldest = time.time() - ORPHAN_AFTER_SECONDS
    if began is not None:
        oldest = min(oldest, began.timestamp())
    for folder in (data_folder / "segments").glob("*/*"):
        if folder.name not in known and _written_at(folder) < oldest:
            with contextlib.suppress(OSError):  # another job was faster, or the next one tries again
                remove_folder(folder)


def remove_unnamed_objects(database: Database, data_folder: Path) -> None:
    """Remove segments from the bucket that are of an index in this database, that no manifest row names and that are
    older than a day: what a process left that ended between storing one and its commit.
    """
    shared = shared_files(data_folder)
    if shared is None:
        return
    root, oldest = (data_folder / "segments").absolute(), time.time() - UNNAMED_OBJECTS_KEPT_SECONDS
    old = {
        root.joinpath(*one.path.relative_to(root).parts[:2])
        for one in shared.files(root)
        if one.modified_at.timestamp() < oldest
    }
    with database.read() as session:
        known, indexes = set(session.scalars(select(Segment.id))), set(session.scalars(select(IndexRow.id)))
    for folder in sorted(old):
        if folder.parent.name in indexes and folder.name not in known:
            remove_folder(folder)


def add_segment(session: Session, index_id: str, written: WrittenSegment, renewal: int = 0) -> None:
    """Insert the manifest row of a written segment, with the renewal of its oldest vector."""
    values = {"rows": written.rows, "size_bytes": written.size_bytes, "checksums": written.checksums}
    session.add(Segment(id=written.id, index_id=index_id, state="live", renewal=renewal, **values))


def _written_at(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:  # another job removed it
        return math.inf


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())
