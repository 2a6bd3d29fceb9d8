"""Integrity of an index: files, rows and vectors agree with SQL, and each planted disagreement is told."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import delete, update

from configs.errors import NotFoundError
from indexes.database.catalog import load_document
from indexes.database.tables import ChunkRow, Segment, Served, Vector
from ingest.integrity import IndexIntegrity, check_index
from ingest.uploads import delete_document
from ingest.vector_cache import save_vectors
from tests.ingest.library import HYBRID, Library

TEXT = " ".join(f"Sentence number {number} says little." for number in range(12))


@pytest.fixture
def filled(library: Library) -> Library:
    """Return a library of two documents in one segment."""
    library.index(HYBRID)
    library.add(a=f"Amber. {TEXT}", b=f"Basil. {TEXT}")
    return library


def check(library: Library) -> IndexIntegrity:
    return check_index(library.database, library.folder, "w", "i")


def mismatches(library: Library) -> list[str]:
    """Return what the check says of the only segment's rows; its files are whole."""
    found = check(library)
    assert (found.is_intact, found.damaged, found.segments_checked) == (False, {}, 1)
    (sentences,) = found.mismatches.values()
    assert found.unsound == list(found.mismatches)
    return sentences


def test_an_index_that_is_whole(filled: Library) -> None:
    found = check(filled)
    assert (found.is_intact, found.damaged, found.mismatches, found.unsound) == (True, {}, {}, [])
    assert found.rows_in_segments == found.rows_served == sum(one.row_count for one in filled.served())
    assert (found.segments_checked, found.quarantined) == (1, [])


def test_rows_of_deleted_documents_are_no_fault(filled: Library) -> None:
    with filled.database.write() as session:
        delete_document(session, load_document(session, "w", filled.document("a").id))
    found = check(filled)
    assert found.is_intact
    assert found.rows_in_segments > found.rows_served > 0


def test_chunks_that_are_gone_or_others(filled: Library) -> None:
    victim = filled.served()[0].version_id
    with filled.database.write() as session:
        chunk = ChunkRow.version_id == victim, ChunkRow.ordinal == 1
        session.execute(update(ChunkRow).where(*chunk).values(end=ChunkRow.end + 1))
    assert mismatches(filled) == [f"the rows of version {victim} are not its chunks"]
    with filled.database.write() as session:
        session.execute(delete(ChunkRow).where(ChunkRow.version_id == victim))
    assert mismatches(filled) == [f"the rows of version {victim} are not its chunks"]


def test_rows_of_two_documents_at_one_place(filled: Library) -> None:
    first, second = sorted(filled.served(), key=lambda one: one.first_row)
    with filled.database.write() as session:
        moved = update(Served).where(Served.document_id == second.document_id)
        session.execute(moved.values(first_row=second.first_row - 1))
    told = mismatches(filled)
    assert told[0] == f"rows {second.first_row - 1} to {first.row_count} belong to two documents"


def test_rows_beyond_the_end(filled: Library) -> None:
    last = max(filled.served(), key=lambda one: one.first_row)
    with filled.database.write() as session:
        longer = update(Served).where(Served.document_id == last.document_id)
        session.execute(longer.values(row_count=last.row_count + 1))
    end = last.first_row + last.row_count
    assert f"rows up to {end + 1} are served, of {end}" in mismatches(filled)


def test_a_manifest_with_another_number_of_rows(filled: Library) -> None:
    with filled.database.write() as session:
        session.execute(update(Segment).values(rows=Segment.rows + 1))
    rows = check(filled).rows_served
    assert mismatches(filled) == [
        f"{name} has {rows} rows, the manifest {rows + 1}" for name in ("row table", "faiss_flat", "bm25")
    ]


def test_a_vector_that_is_not_the_cached_one(filled: Library) -> None:
    assert HYBRID.embedder is not None
    victim = filled.served()[0]
    with filled.database.write() as session:
        chunk = session.get_one(ChunkRow, (victim.version_id, HYBRID.chunking, 0))
        session.execute(delete(Vector).where(Vector.indexed_sha256 == chunk.indexed_sha256))
    assert check(filled).is_intact
    with filled.database.write() as session:
        other = np.full((1, 64), 1 / 8, dtype=np.float32)
        save_vectors(session, HYBRID.embedder.fingerprint, [chunk.indexed_sha256], other)
    assert mismatches(filled) == [f"row {victim.first_row} holds another vector than the cache"]


def test_an_index_that_is_not_there(library: Library) -> None:
    with pytest.raises(NotFoundError):
        check(library)
