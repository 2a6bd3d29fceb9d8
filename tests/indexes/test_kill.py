"""A process killed with SIGKILL at twenty random instants of its ingest: nothing is lost, doubled or left behind."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from configs.part import JsonObject
from indexes.database.engine import Database, new_id
from indexes.database.tables import ChunkRow, Document, Job, Segment, Version
from indexes.jobs import FINAL_STATES, create_job
from indexes.segments import segment_folder
from indexes.soundness import damaged_files
from ingest.builds import BUILD_INDEX
from ingest.recipe import IndexRecipe
from ingest.uploads import Upload
from tests.indexes.work import finished, until
from tests.indexes.worker_process import RunningWorker, process
from tests.ingest.library import CHUNKER, HYBRID, Library, file_upload, text_upload

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

KILLS = 20
DOCUMENTS = 150
MODULE = "tests.indexes.killed_ingest"
WORDS = ["amber", "basil", "cedar", "delta", "ember", "fjord", "grove", "haven", "inlet", "mossy", "north", "oasis"]
COARSE: JsonObject = {"chunker": {**CHUNKER, "size_tokens": 64}, "stores": [{"kind": "bm25"}]}
RECIPES = {"fine": HYBRID, "coarse": IndexRecipe.model_validate(COARSE)}
QUERIES = ["amber basil", "cedar", "mossy north oasis delta", "note 17"]


def upload(draw: random.Random, number: int) -> Upload:
    """Return a short note, every third as a file."""
    text = f"note {number} " + ". ".join(" ".join(draw.choices(WORDS, k=9)) for _ in range(4))
    return text_upload(f"d{number}", text) if number % 3 else file_upload(f"d{number}.txt", text.encode())


def run_until_killed(database: Database, folder: Path, draw: random.Random) -> None:
    """Start the process and kill it: one time in four before it has begun to work, else after it took up a job."""
    running = RunningWorker(folder, MODULE)
    if draw.random() < 0.25:
        time.sleep(draw.uniform(0.0, 0.4))
    else:
        before = leases(database)
        running.wait_until_ready()
        until(lambda: leases(database) > before)
        time.sleep(draw.uniform(0.0, 0.4))
    running.close()


def leases(database: Database) -> int:
    """Return how often jobs were taken up."""
    with database.read() as session:
        return session.scalars(select(func.sum(Job.lease))).one()


def prepared(library: Library, uploads: list[Upload], changed: list[Upload]) -> list[str]:
    """Queue an ingest of everything, an ingest of newer versions, and the build of an index that does not follow."""
    for name, recipe in RECIPES.items():
        library.index(recipe, maintained=name == "fine", index_id=f"{library.workspace_id}-{name}")
    job_ids = [library.send(*uploads)[1], library.send(*changed)[1]]
    with library.database.write() as session:
        arguments = {"index_id": f"{library.workspace_id}-coarse"}
        job_ids.append(create_job(session, library.workspace_id, BUILD_INDEX, arguments))
    return job_ids


def test_twenty_kills_change_nothing_in_the_end(database: Database, tmp_path: Path) -> None:
    draw = random.Random(20261124)
    uploads = [upload(draw, number) for number in range(DOCUMENTS)]
    changed = [text_upload(one.external_id, f"changed {draw.choice(WORDS)} note") for one in uploads[:20]]
    library = Library(database, tmp_path)
    job_ids = prepared(library, uploads, changed)
    for _ in range(KILLS):
        run_until_killed(database, tmp_path, draw)
    with database.read() as session:
        assert session.scalars(select(Job.state).where(Job.state.not_in(FINAL_STATES))).first(), (
            "the work ended too soon"
        )
    with process(tmp_path, MODULE):
        jobs = finished(database, *job_ids, seconds=60)
    assert {job.state for job in jobs} == {"succeeded"}
    assert [(job.result or {})["documents"] for job in jobs[:2]] == [DOCUMENTS, len(changed)]
    assert library.build("w-coarse").result == {"index_id": "w-coarse", "documents": DOCUMENTS}
    check_rows(database, tmp_path)
    clean = Library(database, tmp_path, "clean")
    final = [replace(one, document_id=new_id("doc"), version_id=new_id("version")) for one in uploads[len(changed) :]]
    for job_id in prepared(clean, [text_upload(one.external_id, one.source.decode()) for one in changed] + final, []):
        assert clean.run(job_id).state == "succeeded"
    for name, recipe in RECIPES.items():
        for query in QUERIES:
            survived, fresh = (
                sorted(one.outcome(query, recipe=recipe, index_id=f"{one.workspace_id}-{name}"))
                for one in (library, clean)
            )
            assert survived == fresh
            assert survived


def check_rows(database: Database, folder: Path) -> None:
    """Check that every document is ready once, that its chunks are whole, and that each index serves them once."""
    with database.read() as session:
        assert session.scalar(select(func.count()).where(Job.state.not_in(FINAL_STATES))) == 0
        documents = session.scalars(select(Document).where(Document.workspace_id == "w")).all()
        assert len(documents) == len({document.external_id for document in documents}) == DOCUMENTS
        assert all(document.ready_version_id == document.latest_version_id for document in documents)
        assert set(session.scalars(select(Version.state).distinct())) == {"ready"}
        for name, recipe in RECIPES.items():
            statement = select(ChunkRow.version_id, func.count(), func.max(ChunkRow.ordinal))
            grouped = statement.where(ChunkRow.chunking == recipe.chunking).group_by(ChunkRow.version_id)
            counts = {version_id: count for version_id, count, last in session.execute(grouped) if last == count - 1}
            for segment in session.scalars(select(Segment).where(Segment.index_id == f"w-{name}")):
                if segment.state == "live":
                    assert damaged_files(segment_folder(folder, f"w-{name}", segment.id), segment.checksums) == []
            served = Library(database, folder).served(f"w-{name}")
            assert {one.version_id: one.row_count for one in served} == {
                str(document.ready_version_id): counts[str(document.ready_version_id)] for document in documents
            }
