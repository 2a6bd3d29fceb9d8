"""Views: which rows are live, who may see them, what is missing, and when a view is read anew."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy.orm import Session

from configs.errors import InvalidInputError
from indexes import view as view_module
from indexes.access import Filter, Principal
from indexes.database.catalog import load_workspace, raise_generation
from indexes.database.engine import Database, now
from indexes.database.tables import Document, Served, Version
from indexes.segments import RowTable, add_segment, segment_folder, write_segment
from indexes.stores import SegmentRows
from indexes.view import MASKS_KEPT, VIEWS_KEPT, IndexView, Views, load_view
from tests.database import add_document, add_index, add_version, add_workspace, serve

NOBODY = Principal.of([])
ANN = Principal.of(["user:ann"])


def restriction(**condition: Any) -> Filter:
    return Filter.model_validate({"all": [condition]})


def put_segment(session: Session, folder: Path, segment_id: str, rows: int, index_id: str = "i") -> None:
    """Write a segment of `rows` rows without stores, with its manifest row."""
    numbers = np.arange(rows, dtype=np.int32)
    table = RowTable(ordinals=numbers, starts=numbers, ends=numbers + 1, tokens=numbers * 0 + 1)
    texts = SegmentRows(texts=[""] * rows)
    add_segment(session, index_id, write_segment(segment_folder(folder, index_id, segment_id), [], table, texts))
    session.flush()


def put_documents(database: Database, folder: Path, **access: list[str] | None) -> None:
    """Serve a document of two rows for each name, all in the segment `s`, in order."""
    with database.write() as session:
        add_workspace(session)
        add_index(session, "i")
        put_segment(session, folder, "s", 2 * len(access))
        for position, (name, names) in enumerate(access.items()):
            document = add_document(session, name, access=names, attributes={"place": position})
            serve(session, "i", "s", add_version(session, document, 1), first_row=2 * position, row_count=2)


def view_of(database: Database, folder: Path) -> IndexView:
    with database.read() as session:
        return load_view(session, folder, "w", "i")


def seen(view: IndexView, principal: Principal, filtered: Filter | None = None) -> list[list[int] | None]:
    """Return the visible rows of each segment, None where all are."""
    return [None if mask is None else np.flatnonzero(mask).tolist() for mask in view.masks(principal, filtered)]


def test_each_principal_sees_the_rows_of_its_documents(database: Database, tmp_path: Path) -> None:
    put_documents(database, tmp_path, a=None, b=["user:ann"], c=[], d=["user:bob", "group:all"])
    view = view_of(database, tmp_path)
    assert seen(view, NOBODY) == [[0, 1]]
    assert seen(view, ANN) == [[0, 1, 2, 3]]
    assert seen(view, Principal.of(["group:all", "user:ann"])) == [[0, 1, 2, 3, 6, 7]]


def test_no_mask_is_made_where_every_row_is_seen(database: Database, tmp_path: Path) -> None:
    put_documents(database, tmp_path, a=None, b=["user:ann"])
    view = view_of(database, tmp_path)
    assert seen(view, ANN) == [None]
    assert seen(view, ANN, Filter.model_validate({"all": []})) == [None]
    assert seen(view, ANN, restriction(field="place", range={"gte": 0})) == [None]


def test_a_filter_narrows_what_is_permitted(database: Database, tmp_path: Path) -> None:
    put_documents(database, tmp_path, a=None, b=["user:ann"], c=None)
    view = view_of(database, tmp_path)
    assert seen(view, NOBODY, restriction(field="place", range={"gte": 1})) == [[4, 5]]
    assert seen(view, ANN, restriction(field="place", range={"gte": 1})) == [[2, 3, 4, 5]]


def test_true_and_one_are_two_filters(database: Database, tmp_path: Path) -> None:
    put_documents(database, tmp_path, a=None, b=None)
    with database.write() as session:
        session.get_one(Document, "a").attributes = {"flag": True}
        session.get_one(Document, "b").attributes = {"flag": 1}
    view = view_of(database, tmp_path)
    for value, rows in ((True, [0, 1]), (1, [2, 3]), (True, [0, 1]), (1.0, [2, 3])):
        assert seen(view, NOBODY, restriction(field="flag", equal=value)) == [rows]


def test_a_field_that_only_hidden_documents_have_is_unknown(database: Database, tmp_path: Path) -> None:
    put_documents(database, tmp_path, a=None, b=["user:ann"])
    with database.write() as session:
        session.get_one(Document, "b").attributes = {"salary": 1}
    view = view_of(database, tmp_path)
    salary = restriction(field="salary", equal=1)
    assert seen(view, ANN, salary) == [[2, 3]]
    for _ in range(2):
        with pytest.raises(InvalidInputError) as told:
            view.masks(NOBODY, salary)
        assert "place" in told.value.hint
        assert "salary" not in told.value.hint


def test_masks_are_kept_for_names_that_matter(database: Database, tmp_path: Path) -> None:
    put_documents(database, tmp_path, a=None, b=["user:ann"], c=[])
    view = view_of(database, tmp_path)
    first = view.masks(Principal.of(["user:ann", "user:x"]), None)
    for number in range(2 * MASKS_KEPT):  # strangers, who all see the same and push nobody out
        assert view.masks(Principal.of([f"user:{number}"]), None) is view.masks(NOBODY, None)
    assert view.masks(Principal.of(["user:ann", "user:y"]), None) is first
    for number in range(MASKS_KEPT):
        view.masks(ANN, restriction(field="place", equal=number))
    assert view.masks(ANN, None) is not first


def test_rows_that_are_not_served_are_nobodys(database: Database, tmp_path: Path) -> None:
    put_documents(database, tmp_path, a=None, b=None)
    with database.write() as session:
        put_segment(session, tmp_path, "t", 3)
        session.get_one(Served, ("i", "b")).row_count = 1
        add_version(session, session.get_one(Document, "a"), 2)
        serve(session, "i", "t", add_version(session, add_document(session, "c"), 1), first_row=1)
    view = view_of(database, tmp_path)
    assert [document.id for document in view.documents] == ["a", "b", "c"]
    assert [document.version_id for document in view.documents] == ["a-1", "b-1", "c-1"]
    assert seen(view, NOBODY) == [[0, 1, 2], [1]]
    assert [segment.documents.tolist() for segment in view.segments] == [[0, 0, 1, -1], [-1, 2, -1]]


def test_an_index_serves_its_own_workspace_only(database: Database, tmp_path: Path) -> None:
    put_documents(database, tmp_path, a=None)
    with database.write() as session:
        add_workspace(session, "other")
        add_version(session, add_document(session, "theirs", workspace_id="other"), 1)
        serve(session, "i", "s", session.get_one(Version, "theirs-1"), first_row=1)
        add_index(session, "second")
        put_segment(session, tmp_path, "u", 1, "second")
    view = view_of(database, tmp_path)
    assert [document.id for document in view.documents] == ["a"]
    with database.read() as session:
        assert load_view(session, tmp_path, "w", "second").segments == []
        assert load_view(session, tmp_path, "nowhere", "i").documents == []


def test_what_is_missing_is_counted_for_whom_it_concerns(database: Database, tmp_path: Path) -> None:
    put_documents(database, tmp_path, served=None, behind=None, pending=["user:ann"], failed=None, gone=None)
    with database.write() as session:
        for name, state in (("behind", "ready"), ("pending", "queued"), ("failed", "failed"), ("gone", "ready")):
            add_version(session, session.get_one(Document, name), 2, state=state)
        session.get_one(Document, "gone").deleted_at = now()
        add_version(session, add_document(session, "new", access=["user:ann", "user:bob"]), 1, state="processing")
        add_version(session, add_document(session, "never"), 1, state="failed")
    view = view_of(database, tmp_path)
    assert view.missing_documents(NOBODY) == 1
    assert view.missing_documents(ANN) == 3
    assert view.missing_documents(Principal.of(["user:bob"])) == 2


def current(views: Views, database: Database, index_id: str = "i") -> IndexView:
    with database.read() as session:
        return views.get(session, "w", load_workspace(session, "w").generation, index_id)


@pytest.mark.parametrize("change", [{"deleted_at": now()}, {"access": []}, {"tags": ["hidden"]}])
def test_a_change_is_seen_with_its_commit(database: Database, tmp_path: Path, change: dict[str, Any]) -> None:
    put_documents(database, tmp_path, a=None, b=None)
    with database.write() as session:
        for name in ("a", "b"):
            session.get_one(Document, name).tags = ["shown"]
    views = Views(tmp_path)
    before = current(views, database)
    assert current(views, database) is before
    with database.write() as session:
        for name, value in change.items():
            setattr(session.get_one(Document, "a"), name, value)
        raise_generation(session, "w")
    after = current(views, database)
    assert seen(before, NOBODY, restriction(tags=["shown"])) == [None]
    assert seen(after, NOBODY, restriction(tags=["shown"])) == [[2, 3]]


def test_a_reader_of_an_older_state_gets_the_newer_one_if_it_is_there(database: Database, tmp_path: Path) -> None:
    put_documents(database, tmp_path, a=None, b=None)
    views = Views(tmp_path)
    with database.read() as slow:
        generation = load_workspace(slow, "w").generation
        own = Views(tmp_path).get(slow, "w", generation, "i")
        with database.write() as session:
            session.get_one(Document, "a").deleted_at = now()
            raise_generation(session, "w")
        newer = current(views, database)
        assert views.get(slow, "w", generation, "i") is newer
    assert ([d.id for d in own.documents], [d.id for d in newer.documents]) == (["a", "b"], ["b"])
    assert current(views, database) is newer


def test_the_views_used_last_are_kept(database: Database, tmp_path: Path) -> None:
    with database.write() as session:
        add_workspace(session)
        for number in range(VIEWS_KEPT + 1):
            add_index(session, f"i{number}")
    views = Views(tmp_path)
    first, second = current(views, database, "i0"), current(views, database, "i1")
    for number in range(2, VIEWS_KEPT):
        current(views, database, f"i{number}")
    assert current(views, database, "i0") is first
    current(views, database, f"i{VIEWS_KEPT}")
    assert current(views, database, "i0") is first
    assert current(views, database, "i1") is not second


def test_threads_share_a_view(database: Database, tmp_path: Path) -> None:
    put_documents(database, tmp_path, a=None, b=["user:ann"], c=["user:bob"])
    views = Views(tmp_path)

    def look(number: int) -> list[list[int] | None]:
        principal = (NOBODY, ANN)[number % 2]
        return seen(current(views, database), principal, restriction(field="place", range={"lt": 1 + number % 3}))

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(look, range(60)))
    assert found == [[[0, 1]] if number % 2 == 0 or number % 3 == 0 else [[0, 1, 2, 3]] for number in range(60)]


def test_of_many_who_need_a_view_one_reads_it(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_documents(database, tmp_path, a=None)
    views, barrier, read = Views(tmp_path), threading.Barrier(6), []

    def slowly(*arguments: Any) -> IndexView:
        read.append(arguments)
        time.sleep(0.05)
        return load_view(*arguments)

    monkeypatch.setattr(view_module, "load_view", slowly)

    def look(_: int) -> IndexView:
        barrier.wait()
        return current(views, database)

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(look, range(6)))
    assert len(read) == 1
    assert all(one is found[0] for one in found)


def test_a_segment_without_its_files_is_left_out(database: Database, tmp_path: Path) -> None:
    put_documents(database, tmp_path, a=None, b=["user:ann"])
    (segment_folder(tmp_path, "i", "s") / "rows.bin").unlink()
    view = view_of(database, tmp_path)
    assert (set(view.damaged), len(view.documents), len(view.segments)) == ({"s"}, 0, 0)
    assert (view.missing_documents(NOBODY), view.missing_documents(ANN)) == (1, 2)


def test_files_lost_later_are_found_when_they_are_doubted(database: Database, tmp_path: Path) -> None:
    put_documents(database, tmp_path, a=None)
    views = Views(tmp_path)
    view = current(views, database)
    (segment_folder(tmp_path, "i", "s") / "rows.bin").unlink()
    assert current(views, database) is view
    views.doubt("i")
    assert current(views, database).damaged == {"s"}
    views.doubt("never looked at")
