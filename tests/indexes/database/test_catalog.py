"""Queries: isolation of workspaces, pages, listings, and what an index misses."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from configs.errors import InvalidInputError, NotFoundError
from indexes.database.catalog import (
    count_documents,
    count_served,
    find_listing,
    list_chunks,
    list_documents,
    list_indexes,
    list_segments,
    load_document,
    load_index,
    load_version,
    load_workspace,
    missing_versions,
    page,
    raise_generation,
)
from indexes.database.engine import Database, now
from indexes.database.tables import ChunkRow, Document, Workspace
from tests.database import add_document, add_index, add_segment_row, add_version, add_workspace, serve

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def two_workspaces(session: Session) -> None:
    """Put a document with a version and an index that serves it into each of the workspaces `w` and `other`."""
    for workspace_id in ("w", "other"):
        add_workspace(session, workspace_id)
        document = add_document(session, f"{workspace_id}-d", workspace_id=workspace_id, external_id="same")
        version = add_version(session, document, 1)
        add_index(session, f"{workspace_id}-i", workspace_id=workspace_id)
        add_segment_row(session, f"{workspace_id}-i", f"{workspace_id}-s")
        serve(session, f"{workspace_id}-i", f"{workspace_id}-s", version)


def test_each_workspace_sees_its_own(database: Database) -> None:
    with database.write() as session:
        two_workspaces(session)
    with database.read() as session:
        assert load_document(session, "w", "w-d").id == "w-d"
        assert load_version(session, "w", "w-d-1").id == "w-d-1"
        assert load_index(session, "w", "w-i").id == "w-i"
        assert find_listing(session, "w", "w-d").latest.id == "w-d-1"
        assert [one.document.id for one in list_documents(session, "w", limit=9)[0]] == ["w-d"]
        assert [one.document.id for one in list_documents(session, "w", limit=9, external_id="same")[0]] == ["w-d"]
        assert [one.id for one in list_indexes(session, "w")] == ["w-i"]
        assert count_documents(session, "w") == {"ready": 1}
        assert missing_versions(session, "w", "other-i") == ["w-d-1"]


def test_what_belongs_to_another_workspace_does_not_exist(database: Database) -> None:
    with database.write() as session:
        two_workspaces(session)
    with database.read() as session:
        for load, identifier in (
            (load_document, "other-d"), (load_version, "other-d-1"), (load_index, "other-i"), (find_listing, "other-d"),
        ):  # fmt: skip
            for unknown in (identifier, "never-there"):
                with pytest.raises(NotFoundError) as told:
                    load(session, "w", unknown)
                assert repr(unknown) in told.value.detail
        with pytest.raises(NotFoundError):
            load_version(session, "w", None)


def test_what_is_deleted_does_not_exist(database: Database) -> None:
    with database.write() as session:
        two_workspaces(session)
        session.get_one(Document, "w-d").deleted_at = now()
        session.get_one(Workspace, "other").deleted_at = now()
    with database.read() as session:
        for load in (load_document, find_listing):
            with pytest.raises(NotFoundError, match="w-d"):
                load(session, "w", "w-d")
        with pytest.raises(NotFoundError, match="other"):
            load_workspace(session, "other")
        assert list_documents(session, "w", limit=9) == ([], None)
        assert (count_documents(session, "w"), count_served(session, "w-i")) == ({}, (0, 0))
        assert missing_versions(session, "w", "w-i") == []
        assert load_workspace(session, "w").id == "w"


def test_an_external_id_is_free_again_after_deletion(database: Database) -> None:
    with database.write() as session:
        two_workspaces(session)
        session.get_one(Document, "w-d").deleted_at = now()
        add_document(session, "w-again", external_id="same")
    with database.read() as session:
        assert len(session.scalars(select(Document.id).where(Document.external_id == "same")).all()) == 3


def test_a_listing_tells_the_newest_version_and_the_one_that_answers(database: Database) -> None:
    with database.write() as session:
        add_workspace(session)
        for position, states in enumerate((["ready"], ["ready", "failed"], ["ready", "ready", "queued"], ["failed"])):
            document = add_document(session, f"d{position}", created_at=MOMENT + timedelta(seconds=position))
            for number, state in enumerate(states, start=1):
                add_version(session, document, number, state=state)
    with database.read() as session:
        listings, _ = list_documents(session, "w", limit=9)
        assert [(one.latest.number, one.latest.state, one.ready_number) for one in listings] == [
            (1, "ready", 1), (2, "failed", 1), (3, "queued", 2), (1, "failed", None),
        ]  # fmt: skip
        assert [find_listing(session, "w", one.document.id) for one in listings] == listings
        failed, _ = list_documents(session, "w", limit=9, state="failed")
        assert [one.document.id for one in failed] == ["d1", "d3"]
        assert count_documents(session, "w") == {"ready": 1, "failed": 2, "queued": 1}


def test_a_version_brings_its_text_only_when_asked(database: Database) -> None:
    with database.write() as session:
        add_workspace(session)
        add_version(session, add_document(session, "d"), 1, text="long", structure=[])
    with database.read() as session:
        assert "text" not in load_version(session, "w", "d-1").__dict__
    with database.read() as session:
        version = load_version(session, "w", "d-1", with_text=True)
    assert (version.text, version.structure) == ("long", [])


def test_an_index_misses_what_is_ready_and_not_served_in_its_newest_version(database: Database) -> None:
    with database.write() as session:
        add_workspace(session)
        add_index(session, "i")
        add_segment_row(session, "i", "s", rows=20)
        for position, (states, served) in enumerate(
            [(["ready"], 1), (["ready"], None), (["ready", "ready"], 1), (["ready", "queued"], 1), (["queued"], None)]
        ):
            document = add_document(session, f"d{position}")
            versions = [add_version(session, document, n, state=state) for n, state in enumerate(states, start=1)]
            if served is not None:
                serve(session, "i", "s", versions[served - 1], first_row=4 * position, row_count=position + 1)
    with database.read() as session:
        assert missing_versions(session, "w", "i") == ["d1-1", "d2-2"]
        assert missing_versions(session, "w", "unknown") == ["d0-1", "d1-1", "d2-2", "d3-1"]
        assert count_served(session, "i") == (3, 1 + 3 + 4)


def test_segments_in_use_are_listed_oldest_first(database: Database) -> None:
    with database.write() as session:
        add_workspace(session)
        add_index(session, "i")
        for position, state in enumerate(["live", "retired", "quarantined", "live"]):
            moment = MOMENT - timedelta(hours=position)
            add_segment_row(session, "i", f"s{position}", state=state, created_at=moment)
    with database.read() as session:
        assert [segment.id for segment in list_segments(session, "i")] == ["s3", "s0"]


def test_chunks_are_listed_from_an_ordinal_on(database: Database) -> None:
    with database.write() as session:
        add_workspace(session)
        version = add_version(session, add_document(session, "d"), 1)
        for chunking, ordinal in [(chunking, ordinal) for chunking in ("a", "b") for ordinal in range(5)]:
            place = {"start": ordinal, "end": ordinal + 1, "tokens": 1, "heading_path": []}
            values = {"version_id": version.id, "chunking": chunking, "ordinal": ordinal, **place}
            session.add(ChunkRow(**values, prefix="", indexed_sha256=""))
    with database.read() as session:
        chunks = list_chunks(session, "d-1", "a", first=1, limit=3)
        assert [(chunk.chunking, chunk.ordinal) for chunk in chunks] == [("a", 1), ("a", 2), ("a", 3)]


def test_raising_a_generation_touches_one_workspace(database: Database) -> None:
    with database.write() as session:
        two_workspaces(session)
    for _ in range(3):
        with database.write() as session:
            workspace = load_workspace(session, "w")
            raise_generation(session, "w")
    assert workspace.generation == 3
    with database.read() as session:
        assert [load_workspace(session, name).generation for name in ("w", "other")] == [3, 0]


def all_pages(session: Session, limit: int) -> list[list[str]]:
    pages: list[list[str]] = []
    cursor: str | None = None
    while cursor is not None or not pages:
        listings, cursor = list_documents(session, "w", limit=limit, cursor=cursor)
        pages.append([one.document.id for one in listings])
    return pages


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_pages_hold_every_document_once_in_order(database: Database, limit: int) -> None:
    with database.write() as session:
        add_workspace(session)
        for position in range(7):  # several of one moment; ids against the order of insertion
            document = add_document(
                session, f"d{9 - position}", created_at=MOMENT + timedelta(microseconds=position // 3)
            )
            add_version(session, document, 1)
    with database.read() as session:
        pages = all_pages(session, limit)
    assert [len(one) for one in pages[:-1]] == [limit] * (len(pages) - 1)
    assert 0 < len(pages[-1]) <= limit
    assert [document_id for one in pages for document_id in one] == ["d7", "d8", "d9", "d4", "d5", "d6", "d3"]


def test_a_cursor_goes_on_after_its_place_whatever_was_added_or_deleted(database: Database) -> None:
    with database.write() as session:
        add_workspace(session)
        for position in range(4):
            add_version(
                session, add_document(session, f"d{position}", created_at=MOMENT + timedelta(hours=position)), 1
            )
    with database.read() as session:
        _, cursor = list_documents(session, "w", limit=2)
    with database.write() as session:
        session.get_one(Document, "d1").deleted_at = now()
        add_version(session, add_document(session, "early", created_at=MOMENT - timedelta(hours=1)), 1)
    with database.read() as session:
        listings, following = list_documents(session, "w", limit=2, cursor=cursor)
    assert ([one.document.id for one in listings], following) == (["d2", "d3"], None)


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "ü", "====", encoded("2026-01-01"), encoded("yesterday|d1"), encoded("|"), "/w==",
     encoded("0001-01-01T00:00:00+23:59|d"), encoded("9999-12-31T23:59:59-23:59|d")],
)  # fmt: skip
def test_a_cursor_that_no_listing_gave_out_is_refused(database: Database, cursor: str) -> None:
    with database.read() as session, pytest.raises(InvalidInputError) as told:
        list_documents(session, "w", limit=2, cursor=cursor)
    assert (told.value.code, told.value.status) == ("invalid_cursor", 422)


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda data: base64.urlsafe_b64encode(data).decode()))
def test_no_cursor_is_a_server_error(cursor: str) -> None:
    statement = select(Document)
    with pytest.raises(InvalidInputError):
        page(Session(), statement, Document.created_at, Document.id, limit=1, cursor=cursor)
