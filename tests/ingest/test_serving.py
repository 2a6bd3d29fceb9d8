"""Segments and the commit that lets an index answer with them: order, overtaking, merging, damage."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete, select, update

from indexes.database.catalog import list_segments, load_document
from indexes.database.tables import IndexRow, Job, Segment, Served
from indexes.jobs import LeaseLostError, RunningJob, create_job
from indexes.segments import RowTable, WrittenSegment, open_rows, segment_folder, write_segment
from indexes.stores import SegmentRows, Store
from ingest.baking import chunk_versions, embed_versions
from ingest.serving import (
    SEGMENTS_BEFORE_MERGE,
    BakedSegment,
    Target,
    bake_segments,
    maintained_targets,
    merge_segments,
    switch_over,
    target_of,
)
from ingest.uploads import delete_document
from tests.ingest.library import HYBRID, LEXICAL, Library, text_upload

TEXT = " ".join(f"Sentence number {number} says little." for number in range(12))


@pytest.fixture
def target(library: Library) -> Target:
    library.index(HYBRID)
    return Target("i", HYBRID)


@pytest.fixture
def job(library: Library) -> RunningJob:
    with library.database.write() as session:
        job_id = create_job(session, "w", "test", {})
        session.execute(update(Job).where(Job.id == job_id).values(state="running", lease=1))
    return RunningJob(library.database, library.job(job_id), 1, threading.Event())


def bake(library: Library, job: RunningJob, target: Target, **texts: str) -> list[BakedSegment]:
    """Send a text for each external id and bake all of them."""
    accepted, _ = library.send(*(text_upload(name, text) for name, text in texts.items()))
    version_ids = [one.version_id for one in accepted]
    for _ in chunk_versions(job, target.recipe, version_ids):
        pass
    for _ in embed_versions(job, target.recipe, version_ids):
        pass
    return list(bake_segments(job, library.folder, target, version_ids))


def switch(library: Library, *baked: BakedSegment) -> None:
    with library.database.write() as session:
        switch_over(session, "w", baked)


def live(library: Library) -> list[Segment]:
    with library.database.read() as session:
        return list_segments(session, "i")


def segment_states(library: Library) -> dict[str, str]:
    with library.database.read() as session:
        return dict(session.execute(select(Segment.id, Segment.state)).all())


def remove(library: Library, external_id: str) -> None:
    with library.database.write() as session:
        delete_document(session, load_document(session, "w", library.document(external_id).id))


def test_rows_lie_by_document_and_start(library: Library, job: RunningJob, target: Target) -> None:
    (baked,) = bake(library, job, target, a=TEXT, b="short", c=TEXT)
    assert [place.document_id for place in baked.places] == sorted(library.document(name).id for name in "abc")
    table = open_rows(segment_folder(library.folder, "i", baked.written.id))
    assert len(table) == baked.written.rows == sum(place.row_count for place in baked.places)
    for place in baked.places:
        rows = slice(place.first_row, place.first_row + place.row_count)
        assert table.ordinals[rows].tolist() == list(range(place.row_count))
        assert (np.diff(table.starts[rows]) > 0).all()


def test_nothing_is_served_before_the_switch(library: Library, job: RunningJob, target: Target) -> None:
    baked = bake(library, job, target, a=TEXT)
    assert (library.served(), segment_states(library), library.index_row().built_at) == ([], {}, None)
    switch(library, *baked)
    (served,) = library.served()
    assert (served.segment_id, served.first_row) == (baked[0].written.id, 0)
    assert library.index_row().built_at is not None
    assert live(library)[0].rows == served.row_count


def test_segments_have_a_largest_size(
    library: Library, job: RunningJob, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.serving.ROWS_PER_SEGMENT", 4)
    texts = {"a": TEXT, "b": "x y", "c": "x y", "d": "x y", "e": "x y", "f": "x y"}
    baked = bake(library, job, target, **texts)
    rows = [one.written.rows for one in baked]
    longest = max(place.row_count for one in baked for place in one.places)
    assert longest > 4
    assert all(count <= 4 or len(one.places) == 1 for count, one in zip(rows, baked, strict=True))
    assert sum(rows) == longest + 5
    assert sum(len(one.places) for one in baked) == 6


def test_a_deleted_or_overtaken_document_keeps_what_it_has(library: Library, job: RunningJob, target: Target) -> None:
    old = bake(library, job, target, a="old words", b="old words", c="old words")
    new = bake(library, job, target, a="new words")
    remove(library, "b")
    switch(library, *new)
    switch(library, *old)
    served = {one.document_id: one.version_id for one in library.served()}
    assert served == {
        library.document("a").id: library.versions("a")[1].id,
        library.document("c").id: library.versions("c")[0].id,
    }
    assert set(segment_states(library).values()) == {"live"}


def test_a_segment_of_which_nothing_is_wanted_gets_no_row(library: Library, job: RunningJob, target: Target) -> None:
    old = bake(library, job, target, a="old words")
    switch(library, *bake(library, job, target, a="new words"))
    switch(library, *old)
    assert old[0].written.id not in segment_states(library)


def test_a_segment_that_answers_for_nobody_is_retired(library: Library, job: RunningJob, target: Target) -> None:
    (first,) = bake(library, job, target, a="one", b="one")
    switch(library, first)
    switch(library, *bake(library, job, target, a="two"))
    assert segment_states(library)[first.written.id] == "live"
    switch(library, *bake(library, job, target, b="two"))
    assert segment_states(library)[first.written.id] == "retired"
    with library.database.read() as session:
        assert session.get_one(Segment, first.written.id).retired_at is not None


def test_switching_again_changes_nothing(library: Library, job: RunningJob, target: Target) -> None:
    """As after a crash between the commit and what follows it: the same versions are baked once more."""
    switch(library, *bake(library, job, target, a=TEXT))
    before = library.outcome("sentence", recipe=HYBRID)
    version_id = library.versions("a")[0].id
    switch(library, *bake_segments(job, library.folder, target, [version_id]))
    assert library.outcome("sentence", recipe=HYBRID) == before
    assert sorted(segment_states(library).values()) == ["live", "retired"]


def test_only_maintained_indexes_are_targets(library: Library) -> None:
    other = Library(library.database, library.folder, "other")
    library.index(LEXICAL, index_id="follows")
    library.index(HYBRID, index_id="rests", maintained=False)
    other.index(LEXICAL, index_id="theirs")
    with library.database.read() as session:
        assert maintained_targets(session, "w") == [Target("follows", LEXICAL)]
        assert target_of(session.get_one(IndexRow, "rests")) == Target("rests", HYBRID)


def fill(library: Library, job: RunningJob, target: Target, segments: int) -> None:
    for number in range(segments):
        switch(library, *bake(library, job, target, **{f"d{number}": f"word {number} word", f"e{number}": TEXT}))
    for number in range(0, segments, 3):
        switch(library, *bake(library, job, target, **{f"d{number}": f"changed word {number}"}))
    remove(library, "e1")


def test_merging_changes_no_result(library: Library, job: RunningJob, target: Target) -> None:
    fill(library, job, target, SEGMENTS_BEFORE_MERGE)
    queries = ["word", "changed 3", "sentence number 7", "little"]
    before = [library.outcome(query, recipe=HYBRID) for query in queries]
    assert len(live(library)) > SEGMENTS_BEFORE_MERGE
    merge_segments(job, library.folder, "w", target)
    (merged,) = live(library)
    assert [library.outcome(query, recipe=HYBRID) for query in queries] == before
    assert all(before)
    assert {one.segment_id for one in library.served()} == {merged.id}
    assert sum(one.row_count for one in library.served()) == merged.rows


def test_few_segments_are_left_alone(library: Library, job: RunningJob, target: Target) -> None:
    for number in range(SEGMENTS_BEFORE_MERGE):
        switch(library, *bake(library, job, target, **{f"d{number}": "words"}))
    before = segment_states(library)
    merge_segments(job, library.folder, "w", target)
    assert segment_states(library) == before


@pytest.mark.parametrize("full_rows", [1_000_000, 6])
def test_a_large_segment_is_not_written_again(
    library: Library, job: RunningJob, target: Target, monkeypatch: pytest.MonkeyPatch, full_rows: int
) -> None:
    """One that outweighs the others together, or one that is half full."""
    (large,) = bake(library, job, target, large=TEXT * 4)
    switch(library, large)
    for number in range(SEGMENTS_BEFORE_MERGE + 1):
        switch(library, *bake(library, job, target, **{f"d{number}": "words"}))
    monkeypatch.setattr("ingest.serving.ROWS_PER_SEGMENT", full_rows)
    merge_segments(job, library.folder, "w", target)
    left = {segment.id: segment.rows for segment in live(library)}
    assert left.pop(large.written.id) == large.written.rows
    assert sum(left.values()) == SEGMENTS_BEFORE_MERGE + 1
    assert len(left) == (1 if full_rows > 6 else 2)


def interrupted_merge(
    library: Library, job: RunningJob, target: Target, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], None]
) -> None:
    """Merge, and let `meanwhile` happen while the merged segment is written."""

    def slow(folder: Path, stores: Sequence[Store], table: RowTable, rows: SegmentRows) -> WrittenSegment:
        monkeypatch.setattr("ingest.serving.write_segment", write_segment)
        written = write_segment(folder, stores, table, rows)
        meanwhile()
        return written

    monkeypatch.setattr("ingest.serving.write_segment", slow)
    merge_segments(job, library.folder, "w", target)


def test_what_changes_while_a_merge_writes_stays_changed(
    library: Library, job: RunningJob, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(library, job, target, SEGMENTS_BEFORE_MERGE)

    def change() -> None:
        switch(library, *bake(library, job, target, d4="changed at the last moment"))
        remove(library, "d5")

    interrupted_merge(library, job, target, monkeypatch, change)
    assert library.find("moment", recipe=HYBRID)[0] == "changed at the last moment"
    assert "word 4 word" not in library.find("word 4", recipe=HYBRID)
    assert "word 5 word" not in library.find("word 5", recipe=HYBRID)
    assert len(live(library)) == 2


def test_the_second_of_two_merges_at_once_gives_up(
    library: Library, job: RunningJob, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(library, job, target, SEGMENTS_BEFORE_MERGE)
    before = library.outcome("word", recipe=HYBRID)
    interrupted_merge(library, job, target, monkeypatch, lambda: merge_segments(job, library.folder, "w", target))
    assert (len(live(library)), library.outcome("word", recipe=HYBRID)) == (1, before)


def test_a_merge_without_the_lease_or_the_index_has_no_effect(
    library: Library, job: RunningJob, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(library, job, target, SEGMENTS_BEFORE_MERGE)
    before = segment_states(library)

    def lose() -> None:
        with library.database.write() as session:
            session.execute(update(Job).where(Job.id == job.id).values(lease=2))

    with pytest.raises(LeaseLostError):
        interrupted_merge(library, job, target, monkeypatch, lose)
    assert segment_states(library) == before

    def delete_index() -> None:
        with library.database.write() as session:
            session.execute(update(Job).where(Job.id == job.id).values(lease=1))
            session.execute(delete(Served))
            session.execute(delete(Segment))
            session.delete(session.get_one(IndexRow, "i"))

    interrupted_merge(library, job, target, monkeypatch, delete_index)
    assert segment_states(library) == {}
