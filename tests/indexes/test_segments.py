"""Segments: what is written can be read, damage is told, and only what nobody uses is removed."""

from __future__ import annotations

import errno
import os
import shutil
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from configs.errors import StorageError, UnavailableError
from indexes.database.engine import Database, now
from indexes.database.tables import Job, Segment
from indexes.segments import (
    ORPHAN_AFTER_SECONDS,
    QUARANTINED_KEPT_FOR,
    RETIRED_KEPT_FOR,
    ROWS_FILE,
    RowTable,
    WrittenSegment,
    add_segment,
    open_rows,
    remove_unused,
    segment_folder,
    write_segment,
)
from indexes.soundness import damaged_files
from indexes.stores import Query, SegmentRows, Store
from indexes.stores.bm25 import Bm25
from indexes.stores.faiss_flat import FaissFlat
from tests.database import add_index, add_segment_row, add_workspace

STORES: tuple[Store, ...] = (FaissFlat(kind="faiss_flat"), Bm25(kind="bm25"))
TABLE = RowTable(
    ordinals=np.array([0, 1, 0], dtype=np.int32),
    starts=np.array([0, 7, 0], dtype=np.int32),
    ends=np.array([7, 20_000_000, 9], dtype=np.int32),
    tokens=np.array([2, 3, 4], dtype=np.int32),
)
ROWS = SegmentRows(texts=["cat", "dog owl", "cat fox"], vectors=np.eye(3, dtype=np.float32))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return segment_folder(tmp_path, "i", "s")


def write(folder: Path) -> WrittenSegment:
    return write_segment(folder, STORES, TABLE, ROWS)


def age(folder: Path, seconds: float) -> None:
    moment = time.time() - seconds
    os.utime(folder, (moment, moment))


def test_what_is_written_can_be_read(folder: Path) -> None:
    written = write(folder)
    assert (written.id, written.rows) == ("s", 3)
    table = open_rows(folder)
    for name in ("ordinals", "starts", "ends", "tokens"):
        assert getattr(table, name).dtype == np.int32
        np.testing.assert_array_equal(getattr(table, name), getattr(TABLE, name))
    assert len(table) == 3
    for store in STORES:
        assert store.open(folder / store.kind_of_class()).rows == 3
    query = Query(text="fox")
    searcher = STORES[1].open(folder / "bm25")
    assert searcher.search(query, None, 3, searcher.statistics(query, None))[0].tolist() == [2]


def test_the_manifest_row_says_what_lies_there(database: Database, folder: Path) -> None:
    written = write(folder)
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    assert set(written.checksums) == set(files)
    assert written.size_bytes == sum(path.stat().st_size for path in files.values())
    with database.write() as session:
        add_workspace(session)
        add_index(session, "i")
        add_segment(session, "i", written)
    with database.read() as session:
        row = session.get_one(Segment, "s")
    assert (row.index_id, row.state, row.rows, row.size_bytes) == ("i", "live", 3, written.size_bytes)
    assert damaged_files(folder, row.checksums) == []


def test_every_kind_of_damage_is_named(folder: Path) -> None:
    written = write(folder)
    changed, missing = sorted(written.checksums)[0], sorted(written.checksums)[-1]
    (folder / changed).write_bytes((folder / changed).read_bytes()[:-1] + b"?")
    (folder / missing).unlink()
    (folder / "not ours").write_bytes(b"")
    assert damaged_files(folder, written.checksums) == [changed, missing]
    shutil.rmtree(folder)
    assert damaged_files(folder, written.checksums) == sorted(written.checksums)


@pytest.mark.parametrize("size", [None, 0, 1, 12, 40, 200, -1])
def test_a_row_table_that_is_gone_or_cut_off_is_told(folder: Path, size: int | None) -> None:
    write(folder)
    path = folder / ROWS_FILE
    if size is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:size])
    for _ in range(2):  # a failure is not remembered
        with pytest.raises(UnavailableError, match=r"segment s cannot be read") as told:
            open_rows(folder)
        assert told.value.code == "segment_unreadable"


@pytest.mark.parametrize("failing_call", [1, 4, 9])
def test_a_full_disk_leaves_no_part_of_a_segment(
    folder: Path, monkeypatch: pytest.MonkeyPatch, failing_call: int
) -> None:
    calls = 0
    sync = os.fsync

    def fail_once(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == failing_call:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fail_once)
    with pytest.raises(StorageError) as told:
        write(folder)
    assert (told.value.code, folder.exists()) == ("disk_full", False)
    write(folder)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "segments").write_bytes(b"a file where a folder should be")
    with pytest.raises(StorageError):
        write(segment_folder(tmp_path, "i", "s"))


def with_segments(database: Database, folder: Path, *states: str, retired_for: timedelta | None = None) -> list[Path]:
    """Write a segment with a manifest row for each state."""
    folders = [segment_folder(folder, "i", f"{state}-{number}") for number, state in enumerate(states)]
    with database.write() as session:
        add_workspace(session)
        add_index(session, "i")
        for path, state in zip(folders, states, strict=True):
            path.mkdir(parents=True)
            retired_at = now() - retired_for if retired_for is not None and state != "live" else None
            add_segment_row(session, "i", path.name, state=state, retired_at=retired_at)
    return folders


def test_only_old_orphans_are_removed(database: Database, tmp_path: Path) -> None:
    (live,) = with_segments(database, tmp_path, "live")
    old, young = (segment_folder(tmp_path, "i", name) for name in ("old", "young"))
    for folder in (old, young):
        write(folder)
    for folder, seconds in ((live, 2), (old, 2), (young, -60)):
        age(folder, ORPHAN_AFTER_SECONDS + seconds)
    remove_unused(database, tmp_path)
    assert [live.exists(), old.exists(), young.exists()] == [True, False, True]


@pytest.mark.parametrize(("state", "kept_for"), [("retired", RETIRED_KEPT_FOR), ("quarantined", QUARANTINED_KEPT_FOR)])
def test_what_is_out_of_use_keeps_its_row_for_a_time_and_its_files_for_an_hour(
    database: Database, tmp_path: Path, state: str, kept_for: timedelta
) -> None:
    folders = with_segments(database, tmp_path, state, "live", retired_for=kept_for - timedelta(seconds=30))
    for folder in folders:
        age(folder, ORPHAN_AFTER_SECONDS * 2)
    remove_unused(database, tmp_path)
    assert [folder.exists() for folder in folders] == [True, True]
    with database.write() as session:
        session.get_one(Segment, folders[0].name).retired_at = now() - kept_for - timedelta(seconds=1)
    remove_unused(database, tmp_path)
    assert [folder.exists() for folder in folders] == [False, True]
    with database.read() as session:
        assert session.scalars(select(Segment.id)).all() == [folders[1].name]


def test_what_a_running_job_may_still_commit_stays(database: Database, tmp_path: Path) -> None:
    before, during = (segment_folder(tmp_path, "i", name) for name in ("before", "during"))
    for folder, seconds in ((before, 9 * 3600), (during, 7 * 3600)):
        write(folder)
        age(folder, seconds)
    began = now() - timedelta(hours=8)
    with database.write() as session:
        session.add(Job(id="j", kind="ingest", arguments={}, state="running", started_at=began))
        session.add(Job(id="q", kind="ingest", arguments={}, state="queued"))
    remove_unused(database, tmp_path)
    assert [before.exists(), during.exists()] == [False, True]
    with database.write() as session:
        session.get_one(Job, "j").state = "succeeded"
    remove_unused(database, tmp_path)
    assert not during.exists()


def test_removing_twice_at_once_is_no_error(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orphan = segment_folder(tmp_path, "i", "orphan")
    write(orphan)
    age(orphan, ORPHAN_AFTER_SECONDS * 2)
    monkeypatch.setattr(Path, "glob", lambda _folder, _pattern: iter([orphan, orphan]))  # the other job was faster
    remove_unused(database, tmp_path)
    assert not orphan.exists()


def test_what_is_removed_is_let_go(database: Database, tmp_path: Path) -> None:
    orphan = segment_folder(tmp_path, "i", "orphan")
    write(orphan)
    STORES[1].open(orphan / "bm25")
    age(orphan, ORPHAN_AFTER_SECONDS * 2)
    remove_unused(database, tmp_path)
    with pytest.raises(UnavailableError):
        STORES[1].open(orphan / "bm25")


def test_nothing_is_removed_where_nothing_is(database: Database, tmp_path: Path) -> None:
    remove_unused(database, tmp_path)
