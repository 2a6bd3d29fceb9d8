"""Import jobs that are killed anywhere end as undisturbed ones do; refused archives leave nothing behind."""

from __future__ import annotations

import io
from itertools import islice
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.context.saved_strategies import list_strategies
from app.evaluation.question_sets import load_question_set
from app.evaluation.workspace_files.entries import DOCUMENTS
from app.evaluation.workspace_files.importing import AcceptedArchive, Importer, accept_archive
from app.evaluation.workspace_files.writing import plan_export
from configs.errors import InvalidInputError, UnavailableError
from configs.settings import Settings
from indexes.database.catalog import load_workspace
from indexes.database.engine import Database
from indexes.database.tables import Document, Job, Version
from indexes.workers import Workers
from tests.app.evaluation.workspace_files.zips import LINE, archive, lines, unzipped
from tests.ingest.library import HYBRID, Library

TEXTS = {f"d{number}": f"Sentence number {number} says little.\nThe cat sat." for number in range(7)}
STRATEGY = b"name: words\nstrategy: {retrieval: {chunker: {kind: recursive}, stores: [{kind: bm25}]}}\n"


class ImportingLibrary(Library):
    """A workspace whose workers import archives."""

    def __init__(self, database: Database, folder: Path, workspace_id: str = "w") -> None:
        super().__init__(database, folder, workspace_id)
        handlers = Importer(pipeline=self.pipeline).handlers()
        self.workers = Workers(database, handlers, data_folder=folder, threads=1, runs_jobs=True)

    def accept(self, content: bytes, limit_bytes: int = 1_000_000) -> AcceptedArchive:
        """Accept an archive; its job is not done yet."""
        settings = Settings(data_folder=self.folder, max_import_bytes=limit_bytes)
        return accept_archive(self.database, settings, self.workspace_id, io.BytesIO(content), lambda _one, _two: None)

    def exported(self) -> bytes:
        """Return the workspace's archive."""
        with self.database.read() as session:
            workspace = load_workspace(session, self.workspace_id)
            export = plan_export(session, self.folder, workspace, leave_out_stale=False)
        return b"".join(export.stream(self.database))


@pytest.fixture
def library(database: Database, tmp_path: Path) -> ImportingLibrary:
    return ImportingLibrary(database, tmp_path)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a small job have many steps."""
    monkeypatch.setattr("ingest.baking.VERSIONS_PER_BATCH", 2)
    monkeypatch.setattr("ingest.baking.TEXTS_PER_BATCH", 4)


def whole() -> bytes:
    """Return an archive of seven documents, every second a file, with a strategy and three question sets."""
    rows, entries = [], {}
    for number, (name, text) in enumerate(TEXTS.items(), start=1):
        entry = f"documents/{number:06d}"
        entries[entry] = text.encode()
        row = {**LINE, "entry": entry, "external_id": name, "title": name}
        if number % 2:
            row = {**row, "content": "source", "file_name": f"{name}.txt"}
            del row["structure"]
        rows.append(row)
    for part in range(3):
        marked = [
            {"question": f"Which is {number}?", "evidence": [
                {"external_id": f"d{number}", "start": 0, "end": 17, "quote": f"Sentence number {number}"}]}
            for number in range(part, 7, 3)
        ]  # fmt: skip
        entries[f"question-sets/set{part}.jsonl"] = lines(*marked)
    entries["strategies/words.yaml"] = STRATEGY
    return archive({DOCUMENTS: lines(*rows), **entries})


def what_it_is(content: bytes) -> dict[str, bytes]:
    return {name: entry for name, entry in unzipped(content).items() if name != "manifest.json"}


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("batches", [1, 2, 3])
def test_a_job_killed_after_any_batch_goes_on(library: ImportingLibrary, batches: int) -> None:
    library.index(HYBRID)
    accepted = library.accept(whole())
    kills = -1
    while library.job(accepted.job_id).state in ("queued", "running"):
        kills += 1
        assert kills < 100
        process = ImportingLibrary(library.database, library.folder)
        list(islice(process.steps(accepted.job_id), batches))
    job = library.job(accepted.job_id)
    assert (job.state, job.lease) == ("succeeded", kills + 1)
    assert kills > 1
    assert job.result is not None
    assert job.result["documents"] == 7
    assert {one["name"] for one in job.result["question_sets"]} == {"set0", "set1", "set2"}
    assert job.result["problems"] == []
    with library.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Version)) == 7
        assert load_question_set(session, "w", "set1").question_count == 2
    undisturbed = ImportingLibrary(library.database, library.folder, "clean")
    undisturbed.index(HYBRID, index_id="clean")
    undisturbed.run(undisturbed.accept(whole()).job_id)
    assert what_it_is(library.exported()) == what_it_is(undisturbed.exported())


def test_what_is_accepted_counts_with_one_commit(library: ImportingLibrary) -> None:
    accepted = library.accept(whole())
    assert [one.status for one in accepted.documents] == ["created"] * 7
    with library.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Document)) == 7
        assert "words" in [one.name for one in list_strategies(session, "w")]
        job = session.get_one(Job, accepted.job_id)
        assert job.state == "queued"
        assert "Sentence" not in str(job.arguments)


def test_a_new_workspace_takes_over_the_default_strategy(library: ImportingLibrary) -> None:
    entries = {name: content for name, content in unzipped(whole()).items() if name != "manifest.json"}
    accepted = library.accept(archive(entries, default_strategy="words"))
    assert accepted.takes_default
    library.run(accepted.job_id)
    with library.database.read() as session:
        assert load_workspace(session, "w").default_strategy == "words"
    assert not library.accept(archive(entries, default_strategy="words")).takes_default


def test_a_refused_archive_leaves_neither_rows_nor_files(library: ImportingLibrary) -> None:
    entries = {name: content for name, content in unzipped(whole()).items() if name != "manifest.json"}
    with pytest.raises(InvalidInputError):
        library.accept(archive({**entries, "strategies/bad.yaml": b"name: bad"}))
    with library.database.read() as session:
        assert [session.scalar(select(func.count()).select_from(table)) for table in (Document, Version, Job)] == [
            0
        ] * 3
    assert not (library.folder / "uploads").exists()


def test_the_same_workspace_gives_the_same_bytes_but_for_the_date(library: ImportingLibrary) -> None:
    library.run(library.accept(whole()).job_id)
    assert what_it_is(library.exported()) == what_it_is(library.exported())


def test_a_document_that_is_damaged_meanwhile_ends_the_archive_without_its_manifest(
    library: ImportingLibrary,
) -> None:
    library.run(library.accept(whole()).job_id)
    with library.database.read() as session:
        export = plan_export(session, library.folder, load_workspace(session, "w"), leave_out_stale=False)
    for path in (library.folder / "uploads" / "w").iterdir():
        path.write_bytes(b"other")
    sent: list[bytes] = []
    with pytest.raises(UnavailableError, match="gone or damaged"):
        sent.extend(export.stream(library.database))
    with pytest.raises(InvalidInputError) as caught:
        library.accept(b"".join(sent))
    assert caught.value.code == "archive_unreadable"
