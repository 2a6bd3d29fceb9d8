"""What the service writes is for its own user alone, whatever the umask lets through: texts lie in the clear."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from app.backup import back_up
from app.main import create_app
from app.restore import restore
from configs.settings import Settings
from tests.app.api.playground import Workspace
from tests.database import sqlite_only

USUAL_UMASK = 0o022
pytestmark = [
    sqlite_only("on PostgreSQL the database is no file of the service's"),
    pytest.mark.usefixtures("usual_umask"),
]


@pytest.fixture
def usual_umask() -> Iterator[None]:
    before = os.umask(USUAL_UMASK)
    yield
    os.umask(before)


def settings_of(folder: Path) -> Settings:
    return Settings(data_folder=folder, demo=False, api_key=SecretStr(""), database_url="")


def open_to_others(folder: Path) -> list[str]:
    """Return the files and folders that somebody else could read, the folder itself included."""
    found = [folder, *folder.rglob("*")]
    assert len(found) > 3
    return [f"{path} {mode:o}" for path in found if (mode := stat.S_IMODE(path.stat().st_mode)) & 0o077]


def test_nobody_else_reads_what_the_service_writes(tmp_path: Path) -> None:
    data, copy, again = tmp_path / "data", tmp_path / "copy.tar", tmp_path / "again"
    with TestClient(create_app(settings_of(data)), base_url="http://127.0.0.1") as client:
        Workspace(client).upload(("a.txt", b"words in the clear", "text/plain"))
        names = {path.name for path in data.rglob("*")}
        assert {"playground.sqlite", "playground.sqlite-wal", "jobs.sqlite"} <= names
        assert any(path.is_file() for path in (data / "segments").rglob("*"))
        assert open_to_others(data) == []
        back_up(settings_of(data), copy)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    restore(settings_of(again), copy)
    assert open_to_others(again) == []


def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(0o750)
    with TestClient(create_app(settings_of(data)), base_url="http://127.0.0.1"):
        assert stat.S_IMODE(data.stat().st_mode) == 0o750
        assert stat.S_IMODE((data / "playground.sqlite").stat().st_mode) == 0o600
