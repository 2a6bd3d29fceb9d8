"""From uploads to answers: versions switch whole, one bad file fails alone, and nothing is made twice."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from indexes.access import Filter, Principal
from indexes.database.catalog import load_document, raise_generation
from indexes.database.tables import IndexRow, Segment, Served
from indexes.segments import segment_folder
from ingest.parsers.plain_text import PlainText
from ingest.recipe import IndexRecipe
from ingest.sources import upload_path
from ingest.uploads import delete_document
from tests.ingest.encodings import Encodings
from tests.ingest.library import CHUNKER, HYBRID, LEXICAL, Library, file_upload, text_upload

TEXT = " ".join(f"Sentence number {number} says little." for number in range(12))


def missing_for_all(library: Library) -> int:
    with library.database.read() as session:
        return library.views.get(session, "w", library.generation(), "i").missing_documents(Principal.of([]))


def test_what_was_sent_is_found(library: Library) -> None:
    library.index(HYBRID)
    job = library.ingest(text_upload("a", "the cat sat", title="Cats"), file_upload("b.md", b"# Dogs\n\nthe dog ran"))
    assert (job.state, job.result, job.error) == ("succeeded", {"documents": 2}, None)
    assert (library.states("a"), library.states("b.md"), library.missing()) == (["ready"], ["ready"], 0)
    assert library.find("cat", recipe=HYBRID)[0] == "the cat sat"
    assert library.find("ran", recipe=HYBRID)[0].endswith("the dog ran")
    assert [library.document(name).title for name in ("a", "b.md")] == ["Cats", "Dogs"]
    for name in ("a", "b.md"):
        assert library.document(name).ready_version_id == library.versions(name)[0].id


def test_the_title_is_found_too_unless_the_recipe_says_no(library: Library) -> None:
    library.index(LEXICAL)
    library.index(IndexRecipe.model_validate({**LEXICAL.model_dump(), "context_prefix": False}), index_id="bare")
    library.ingest(text_upload("a", "the cat sat", title="Felines"))
    assert (library.find("felines"), library.find("felines", index_id="bare")) == (["the cat sat"], [])


def test_without_an_index_documents_are_ready_all_the_same(library: Library) -> None:
    assert library.add(a="text").state == "succeeded"
    assert (library.states("a"), library.document("a").ready_version_id) == (["ready"], library.versions("a")[0].id)


def test_the_same_bytes_make_no_work(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.index(HYBRID)
    library.add(a=TEXT)
    encodings, before = Encodings(monkeypatch), library.served()
    assert library.add(a=TEXT).result == {"documents": 0}
    assert (encodings.texts, [one.segment_id for one in library.served()]) == ([], [before[0].segment_id])


def test_the_old_version_answers_until_the_new_one_does(library: Library) -> None:
    library.index(HYBRID)
    library.add(a=f"old words. {TEXT}", b="unchanged words")
    before = library.outcome("old words", recipe=HYBRID)
    _, job_id = library.send(text_upload("a", f"new words. {TEXT}"))
    steps = 0
    for _ in library.steps(job_id):
        steps += 1
        assert library.outcome("old words", recipe=HYBRID) == before
        assert missing_for_all(library) == 1
    assert steps >= 2
    found = library.find("old new words", recipe=HYBRID)
    assert sorted(text.split(".")[0] for text in found if "words" in text) == ["new words", "unchanged words"]
    assert (missing_for_all(library), library.states("a")) == (0, ["ready", "ready"])


def test_words_about_a_document_change_without_new_vectors(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.index(HYBRID)
    library.ingest(text_upload("a", TEXT, metadata={"year": 2025}, access=["user:ann"]))
    encodings = Encodings(monkeypatch)
    library.ingest(text_upload("a", TEXT, metadata={"year": 2026}, access=["user:bob"]))
    new = Filter.model_validate({"all": [{"field": "year", "equal": 2026}]})
    assert library.find("little", recipe=HYBRID, names=["user:bob"], restriction=new)
    assert library.find("little", recipe=HYBRID, names=["user:ann"]) == []
    assert encodings.texts == []


def test_a_deleted_document_is_gone_at_once(library: Library) -> None:
    library.index(HYBRID)
    library.add(a="the cat sat", b="the cat ran")
    assert len(library.find("cat", recipe=HYBRID)) == 2
    with library.database.write() as session:
        delete_document(session, load_document(session, "w", library.document("a").id))
    assert library.find("cat", recipe=HYBRID) == ["the cat ran"]


def test_a_document_deleted_while_it_is_ingested_never_answers(library: Library) -> None:
    library.index(LEXICAL)
    _, job_id = library.send(text_upload("a", "the cat sat"), text_upload("b", "the cat ran"))
    steps = library.steps(job_id)
    next(steps)
    with library.database.write() as session:
        delete_document(session, load_document(session, "w", library.document("a").id))
    list(steps)
    assert (library.job(job_id).state, library.find("cat")) == ("succeeded", ["the cat ran"])


@pytest.mark.parametrize(
    ("name", "source", "code"),
    [
        ("bad.txt", b"\xff\xfe\xff", "wrong_encoding"),
        ("bad.json", b"{", "invalid_json"),
        ("long.txt", b"x " * 6_000, "text_too_long"),
        ("bad.xyz", b"x", "unsupported_media_type"),
    ],
)
def test_a_bad_file_fails_alone(library: Library, name: str, source: bytes, code: str) -> None:
    library.index(HYBRID)
    job = library.ingest(file_upload("good.txt", b"the cat sat"), file_upload(name, source))
    assert (job.state, job.result) == ("succeeded", {"documents": 1})
    (version,) = library.versions(name)
    assert (version.state, version.error["code"] if version.error is not None else None) == ("failed", code)
    assert library.find("cat", recipe=HYBRID) == ["the cat sat"]


@pytest.mark.parametrize("error", [RecursionError("deep"), MemoryError(), KeyError("bug")])
def test_a_parser_that_breaks_fails_one_file(
    library: Library, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    parse = PlainText.parse

    def break_down(parser: PlainText, data: bytes) -> Any:
        if b"deep" in data:
            raise error
        return parse(parser, data)

    monkeypatch.setattr(PlainText, "parse", break_down)
    library.ingest(file_upload("a.txt", b"good"), file_upload("b.txt", b"deep"))
    version = library.versions("b.txt")[0]
    assert (library.states("a.txt"), version.state) == (["ready"], "failed")
    assert version.error is not None
    assert version.error["code"] == "unreadable_file"


def test_a_failed_new_version_leaves_the_old_one(library: Library) -> None:
    library.index(LEXICAL)
    library.ingest(file_upload("a.txt", b"the cat sat"))
    library.ingest(file_upload("a.txt", b"\xff\xfe\xff"))
    assert (library.states("a.txt"), library.find("cat")) == (["ready", "failed"], ["the cat sat"])
    assert missing_for_all(library) == 0


def test_bytes_that_were_lost_can_be_sent_again(library: Library) -> None:
    library.index(LEXICAL)
    upload = file_upload("a.txt", b"the cat sat")
    _, job_id = library.send(upload)
    upload_path(library.folder, "w", upload.sha256).unlink()
    library.run(job_id)
    (version,) = library.versions("a.txt")
    assert version.error is not None
    assert version.error["code"] == "source_missing"
    (accepted,), again = library.send(upload)
    assert accepted.status == "retried"
    library.run(again)
    assert (library.states("a.txt"), library.find("cat")) == (["ready"], ["the cat sat"])


def test_a_second_recipe_shares_chunks_and_vectors(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.index(HYBRID)
    library.add(a=TEXT, b="the cat sat")
    encodings = Encodings(monkeypatch)
    dense = IndexRecipe.model_validate({**HYBRID.model_dump(), "stores": [{"kind": "faiss_flat"}]})
    library.index(dense, maintained=False, index_id="second")
    assert library.build("second").state == "succeeded"
    assert encodings.texts == []
    assert library.find("the cat sat", recipe=dense, index_id="second")[0] == "the cat sat"


def test_building_brings_in_what_is_missing_only(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.index(HYBRID, maintained=False)
    library.add(a="the cat sat", b="the dog ran")
    assert (library.served(), library.missing()) == ([], 2)
    assert library.build().result == {"index_id": "i", "documents": 2}
    first = {one.document_id: one.segment_id for one in library.served()}
    library.add(b="the fox ran", c="the owl flew")
    encodings = Encodings(monkeypatch)
    assert library.build().result == {"index_id": "i", "documents": 3}
    assert sorted(text.split()[-2] for text in encodings.texts) == ["fox", "owl"]
    second = {one.document_id: one.segment_id for one in library.served()}
    kept = library.document("a").id
    assert second[kept] == first[kept]
    assert len(set(second.values())) == 2
    assert library.build().state == "succeeded"
    assert {one.document_id: one.segment_id for one in library.served()} == second


def test_an_index_of_nothing_is_built_too(library: Library) -> None:
    library.index(LEXICAL)
    assert library.index_row().built_at is None
    assert library.build().result == {"index_id": "i", "documents": 0}
    assert library.index_row().built_at is not None
    assert library.find("cat") == []


@pytest.mark.parametrize("file", ["rows.bin", "bm25/postings.bin", "faiss_flat/vectors.faiss"])
def test_building_mends_a_damaged_segment(library: Library, monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    library.index(HYBRID)
    library.add(a=TEXT)
    before = library.outcome("sentence", recipe=HYBRID)
    (damaged,) = {one.segment_id for one in library.served()}
    path: Path = segment_folder(library.folder, "i", damaged) / file
    path.write_bytes(path.read_bytes()[:-1])
    encodings = Encodings(monkeypatch)
    assert library.build().state == "succeeded"
    assert (library.outcome("sentence", recipe=HYBRID), encodings.texts) == (before, [])
    assert damaged not in {one.segment_id for one in library.served()}


def test_building_an_index_that_is_not_there_fails_clearly(library: Library) -> None:
    job = library.build("never-there")
    assert (job.state, (job.error or {})["code"]) == ("failed", "index_not_found")


def test_an_index_that_follows_from_now_on_takes_part(library: Library) -> None:
    library.index(LEXICAL)
    coarse = IndexRecipe.model_validate({"chunker": {**CHUNKER, "size_tokens": 32}, "stores": [{"kind": "bm25"}]})
    _, job_id = library.send(text_upload("a", "the cat sat"))
    steps = library.steps(job_id)
    next(steps)
    library.index(coarse, index_id="late")
    list(steps)
    assert library.job(job_id).state == "succeeded"
    assert (library.find("cat"), library.find("cat", index_id="late")) == (["the cat sat"], ["the cat sat"])


@pytest.mark.parametrize("how", ["deleted", "not followed"])
def test_an_index_that_goes_while_documents_are_ingested_stops_nobody(library: Library, how: str) -> None:
    library.index(LEXICAL)
    library.index(HYBRID, index_id="going")
    _, job_id = library.send(text_upload("a", "the cat sat"))
    steps = library.steps(job_id)
    next(steps)
    next(steps)
    with library.database.write() as session:
        if how == "deleted":
            session.execute(delete(Served).where(Served.index_id == "going"))
            session.execute(delete(Segment).where(Segment.index_id == "going"))
            session.delete(session.get_one(IndexRow, "going"))
        else:
            session.execute(update(IndexRow).where(IndexRow.id == "going").values(maintained=False))
        raise_generation(session, "w")
    list(steps)
    job = library.job(job_id)
    assert (job.state, job.error, library.find("cat")) == ("succeeded", None, ["the cat sat"])
    assert library.served("going") == []


def test_two_senders_at_one_moment_leave_one_answer(library: Library) -> None:
    library.index(LEXICAL)
    barrier = threading.Barrier(2)

    def send(text: str) -> str:
        barrier.wait()
        return library.send(text_upload("a", text))[1]

    with ThreadPoolExecutor(2) as pool:
        jobs = list(pool.map(send, ["the cat sat", "the dog ran"]))
    for job_id in jobs:
        assert library.run(job_id).state == "succeeded"
    assert [version.number for version in library.versions("a")] == [1, 2]
    newest = library.versions("a")[1]
    assert library.document("a").ready_version_id == newest.id
    assert library.find("cat dog") == ["the cat sat" if newest.job_id == jobs[0] else "the dog ran"]
