"""Repair: whatever byte of whatever file is damaged, the segment is set aside and rebuilt, equal to a clean one."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from configs.errors import StorageError
from indexes.database.engine import Database
from indexes.database.tables import Job, Segment
from indexes.segments import segment_folder
from indexes.soundness import doubt
from indexes.view import IndexView
from ingest.builds import BUILD_INDEX
from ingest.integrity import check_index
from ingest.repair import repair_found, start_repair
from tests.ingest.library import HYBRID, Library

FILES = [
    "bm25/format.json",
    "bm25/postings.bin",
    "faiss_flat/format.json",
    "faiss_flat/vectors.faiss",
    "rows.bin",
]
QUERIES = ("amber", "sentence number three", "basil cedar")
DOCUMENTS = {
    name: f"{name.title()}. " + " ".join(f"Sentence number {n} of {name}." for n in range(9))
    for name in ("amber", "basil", "cedar")
}


@pytest.fixture
def filled(library: Library) -> Library:
    """Return a library of three documents in two segments."""
    library.index(HYBRID)
    library.add(amber=DOCUMENTS["amber"], basil=DOCUMENTS["basil"])
    library.add(cedar=DOCUMENTS["cedar"])
    return library


def segments(library: Library) -> dict[str, str]:
    """Return the state of each segment of the index."""
    with library.database.read() as session:
        return dict(session.execute(select(Segment.id, Segment.state).order_by(Segment.created_at, Segment.id)).all())


def live(library: Library) -> list[str]:
    """Return the segments in use."""
    return [segment_id for segment_id, state in segments(library).items() if state == "live"]


def view_of(library: Library) -> IndexView:
    """Return what the index answers with at present."""
    generation = library.generation()
    with library.database.read() as session:
        return library.views.get(session, "w", generation, "i")


def outcomes(library: Library) -> list[list[tuple[object, ...]]]:
    """Return what every query finds."""
    return [sorted(library.outcome(query, recipe=HYBRID)) for query in QUERIES]


def repair(library: Library, damaged: Collection[str]) -> None:
    """Set the segments aside and do the job that rebuilds what they held."""
    with library.database.write() as session:
        job_id = start_repair(session, "w", "i", damaged)
    assert job_id is not None
    assert library.run(job_id).state == "succeeded"


def change_byte(path: Path, place: float, change: int) -> None:
    """Change one byte of a file, at `place` of its length."""
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= change
    path.write_bytes(bytes(content))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(
    name=st.sampled_from(FILES),
    number=st.integers(0, 1),
    place=st.floats(0, 1, exclude_max=True),
    change=st.integers(1, 255),
)
def test_after_the_repair_searches_are_those_of_before(
    filled: Library, name: str, number: int, place: float, change: int
) -> None:
    before = outcomes(filled)
    victim = live(filled)[number]
    folder = segment_folder(filled.folder, "i", victim)
    change_byte(folder / name, place, change)
    filled.views.doubt("i")
    doubt([folder])  # as another process, which opens it first, sees it
    found = {row[0] for one in outcomes(filled) for row in one}
    assert found < set(DOCUMENTS)
    assert view_of(filled).damaged == {victim}
    repair(filled, view_of(filled).damaged)
    assert segments(filled)[victim] == "quarantined"
    assert folder.is_dir()
    integrity = check_index(filled.database, filled.folder, "w", "i")
    assert integrity.is_intact
    assert victim in [one.id for one in integrity.quarantined]
    assert outcomes(filled) == before
    assert len(view_of(filled).documents) == len(DOCUMENTS)


def test_a_build_sets_damage_aside_by_itself(filled: Library) -> None:
    before = outcomes(filled)
    victim = live(filled)[0]
    change_byte(segment_folder(filled.folder, "i", victim) / "rows.bin", 0.5, 1)
    assert filled.build().state == "succeeded"
    assert segments(filled)[victim] == "quarantined"
    assert outcomes(filled) == before


def test_what_is_set_aside_already_starts_nothing(filled: Library) -> None:
    victim = live(filled)[0]
    with filled.database.write() as session:
        assert start_repair(session, "w", "i", [victim]) is not None
    with filled.database.write() as session:
        assert start_repair(session, "w", "i", [victim, "unknown"]) is None


def test_a_build_that_waits_is_joined_and_one_that_runs_is_followed(filled: Library) -> None:
    first, second = live(filled)
    with filled.database.write() as session:
        job_id = start_repair(session, "w", "i", [first])
        assert start_repair(session, "w", "i", [second]) == job_id
    assert filled.missing() == len(DOCUMENTS)
    filled.run(str(job_id))
    with filled.database.write() as session:
        session.get_one(Job, str(job_id)).state = "running"
        follower = start_repair(session, "w", "i", live(filled))
    assert follower not in (None, job_id)
    with filled.database.read() as session:
        assert session.get_one(Job, str(follower)).kind == BUILD_INDEX


def test_a_repair_that_cannot_be_written_down_waits(
    filled: Library, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = segments(filled)

    def refused(_database: Database) -> None:
        raise StorageError("no", code="read_only_disk")

    with monkeypatch.context() as patched:
        patched.setattr(Database, "write", refused)
        repair_found(filled.database, "w", "i", list(before))
    assert "read_only_disk" in caplog.text
    assert segments(filled) == before
    repair_found(filled.database, "w", "i", list(before))
    assert set(segments(filled).values()) == {"quarantined"}
