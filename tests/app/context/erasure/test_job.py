"""Erasing documents: nothing of them is left in any byte, the rest is as it were rebuilt, wherever it is killed."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from app.context.erasure.owners import Documents, Owner
from app.context.erasure.records import hash_of
from configs.errors import NotFoundError
from indexes import free_space
from indexes.database.engine import Database, now
from indexes.database.tables import ChunkRow, Document, Job, Segment, Version, Worker
from indexes.jobs import create_job, request_cancel
from ingest.sources import upload_path
from tests.app.context.erasure.shelf import KEPT, OWNERS, Shelf, files_with
from tests.database import copy_folder, fresh_database, opened_database, sqlite_only
from tests.ingest.library import HYBRID, LEXICAL, file_upload, text_upload

OCELOT = (b"celot", b"OCELOT")


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """Return what a shelf finds on which the secret document never stood."""
    folder = tmp_path_factory.mktemp("clean")
    with fresh_database(folder) as database:
        shelf = Shelf(database, folder)
        shelf.index(HYBRID)
        shelf.index(LEXICAL, index_id="words")
        shelf.add(**KEPT)
        return shelf.results()


def test_nothing_is_left_in_any_byte_and_the_rest_is_as_rebuilt(
    shelf: Shelf, tmp_path: Path, rebuilt: list[object]
) -> None:
    own = shelf.vectors()
    assert files_with(tmp_path, *OCELOT)
    receipt = shelf.erase(external_id="secret")
    gone = own - shelf.vectors()
    assert gone
    assert shelf.results() == rebuilt
    shelf.database.close()
    assert files_with(tmp_path, *OCELOT, *gone) == []
    assert (receipt.counts["documents"], receipt.counts["versions"], receipt.counts["uploads"]) == (1, 4, 1)
    assert receipt.counts["vectors"] == len(gone)
    assert receipt.scope == {}
    assert shelf.forgot == 1


def test_a_receipt_knows_its_target_by_a_hash_alone(shelf: Shelf) -> None:
    receipt = shelf.erase(external_id="secret", request="ticket 7")
    assert receipt.target_sha256 == hash_of("w", "source", "secret")
    assert (receipt.kind, receipt.request) == ("source", "ticket 7")
    said = {column.name: getattr(receipt, column.name) for column in receipt.__table__.columns}
    assert "secret" not in repr(said)
    moments = [receipt.requested_at, receipt.marked_at, receipt.settled_at, receipt.cleared_at, receipt.finished_at]
    assert sorted(moment for moment in moments if moment is not None) == moments


@pytest.mark.slow
def test_wherever_it_is_killed_it_ends_as_if_it_had_not_been(
    filled: Path, tmp_path: Path, rebuilt: list[object]
) -> None:
    steps = 0
    while True:
        folder = tmp_path / str(steps)
        copy_folder(filled, folder)
        with opened_database(folder) as database:
            shelf = Shelf(database, folder)
            asked = shelf.ask(external_id="secret")
            done = sum(1 for _ in islice(shelf.steps(asked.job_id), steps))
            resumed = Shelf(database, folder)  # as a process sees it that starts after this one was killed
            if shelf.job(asked.job_id).state != "succeeded":
                assert resumed.run(asked.job_id).state == "succeeded"
            counts = resumed.receipt(asked.id).counts
            assert (counts["documents"], counts["versions"]) == (1, 4), (steps, counts)
            assert resumed.results() == rebuilt
        assert files_with(folder, *OCELOT) == []
        if done < steps:
            break
        steps += 1
    assert steps > 10


def test_a_document_is_out_of_every_result_with_the_first_batch(shelf: Shelf, rebuilt: list[object]) -> None:
    asked = shelf.ask(document_id=shelf.document("secret").id)
    next(shelf.steps(asked.job_id))
    assert shelf.results() == rebuilt


def test_it_waits_for_a_job_that_began_before_and_says_so(shelf: Shelf, database: Database) -> None:
    with database.write() as session:
        session.add(Worker(id="other", host="elsewhere", process_id=1, heartbeat_at=now()))
        running = create_job(session, "w", "ingest", {})
        other_workspace = create_job(session, "elsewhere", "ingest", {})
        began = {"state": "running", "worker_id": "other", "started_at": now()}
        session.execute(update(Job).where(Job.id.in_([running, other_workspace])).values(began))
    asked = shelf.ask(external_id="secret")
    job = shelf.run(asked.job_id)
    assert (job.state, job.stage, job.total) == ("queued", "waiting_for_jobs", 1)
    assert shelf.receipt(asked.id).marked_at is not None
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Version).where(Version.document_id.is_not(None))) == 7
    with database.write() as session:
        session.execute(update(Job).where(Job.id == running).values(state="succeeded"))
    assert shelf.run(asked.job_id).state == "succeeded"


@pytest.mark.parametrize(
    "change", [{"started_at": now() + timedelta(days=1)}, {"worker_id": "dead"}, {"worker_id": None}]
)
def test_it_does_not_wait_for_what_cannot_read_it(shelf: Shelf, database: Database, change: dict[str, object]) -> None:
    with database.write() as session:
        session.add(Worker(id="other", host="elsewhere", process_id=1, heartbeat_at=now()))
        session.add(Worker(id="dead", host="elsewhere", process_id=1, heartbeat_at=now() - timedelta(minutes=1)))
        running = create_job(session, "w", "ingest", {})
        began = {"state": "running", "worker_id": "other", "started_at": now(), **change}
        session.execute(update(Job).where(Job.id == running).values(began))
    shelf.erase(external_id="secret")


def test_of_two_erasures_the_later_one_waits(shelf: Shelf) -> None:
    first, second = shelf.ask(external_id="secret"), shelf.ask(external_id="oak")
    assert (shelf.run(second.job_id).state, shelf.job(second.job_id).stage) == ("queued", "waiting_for_jobs")
    assert shelf.run(first.job_id).state == "succeeded"
    assert shelf.run(second.job_id).state == "succeeded"


def test_an_upload_under_way_is_not_ingested(shelf: Shelf, tmp_path: Path) -> None:
    _, job_id = shelf.send(text_upload("late", "The ocelotlate flies."), text_upload("pine", "The pine is green."))
    steps = shelf.steps(job_id)
    next(steps)
    asked = shelf.ask(external_id="late")
    shelf.workers.let_go(job_id, "test")
    shelf.run(asked.job_id)
    assert Shelf(shelf.database, tmp_path).run(job_id).state == "succeeded"
    assert shelf.find("pine ocelotlate", recipe=HYBRID)[0] == "The pine is green."
    shelf.database.close()
    assert files_with(tmp_path, b"celotlate") == []


def test_what_others_have_as_well_stays(shelf: Shelf, database: Database, tmp_path: Path) -> None:
    neighbour = Shelf(database, tmp_path, "neighbour")
    neighbour.index(HYBRID, index_id="n")
    text = b"The ocelot sings the same. " * 3
    neighbour.ingest(file_upload("n", text))
    shelf.ingest(file_upload("one", text), file_upload("two", text))
    before = neighbour.outcome("ocelot", recipe=HYBRID, index_id="n")
    held = shelf.vectors()
    receipt = shelf.erase(external_id="one")
    assert "uploads" not in receipt.counts
    assert "vectors" not in receipt.counts
    assert shelf.vectors() == held
    assert upload_path(tmp_path, "w", shelf.versions("two")[0].source_sha256).is_file()
    assert neighbour.outcome("ocelot", recipe=HYBRID, index_id="n") == before
    assert shelf.erase(external_id="two").counts["uploads"] == 1
    assert neighbour.build("n").state == "succeeded"
    assert neighbour.outcome("ocelot", recipe=HYBRID, index_id="n") == before


def test_only_segments_that_may_hold_it_are_written_anew(shelf: Shelf, database: Database) -> None:
    shelf.add(pine="The pine is green all year.")
    with database.read() as session:
        before = set(session.scalars(select(Segment.id)))
    shelf.add(secret2="A ocelot of its own segment.")
    shelf.erase(external_id="secret2")
    with database.read() as session:
        assert set(session.scalars(select(Segment.id).where(Segment.state == "live"))) <= before


def test_deleted_documents_are_erased_too(shelf: Shelf, database: Database, tmp_path: Path) -> None:
    with database.write() as session:
        session.execute(update(Document).where(Document.external_id == "secret").values(deleted_at=now()))
    shelf.ingest(text_upload("secret", "The ocelot came back."))
    assert shelf.erase(external_id="secret").counts["documents"] == 2
    database.close()
    assert files_with(tmp_path, *OCELOT) == []


def test_a_source_that_is_not_there_is_refused_and_one_erased_before_is_not(shelf: Shelf) -> None:
    for target in ({"external_id": "nosuch"}, {"document_id": "nosuch"}, {"user_id": "nosuch"}):
        with pytest.raises(NotFoundError):
            shelf.ask(**target)
    assert shelf.ask(external_id="secret").id == shelf.ask(external_id="secret").id
    shelf.erase(external_id="secret")
    assert shelf.erase(external_id="secret").counts == {}


def test_what_a_cancelled_erasure_left_is_taken_over(shelf: Shelf, database: Database, tmp_path: Path) -> None:
    asked = shelf.ask(external_id="secret")
    for _ in shelf.steps(asked.job_id):
        with database.read() as session:
            if session.scalar(select(Document.id).where(Document.external_id == "secret")) is None:
                break
    with database.write() as session:
        request_cancel(session, asked.job_id)
    assert Shelf(database, tmp_path).run(asked.job_id).state == "cancelled"
    again = shelf.erase(external_id="secret")
    assert again.id != asked.id
    assert shelf.receipt(asked.id).scope == {}
    database.close()
    assert files_with(tmp_path, *OCELOT) == []


def test_an_owner_is_asked_until_nothing_is_left(database: Database, tmp_path: Path) -> None:
    left = [3, 2, 1]

    def take(_session: object, documents: Documents) -> dict[str, int]:
        assert {"ocelottitle", "secret"} <= set(documents.names)
        return {"traces": left.pop()} if left else {}

    shelf = Shelf(database, tmp_path, owners=(*OWNERS, Owner(erase_documents=take)))
    assert shelf.erase(external_id="secret").counts["traces"] == 6


def test_errors_of_jobs_that_name_it_are_blanked(shelf: Shelf, database: Database) -> None:
    with database.write() as session:
        ids = [create_job(session, "w", "ingest", {}) for _ in range(3)]
        for job_id, name in zip(ids, ("ocelottitle", "birch", "ocelottitles"), strict=True):
            error = {"code": "c", "detail": f"{name} is wrong", "hint": "h"}
            session.execute(update(Job).where(Job.id == job_id).values(state="failed", error=error))
    shelf.erase(external_id="secret")
    errors = [shelf.job(job_id).error or {} for job_id in ids]
    assert (errors[0]["code"], "ocelot" in errors[0]["detail"], errors[1]["detail"]) == ("c", False, "birch is wrong")
    assert errors[2]["detail"] == "ocelottitles is wrong"  # another word


def test_chunks_of_others_are_untouched(shelf: Shelf, database: Database) -> None:
    def rows() -> list[tuple[object, ...]]:
        kept = select(Document.external_id, ChunkRow).join(Version, Version.id == ChunkRow.version_id)
        with database.read() as session:
            found = session.execute(kept.join(Document, Document.id == Version.document_id)).all()
            return sorted(
                (name, row.chunking, row.ordinal, row.start, row.end) for name, row in found if name != "secret"
            )

    before = rows()
    shelf.erase(external_id="secret")
    assert rows() == before


@sqlite_only("a reader holds up no write on PostgreSQL, and its free space is its own")
def test_it_waits_while_somebody_reads_an_old_state(
    shelf: Shelf, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(free_space, "LOCK_SECONDS", 0.01)
    monkeypatch.setattr(free_space, "CHECKPOINT_SECONDS", 0.01)
    asked = shelf.ask(external_id="secret")
    with database.read() as session:
        session.scalar(select(Document.id))
        job = shelf.run(asked.job_id)
        assert (job.state, job.stage) == ("queued", "waiting_for_database")
        assert shelf.receipt(asked.id).scope == {}
    assert shelf.run(asked.job_id).state == "succeeded"
    database.close()
    assert files_with(tmp_path, *OCELOT) == []
