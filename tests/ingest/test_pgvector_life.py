"""Tables of pgvector live as their segments do: switched with them, checked, rebuilt, swept and dropped with them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text, update

from indexes.database.catalog import load_document
from indexes.database.engine import Database, now
from indexes.database.pairing import pair, part
from indexes.database.tables import Segment
from indexes.jobs import create_job
from indexes.purge import PURGE, purge_handler
from indexes.segments import (
    ORPHAN_AFTER_SECONDS,
    RETIRED_KEPT_FOR,
    RowTable,
    remove_unused,
    segment_folder,
    write_segment,
)  # fmt: skip
from indexes.stores import SegmentRows
from indexes.stores.pgvector import Pgvector
from indexes.vector_tables import SCHEMA, VectorTable
from indexes.workers import Workers
from ingest.integrity import check_index
from ingest.recipe import IndexRecipe
from ingest.repair import start_repair
from ingest.uploads import delete_document
from tests.database import fresh_database
from tests.ingest.library import CHUNKER, HYBRID, Library

STORE = Pgvector(kind="pgvector")
RECIPE = IndexRecipe.model_validate(
    {
        "chunker": CHUNKER,
        "embedder": {"kind": "hashing", "dimensions": 64},
        "stores": [{"kind": "pgvector"}, {"kind": "bm25"}],
    }
)
TEXTS = {
    "a": "Amber is the resin of old trees. It floats on salt water and burns.",
    "b": "Basil grows in warm places. It does not like frost or wet feet.",
    "c": "Copper bends easily and turns green with the years in the rain.",
}
LATER = time.time() + 10 * ORPHAN_AFTER_SECONDS


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with fresh_database(tmp_path, on_postgresql=True) as database:
        pair(tmp_path, database)
        library = Library(database, tmp_path)
        library.index(RECIPE)
        library.add(**TEXTS)
        yield library
        part(tmp_path, database)


def tables(database: Database) -> int:
    with database.read() as session:
        named = text("SELECT count(*) FROM pg_tables WHERE schemaname = :schema")
        return int(session.execute(named, {"schema": SCHEMA}).scalar_one())


def folders(library: Library) -> list[Path]:
    return sorted((library.folder / "segments").glob("*/*"))


def sweep(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove what is out of use, hours later."""
    with library.database.write() as session:
        retired = update(Segment).where(Segment.state == "retired")
        session.execute(retired.values(retired_at=now() - 2 * RETIRED_KEPT_FOR))
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: LATER)
        remove_unused(library.database, library.folder)


def found(library: Library, words: str, recipe: IndexRecipe = RECIPE, index_id: str = "i") -> list[tuple[str, int]]:
    return [(hit.document_id, hit.ordinal) for hit in library.hits(words, recipe=recipe, index_id=index_id)]


def test_searches_find_what_files_find(library: Library) -> None:
    library.index(HYBRID, index_id="files")
    library.build("files")
    for words in ("amber water", "frost", "green rain of years"):
        assert found(library, words) == found(library, words, HYBRID, "files") != []


def test_an_index_that_is_whole_and_one_whose_table_is_gone(library: Library) -> None:
    found_whole = check_index(library.database, library.folder, "w", "i")
    assert (found_whole.is_intact, found_whole.mismatches) == (True, {})
    before = found(library, "amber frost")
    (folder,) = folders(library)
    VectorTable(library.database, folder / "pgvector").drop()
    broken = check_index(library.database, library.folder, "w", "i")
    assert broken.unsound == [folder.name]
    with library.database.write() as session:
        job_id = start_repair(session, "w", "i", broken.unsound)
    assert job_id is not None
    assert library.run(job_id).state == "succeeded"
    library.views.forget()
    assert found(library, "amber frost") == before
    assert check_index(library.database, library.folder, "w", "i").is_intact


def test_a_vector_that_was_changed_is_found(library: Library) -> None:
    (folder,) = folders(library)
    table = VectorTable(library.database, folder / "pgvector")
    other = "[1" + ",0" * 63 + "]"
    with library.database.apart() as connection:
        connection.execute(text(f"UPDATE {table.name} SET vector = :other"), {"other": other})  # our name
    assert check_index(library.database, library.folder, "w", "i").unsound == [folder.name]


def test_tables_of_merged_and_deleted_segments_go_with_their_folders(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10):
        library.add(**{f"more-{number}": f"Further note {number} on amber."})
    with library.database.write() as session:
        delete_document(session, load_document(session, "w", library.document("a").id))
    library.build()
    sweep(library, monkeypatch)
    assert tables(library.database) == len(folders(library)) < 11
    hits = found(library, "amber")
    assert library.document("more-3").id in {document for document, _ in hits}
    assert check_index(library.database, library.folder, "w", "i").is_intact


def test_what_a_kill_before_the_commit_leaves_is_swept(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    table = RowTable(**{name: np.zeros(2, dtype=np.int32) for name in ("ordinals", "starts", "ends", "tokens")})
    rows = SegmentRows(texts=["", ""], vectors=np.eye(2, dtype=np.float32))
    orphan = segment_folder(library.folder, "i", "orphan")
    write_segment(orphan, [STORE], table, rows)
    assert tables(library.database) == 2
    remove_unused(library.database, library.folder)
    assert tables(library.database) == 2  # its job may yet commit it
    sweep(library, monkeypatch)
    assert (tables(library.database), orphan.exists()) == (1, False)
    assert found(library, "amber")


def test_a_write_that_fails_later_drops_the_table(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    table = RowTable(**{name: np.zeros(2, dtype=np.int32) for name in ("ordinals", "starts", "ends", "tokens")})
    rows = SegmentRows(texts=["", ""], vectors=np.eye(2, dtype=np.float32))
    monkeypatch.setattr("indexes.segments.sha256_of", lambda _file: Path("/nowhere").stat())
    with pytest.raises(OSError, match="nowhere"):
        write_segment(segment_folder(library.folder, "i", "failed"), [STORE], table, rows)
    assert tables(library.database) == 1


def test_a_purged_workspace_leaves_no_table(library: Library) -> None:
    handlers = {PURGE: purge_handler(library.folder)}
    workers = Workers(library.database, handlers, data_folder=library.folder, threads=1, runs_jobs=True)
    with library.database.write() as session:
        job_id = create_job(session, None, PURGE, {"workspace_id": "w"})
    while workers.advance(job_id, "test"):
        pass
    assert (tables(library.database), folders(library)) == (0, [])
