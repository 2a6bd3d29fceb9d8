"""What commands change is in the audit log: as the command line's, with the command's name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import select

from app.command_line import main
from app.installation import migrate
from app.verification import verify
from configs.settings import Settings
from indexes.database.audit import AuditRow
from indexes.database.engine import Database
from indexes.segments import segment_folder
from tests.app.evaluation.workspace_files.zips import archive, contents
from tests.database import database_url
from tests.ingest.library import HYBRID, Library, file_upload


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = database_url(tmp_path)
    monkeypatch.setenv("PLAYGROUND_DATA_FOLDER", str(tmp_path))
    monkeypatch.setenv("PLAYGROUND_DATABASE_URL", url)
    migrate(url)
    return url


def entries(url: str) -> Sequence[AuditRow]:
    """Return the audit log, oldest first."""
    database = Database(url)
    with database.read() as session:
        found = session.scalars(select(AuditRow).order_by(AuditRow.created_at, AuditRow.id)).all()
        session.expunge_all()
    database.close()
    assert {entry.who for entry in found} <= {"command line"}
    return found


def rows(entry: AuditRow) -> set[str]:
    """Return the tables whose rows the entry describes."""
    return {change["row"].split("/")[0] for change in entry.changes}


def test_keys_made_and_revoked(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("Ada", "Bob"):
        assert main(["keys", "create", "--admin", "--name", name]) == 0
    key_id = capsys.readouterr().out.split()[0]
    assert main(["keys", "revoke", key_id]) == 0
    assert main(["keys", "list"]) == 0
    first, _, revoked = entries(url)
    assert (first.operation, rows(first)) == ("keys create", {"members", "api_keys"})
    assert (revoked.operation, revoked.objects, rows(revoked)) == ("keys revoke", {"key_id": key_id}, {"api_keys"})


def test_what_is_refused_is_not_there(url: str) -> None:
    assert main(["keys", "revoke", "nosuch"]) == 1
    assert entries(url) == []


def test_a_folder_and_an_archive_brought_in(url: str, tmp_path: Path) -> None:
    folder, file = tmp_path / "files", tmp_path / "a.zip"
    folder.mkdir()
    (folder / "a.txt").write_text("Some amber words.")
    file.write_bytes(archive(contents()))
    assert main(["ingest", str(folder), "--workspace", "w", "--preset", "model_free"]) == 0
    ingested = entries(url)
    assert {(entry.operation, entry.workspace_id) for entry in ingested} == {("ingest", "w")}
    assert {"workspaces", "strategies", "documents"} <= set.union(*map(rows, ingested))
    assert main(["import", str(file), "--workspace", "copy"]) == 0
    brought = entries(url)[len(ingested) :]
    assert {(entry.operation, entry.workspace_id) for entry in brought} == {("import", "copy")}
    assert {"workspaces", "strategies"} <= set.union(*map(rows, brought))


def test_a_repair_that_was_asked_for(url: str, tmp_path: Path) -> None:
    library = Library(Database(url), tmp_path)
    library.index(HYBRID)
    library.ingest(file_upload("a.txt", b"some amber words"))
    (segment_id,) = {one.segment_id for one in library.served()}
    damaged = segment_folder(tmp_path, "i", segment_id) / "rows.bin"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\xff")
    settings = Settings()
    assert list(verify(settings, repair=False))
    assert entries(url) == []
    assert list(verify(settings, repair=True))
    (entry,) = entries(url)
    assert (entry.operation, entry.workspace_id) == ("verify --repair", "w")
    assert entry.objects == {"workspace_id": "w", "index_id": "i"}
    assert entry.counts["jobs"] == {"added": 1}
    library.database.close()
