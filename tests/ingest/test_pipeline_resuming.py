"""Jobs that are killed, cancelled, doubled or fail: in the end everything is as if nothing had happened, or says so."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from configs.errors import UnavailableError
from indexes.database.catalog import load_document
from indexes.database.engine import Database, new_id
from indexes.database.tables import ChunkRow, Job, Segment, Version
from indexes.jobs import request_cancel
from ingest.embedders import Vectors
from ingest.embedders.hashing import Hashing
from ingest.uploads import Upload, delete_document, retry_version
from tests.contracts.store_worlds import unsynced
from tests.database import fresh_database
from tests.ingest.library import HYBRID, Library, file_upload, text_upload

TEXT = " ".join(f"Sentence number {number} says little." for number in range(12))
QUERIES = ["sentence number 7", "cat", "dog ran little"]


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a small job have many steps."""
    monkeypatch.setattr("ingest.baking.VERSIONS_PER_BATCH", 2)
    monkeypatch.setattr("ingest.baking.TEXTS_PER_BATCH", 4)
    monkeypatch.setattr("ingest.serving.ROWS_PER_SEGMENT", 8)


def uploads() -> list[Upload]:
    texts = [TEXT, "the cat sat", "the dog ran", f"{TEXT} the cat", "nothing"]
    return [
        text_upload(f"d{number}", text) if number % 2 else file_upload(f"d{number}.txt", text.encode())
        for number, text in enumerate(texts)
    ]


def results(library: Library) -> list[object]:
    """Return what the queries find, whatever the ids of documents that tie."""
    return [sorted(library.outcome(query, recipe=HYBRID)) for query in QUERIES]


def another_process(library: Library) -> Library:
    """Return the same workspace as a process sees it that starts after this one was killed."""
    return Library(library.database, library.folder, library.workspace_id)


@pytest.mark.usefixtures("small_batches")
def test_a_job_killed_after_any_batch_goes_on(library: Library, database: Database) -> None:
    steps = 0
    library.index(HYBRID)
    _, job_id = library.send(*uploads())
    for kills in range(1_000):
        process = another_process(library)
        done = len(list(islice(process.steps(job_id), kills % 3 + 1)))
        steps += done
        if process.job(job_id).state != "running":
            break
    job = library.job(job_id)
    assert (job.state, job.result, job.lease, steps) == ("succeeded", {"documents": 5}, kills + 1, 9)
    clean = Library(database, library.folder, "clean")
    clean.index(HYBRID, index_id="clean")
    clean.ingest(*uploads())
    assert results(library) == [sorted(clean.outcome(one, recipe=HYBRID, index_id="clean")) for one in QUERIES]
    with database.read() as session:
        chunks = select(func.count()).select_from(ChunkRow).join(Version, Version.id == ChunkRow.version_id)
        counts = [session.scalar(chunks.where(Version.workspace_id == name)) for name in ("w", "clean")]
        rows = [
            sum(session.scalars(select(Segment.rows).where(Segment.index_id == name, Segment.state == "live")))
            for name in ("i", "clean")
        ]
    assert counts[0] == counts[1] == rows[0] == rows[1] == sum(one.row_count for one in library.served())


@pytest.mark.usefixtures("small_batches")
def test_a_slow_original_has_no_effect_beside_its_successor(library: Library) -> None:
    library.index(HYBRID)
    _, job_id = library.send(*uploads())
    originals = [library.steps(job_id)]
    next(originals[0])
    for _ in range(5):  # each is overtaken in the middle of its work
        with library.database.write() as session:
            session.execute(update(Job).where(Job.id == job_id).values(worker_id=None))
        originals.append(another_process(library).steps(job_id))
        next(originals[-1])
    assert another_process(library).job(job_id).lease == 6
    for original in originals[:-1]:
        assert len(list(original)) <= 1
    assert library.job(job_id).state == "running"
    list(originals[-1])
    assert (library.job(job_id).state, library.job(job_id).result) == ("succeeded", {"documents": 5})
    assert len(library.served()) == 5


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("steps_before", [0, 1, 3, 6])
def test_a_cancelled_job_leaves_what_can_be_retried(library: Library, steps_before: int) -> None:
    library.index(HYBRID)
    library.add(d1="the old cat")
    _, job_id = library.send(*uploads())
    steps = library.steps(job_id)
    list(islice(steps, steps_before))
    with library.database.write() as session:
        job = request_cancel(session, job_id)
        if job.state == "cancelled":  # it had not begun; the caller marks its versions
            job.state, job.cancel_requested = "running", True
            job.lease, job.worker_id, job.state = 0, None, "queued"
    list(steps)
    assert library.job(job_id).state == "cancelled"
    version = library.versions("d1")[1]
    assert (version.state, (version.error or {})["code"]) == ("failed", "job_cancelled")
    assert library.find("old cat", recipe=HYBRID)[0] == "the old cat"
    assert library.ingest(*uploads()).result == {"documents": 5}
    assert library.find("cat sat", recipe=HYBRID)[0] == "the cat sat"


def test_a_model_that_is_missing_fails_the_job_and_its_documents(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.index(HYBRID)
    library.add(a="the old cat")

    def missing(_embedder: Hashing, _texts: Sequence[str]) -> Vectors:
        raise UnavailableError("the model is not here", hint="copy it", code="model_missing")

    with monkeypatch.context() as patch:
        patch.setattr(Hashing, "encode", missing)
        job = library.add(a="the new cat", b="the dog")
    assert (job.state, (job.error or {})["code"]) == ("failed", "model_missing")
    for name in ("a", "b"):
        version = library.versions(name)[-1]
        assert (version.state, version.error) == ("failed", job.error)
    assert library.find("cat", recipe=HYBRID) == ["the old cat"]
    _, job_id = library.send(text_upload("b", "the dog"))
    with library.database.write() as session:
        retry_version(session, session.get_one(Version, library.versions("a")[1].id), job_id)
    assert library.run(job_id).result == {"documents": 2}
    assert sorted(library.find("the new cat dog", recipe=HYBRID)) == ["the dog", "the new cat"]


def test_a_job_without_the_lease_fails_no_documents(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends with an error after another process has taken the job up; the documents are the other's."""
    library.index(HYBRID)
    _, job_id = library.send(text_upload("a", "the cat"))

    def overtaken(_embedder: Hashing, _texts: Sequence[str]) -> Vectors:
        with library.database.write() as session:
            session.execute(update(Job).where(Job.id == job_id).values(lease=7))
        raise UnavailableError("the model is not here")

    monkeypatch.setattr(Hashing, "encode", overtaken)
    library.run(job_id)
    assert (library.job(job_id).state, library.states("a")) == ("running", ["queued"])


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (2, 0, 1)])
def test_jobs_of_one_document_may_end_in_any_order(library: Library, order: tuple[int, ...]) -> None:
    library.index(HYBRID)
    jobs = [library.send(text_upload("a", text))[1] for text in ("first cat", "second cat", "third cat")]
    for number in order:
        assert library.run(jobs[number]).state == "succeeded"
    assert library.states("a") == ["ready"] * 3
    assert library.document("a").ready_version_id == library.versions("a")[2].id
    assert library.find("cat", recipe=HYBRID) == ["third cat"]


Change = tuple[str, str | None, int]
changes = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "d"]),
        st.sampled_from(["cat", "dog ran", f"{TEXT} cat", "sentence number 7", None]),
        st.integers(0, 2),
    ),
    min_size=3,
    max_size=8,
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, Path]]:
    folder = tmp_path_factory.mktemp("home")
    with unsynced(), fresh_database(folder) as database:
        yield database, folder


@settings(max_examples=12)
@given(changes=changes, seed=st.integers(0, 99))
def test_whatever_happened_an_index_equals_a_clean_rebuild(
    home: tuple[Database, Path], changes: list[Change], seed: int
) -> None:
    """Documents come, change and go (None); jobs wait for others and are done in any order."""
    database, folder = home
    library, clean = (Library(database, folder, new_id("w")) for _ in range(2))
    for one in (library, clean):
        one.index(HYBRID, index_id=f"{one.workspace_id}-i")
    waiting: list[str] = []
    final: dict[str, str] = {}
    order = random.Random(seed)
    for name, text, done in changes:
        if text is not None:
            waiting.append(library.send(text_upload(name, text))[1])
            final[name] = text
        elif final.pop(name, None) is not None:
            with database.write() as session:
                delete_document(session, load_document(session, library.workspace_id, library.document(name).id))
        for _ in range(min(done, len(waiting))):
            library.run(waiting.pop(order.randrange(len(waiting))))
    order.shuffle(waiting)
    for job_id in waiting:
        library.run(job_id)
    clean.add(**final)
    found = [
        [sorted(one.outcome(query, recipe=HYBRID, index_id=f"{one.workspace_id}-i")) for query in QUERIES]
        for one in (library, clean)
    ]
    assert found[0] == found[1]
    assert library.missing(f"{library.workspace_id}-i") == 0
