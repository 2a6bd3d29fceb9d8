"""The command `verify`: silent on what is whole, one line for each fault, and with --repair the index heals."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from app.command_line import main
from app.installation import migrate
from app.verification import verify
from configs.settings import Settings
from indexes.database.engine import Database
from indexes.database.tables import Job, Segment
from indexes.segments import segment_folder
from tests.ingest.library import HYBRID, Library, file_upload


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_folder=tmp_path, api_key=SecretStr(""), database_url="", log_level="error")


@pytest.fixture
def library(settings: Settings) -> Library:
    """Return a workspace with an uploaded file in an index."""
    migrate(settings.sqlalchemy_url)
    library = Library(Database(settings.sqlalchemy_url), settings.data_folder)
    library.index(HYBRID)
    library.ingest(file_upload("a.txt", b"some amber words"))
    return library


def damage(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def test_what_is_whole_has_no_fault(library: Library, settings: Settings, capsys: pytest.CaptureFixture[str],
                                    monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    assert list(verify(settings, repair=True)) == []
    monkeypatch.setenv("PLAYGROUND_DATA_FOLDER", str(library.folder))
    assert main(["verify"]) == 0
    assert "as it was written" in capsys.readouterr().out


def test_a_damaged_upload_is_named(library: Library, settings: Settings) -> None:
    (upload,) = (library.folder / "uploads" / "w").iterdir()
    damage(upload)
    assert list(verify(settings, repair=False)) == [f"upload w/{upload.name} is damaged; send the file again"]


def test_a_damaged_segment_is_named_and_repaired_when_asked(library: Library, settings: Settings,
                                                            monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    (segment_id,) = {one.segment_id for one in library.served()}
    damage(segment_folder(library.folder, "i", segment_id) / "rows.bin")
    fault = f"workspace w, index i, segment {segment_id}: rows.bin"
    assert list(verify(settings, repair=False)) == [fault]
    with library.database.read() as session:
        assert session.get_one(Segment, segment_id).state == "live"
    monkeypatch.setenv("PLAYGROUND_DATA_FOLDER", str(library.folder))
    assert main(["verify", "--repair"]) == 1
    with library.database.read() as session:
        job_id = session.scalars(select(Job.id).where(Job.state == "queued")).one()
    assert library.run(job_id).state == "succeeded"
    assert list(verify(settings, repair=False)) == []
    assert library.find("amber", recipe=HYBRID) == ["some amber words"]


def test_a_damaged_database_is_told_and_looked_at_no_further(library: Library, settings: Settings) -> None:
    library.database.close()
    path = settings.data_folder / "playground.sqlite"
    content = bytearray(path.read_bytes())
    for begin in range(4096 * 2, len(content), 4096):  # every page but the first two loses its header
        content[begin : begin + 8] = b"\xff" * 8
    path.write_bytes(bytes(content))
    faults = list(verify(settings, repair=True))
    assert faults
    assert all(fault.startswith("database: ") for fault in faults)
