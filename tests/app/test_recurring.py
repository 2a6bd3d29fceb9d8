"""Which clocks a process has, and that what they do is done."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import recurring
from app.recurring import clear_leftovers, clocks_of_every_process, clocks_of_workers
from configs.settings import Settings
from indexes.database.engine import Database
from indexes.database.tables import Workspace
from indexes.segments import segment_folder
from ingest.sources import save_sources, upload_path
from tests.database import fresh_database
from tests.ingest.library import file_upload

WAIT_SECONDS = 20.0


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with fresh_database(tmp_path) as database:
        yield database


def test_leftovers_are_cleared_from_the_disk(database: Database, tmp_path: Path) -> None:
    left = segment_folder(tmp_path, "index", "segment_left")
    left.mkdir(parents=True)
    upload = file_upload("a.txt", b"one")
    save_sources(tmp_path, "w", [upload])
    two_hours_ago = time.time() - 7_200
    for path in (left, upload_path(tmp_path, "w", upload.sha256)):
        os.utime(path, (two_hours_ago, two_hours_ago))
    clear_leftovers(database, tmp_path)
    assert not left.exists()
    assert not upload_path(tmp_path, "w", upload.sha256).exists()


def test_only_workers_plan_check_and_send(database: Database, tmp_path: Path) -> None:
    settings = Settings(data_folder=tmp_path)
    alerting = Settings(data_folder=tmp_path, alert_webhook="http://127.0.0.1:9/")
    assert len(clocks_of_every_process(database, settings)) == 1
    without, having = (clocks_of_workers(database, one, lambda _: None) for one in (settings, alerting))
    assert len(having) == len(without) + 1


def test_retention_is_planned_at_the_start(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with database.write() as session:
        session.add(Workspace(id="w", name="w"))
    monkeypatch.setattr(recurring, "plan_retention", lambda session: [session.get_one(Workspace, "w").id])
    planned: list[str] = []
    enqueued = threading.Event()

    def enqueue(job_id: str) -> None:
        planned.append(job_id)
        enqueued.set()

    clocks = clocks_of_workers(database, Settings(data_folder=tmp_path), enqueue)
    clocks[0].start()
    assert enqueued.wait(WAIT_SECONDS)
    clocks[0].stop()
    assert planned == ["w"]


def test_canaries_are_checked_at_the_start_then_when_due(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def due(_database: Database, *, at_start: bool) -> list[str]:
        asked.append(at_start)
        return []

    monkeypatch.setattr(recurring, "due", due)
    monkeypatch.setattr(recurring, "check_canaries", lambda *_: [])
    canaries = recurring._Canaries(database)
    canaries.look()
    canaries.look()
    assert asked == [True, False]
