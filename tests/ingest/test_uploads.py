"""Accepting documents: what is new, what changes nothing, and what two senders at one moment leave."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from configs.errors import InvalidInputError, StorageError, TooLargeError
from indexes.database.catalog import load_document
from indexes.database.engine import Database
from indexes.database.tables import Document, Version
from ingest.document import ParsedDocument
from ingest.sources import ORPHAN_AFTER_SECONDS, remove_orphaned_sources, save_sources, upload_path
from ingest.uploads import (
    Accepted,
    Upload,
    accept_uploads,
    check_text_length,
    delete_document,
    fail_versions,
    retry_version,
)
from tests.database import fresh_database
from tests.ingest.library import Library, file_upload, text_upload


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    folder = tmp_path_factory.mktemp("shared")
    with fresh_database(folder) as database:
        yield Library(database, folder)


def accept(library: Library, *uploads: Upload, job_id: str = "j") -> list[Accepted]:
    with library.database.write() as session:
        return accept_uploads(session, library.workspace_id, job_id, uploads)


def statuses(library: Library, *uploads: Upload) -> list[str]:
    return [one.status for one in accept(library, *uploads)]


def fail(library: Library, job_id: str = "j") -> None:
    with library.database.write() as session:
        fail_versions(session, job_id, {"code": "broken"})


def test_a_new_document_waits_for_its_job(library: Library) -> None:
    upload = text_upload("a", "some text", title="A", tags=["t"], metadata={"n": 1}, access=["user:ann"])
    (accepted,) = accept(library, upload)
    document, (version,) = library.document("a"), library.versions("a")
    assert accepted == Accepted(document_id=document.id, version_id=version.id, external_id="a", status="created")
    assert (document.title, document.tags, document.attributes, document.access) == ("A", ["t"], {"n": 1}, ["user:ann"])
    assert (document.latest_version_id, document.ready_version_id) == (version.id, None)
    assert (version.number, version.state, version.job_id, version.title) == (1, "queued", "j", "A")
    assert (version.size_bytes, version.characters) == (9, 9)
    assert version.source_sha256 == hashlib.sha256(b"some text").hexdigest()


def test_what_is_not_said_has_a_default(library: Library) -> None:
    accept(
        library,
        Upload(external_id="a", source=b"x", parsed=ParsedDocument(text="x", title="Parsed"), file_name="a.md"),
        file_upload("folder/b.md", b"x"),
        text_upload("c", "x"),
    )
    assert [library.document(name).title for name in ("a", "folder/b.md", "c")] == ["Parsed", "folder/b.md", "c"]
    assert [library.versions(name)[0].title for name in ("a", "folder/b.md", "c")] == ["Parsed", "", ""]
    document = library.document("c")
    assert (document.tags, document.attributes, document.access) == ([], {}, None)


def test_the_same_bytes_change_nothing(library: Library) -> None:
    accept(library, text_upload("a", "text", tags=["t"]))
    before, generation = library.document("a"), library.generation()
    assert statuses(library, text_upload("a", "text")) == ["unchanged"]
    assert statuses(library, text_upload("a", "text", tags=["t"], title="a", metadata={})) == ["unchanged"]
    assert library.document("a").updated_at == before.updated_at
    assert (library.states("a"), library.generation()) == (["queued"], generation)


@pytest.mark.parametrize(
    ("said", "column", "value"),
    [
        ({"title": "New"}, "title", "New"),
        ({"tags": ["b"]}, "tags", ["b"]),
        ({"tags": []}, "tags", []),
        ({"metadata": {"n": 2}}, "attributes", {"n": 2}),
        ({"access": []}, "access", []),
    ],
)
def test_the_same_bytes_with_other_words_about_them_change_the_words(
    library: Library, said: dict[str, Any], column: str, value: object
) -> None:
    first = text_upload("a", "text", title="Old", tags=["a"], metadata={"n": 1}, access=["user:ann"])
    accept(library, first)
    before, generation = library.document("a"), library.generation()
    assert statuses(library, text_upload("a", "text", **said)) == ["unchanged"]
    after = library.document("a")
    columns = ("title", "tags", "attributes", "access")
    assert {name: getattr(after, name) for name in columns} == {
        **{name: getattr(before, name) for name in columns}, column: value,
    }  # fmt: skip
    assert after.updated_at > before.updated_at
    assert (library.generation(), len(library.versions("a"))) == (generation + 1, 1)


def test_other_bytes_are_a_new_version_that_keeps_what_was_said(library: Library) -> None:
    accept(library, text_upload("a", "one", title="Said", access=["user:ann"]))
    (accepted,) = accept(library, text_upload("a", "two"), job_id="k")
    versions, document = library.versions("a"), library.document("a")
    assert (accepted.status, accepted.version_id, document.latest_version_id) == ("new_version", *[versions[1].id] * 2)
    assert [(one.number, one.job_id, one.title) for one in versions] == [(1, "j", "Said"), (2, "k", "Said")]
    assert (document.title, document.access) == ("Said", ["user:ann"])


def test_a_new_file_is_called_what_it_calls_itself(library: Library) -> None:
    library.ingest(file_upload("a.md", b"# First\n\ntext"))
    library.ingest(file_upload("a.md", b"# Second\n\ntext"))
    assert [version.title for version in library.versions("a.md")] == ["First", "Second"]


def test_going_back_to_old_bytes_is_a_version_too(library: Library) -> None:
    for text in ("one", "two", "one"):
        accept(library, text_upload("a", text))
    assert [version.number for version in library.versions("a")] == [1, 2, 3]


def test_a_failed_version_is_tried_again_by_its_bytes_or_its_id(library: Library) -> None:
    (first,) = accept(library, text_upload("a", "text"))
    fail(library)
    assert library.versions("a")[0].error == {"code": "broken"}
    (again,) = accept(library, text_upload("a", "text"), job_id="k")
    assert (again.status, again.version_id) == ("retried", first.version_id)
    assert [(v.state, v.job_id, v.error) for v in library.versions("a")] == [("queued", "k", None)]
    fail(library, "k")
    with library.database.write() as session:
        retry_version(session, session.get_one(Version, first.version_id), "l")
    assert [(v.state, v.job_id, v.error) for v in library.versions("a")] == [("queued", "l", None)]


def test_failing_a_job_touches_what_it_left_unfinished_only(library: Library) -> None:
    accept(library, *(text_upload(name, "text") for name in "abc"))
    accept(library, text_upload("d", "text"), job_id="k")
    with library.database.write() as session:
        for name, state in (("a", "ready"), ("b", "processing")):
            session.get_one(Version, library.versions(name)[0].id).state = state
    generation = library.generation()
    fail(library)
    assert [library.states(name) for name in "abcd"] == [["ready"], ["failed"], ["failed"], ["queued"]]
    assert library.generation() == generation + 1


def test_a_deleted_document_comes_back_as_another(library: Library) -> None:
    (first,) = accept(library, text_upload("a", "text"))
    generation = library.generation()
    with library.database.write() as session:
        delete_document(session, load_document(session, "w", first.document_id))
    assert library.generation() == generation + 1
    (second,) = accept(library, text_upload("a", "text"))
    assert (second.status, second.document_id != first.document_id) == ("created", True)


def test_workspaces_do_not_share_external_ids(library: Library) -> None:
    other = Library(library.database, library.folder, "other")
    assert statuses(library, text_upload("a", "text")) == statuses(other, text_upload("a", "text")) == ["created"]
    assert statuses(other, text_upload("a", "new")) == ["new_version"]
    assert (library.generation(), other.generation(), len(library.versions("a"))) == (1, 2, 1)


def test_one_request_may_not_say_two_things_of_one_document(library: Library) -> None:
    with pytest.raises(InvalidInputError) as told:
        accept(library, text_upload("b", "x"), text_upload("a", "x"), text_upload("a", "y"))
    assert (told.value.code, "'a'" in told.value.detail) == ("repeated_external_id", True)
    with library.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Document)) == 0


def test_more_documents_than_one_query_can_name(library: Library) -> None:
    uploads = [text_upload(f"d{number:04}", "x") for number in range(1_100)]
    assert set(statuses(library, *uploads)) == {"created"}
    renewed = [text_upload(f"d{number:04}", "x" if number % 2 else "y") for number in range(1_101)]
    assert statuses(library, *renewed) == [*["new_version", "unchanged"] * 550, "created"]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz")), max_size=8))
def test_versions_count_from_one_and_the_last_bytes_win(shared: Library, sent: list[tuple[str, str]]) -> None:
    prefix = hashlib.sha256(os.urandom(8)).hexdigest()
    for name, text in sent:
        accept(shared, text_upload(prefix + name, text))
    for name in {name for name, _ in sent}:
        texts = [text for other, text in sent if other == name]
        expected = [text for position, text in enumerate(texts) if position == 0 or text != texts[position - 1]]
        versions = shared.versions(prefix + name)
        assert [version.number for version in versions] == list(range(1, len(expected) + 1))
        assert [version.source_sha256 for version in versions] == [
            hashlib.sha256(text.encode()).hexdigest() for text in expected
        ]
        assert shared.document(prefix + name).latest_version_id == versions[-1].id


@pytest.mark.parametrize("exists", [False, True])
def test_two_senders_of_one_document_at_one_moment(library: Library, exists: bool) -> None:
    if exists:
        accept(library, text_upload("a", "original"))
    barrier = threading.Barrier(2)

    def send(text: str) -> str:
        barrier.wait()
        return library.send(text_upload("a", text))[0][0].status

    with ThreadPoolExecutor(2) as pool:
        found = sorted(pool.map(send, ["one", "two"]))
    versions = library.versions("a")
    assert found == (["new_version"] * 2 if exists else ["created", "new_version"])
    assert [version.number for version in versions] == ([1, 2, 3] if exists else [1, 2])
    assert library.document("a").latest_version_id == versions[-1].id
    assert len({version.job_id for version in versions}) == len(versions)


def test_a_text_that_is_too_long_is_refused() -> None:
    check_text_length(ParsedDocument(text="x" * 10), 10)
    with pytest.raises(TooLargeError, match="has 11 characters; the limit is 10"):
        check_text_length(ParsedDocument(text="x" * 11), 10)


def test_files_are_kept_once_under_their_hash(tmp_path: Path) -> None:
    one, same, other = file_upload("a.txt", b"one"), file_upload("b.txt", b"one"), file_upload("a.txt", b"two")
    for _ in range(3):
        save_sources(tmp_path, "w", [one, same, other, text_upload("json", "needs no file")])
    kept = {path: path.read_bytes() for path in (tmp_path / "uploads").rglob("*") if path.is_file()}
    assert kept == {upload_path(tmp_path, "w", upload.sha256): upload.source for upload in (one, other)}


def test_a_full_disk_is_told_before_anything_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageError) as told:
        save_sources(tmp_path, "w", [file_upload("a.txt", b"one")])
    assert told.value.code == "disk_full"
    assert [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()] == []


def test_only_old_bytes_that_no_version_names_are_removed(database: Database, library: Library) -> None:
    kept, young, old = (file_upload(f"{name}.txt", name.encode()) for name in ("kept", "young", "old"))
    foreign = replace(kept, external_id="foreign")
    library.send(kept)
    save_sources(library.folder, "w", [young, old])
    save_sources(library.folder, "elsewhere", [foreign])
    paths = {upload.external_id: upload_path(library.folder, "w", upload.sha256) for upload in (kept, young, old)}
    paths["foreign"] = upload_path(library.folder, "elsewhere", foreign.sha256)
    moment = time.time() - ORPHAN_AFTER_SECONDS - 1
    for name, path in paths.items():
        if name != "young.txt":
            os.utime(path, (moment, moment))
    remove_orphaned_sources(database, library.folder)
    assert {name for name, path in paths.items() if path.exists()} == {"kept.txt", "young.txt"}
    remove_orphaned_sources(database, library.folder / "nothing here")
