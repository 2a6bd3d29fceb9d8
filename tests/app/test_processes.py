"""Processes that cannot start say why in a line, and what to do."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from app.command_line import main
from app.processes import MOST_FILES, take_files


@pytest.mark.parametrize("command", ["serve", "worker", "demo", "verify"])
def test_a_database_that_is_down_at_the_start_is_named(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLAYGROUND_DATA_FOLDER", str(tmp_path))
    monkeypatch.setenv("PLAYGROUND_DATABASE_URL", "postgresql://playground:hunter2@127.0.0.1:9/away")
    assert main([command]) == 1
    said = capsys.readouterr().err
    assert said.startswith("database_unavailable: the database does not answer")
    assert "Traceback" not in said
    assert "hunter2" not in said


def test_a_data_folder_that_is_a_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "data"
    taken.write_text("no folder")
    monkeypatch.setenv("PLAYGROUND_DATA_FOLDER", str(taken))
    assert main(["serve"]) == 1
    assert capsys.readouterr().err.startswith("data_folder_not_writable: ")


def test_a_bucket_needs_a_database_that_machines_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLAYGROUND_DATA_FOLDER", str(tmp_path))
    monkeypatch.setenv("PLAYGROUND_OBJECT_STORE", "s3://bucket/prefix")
    assert main(["serve"]) == 1
    assert "PLAYGROUND_OBJECT_STORE is set, but the database lies in the data folder" in capsys.readouterr().err


INFINITE = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((1_024, 4_096), (4_096, 4_096)),
        ((1_024, 1_000_000), (MOST_FILES, 1_000_000)),
        ((1_024, INFINITE), (MOST_FILES, INFINITE)),
        ((100_000, 1_000_000), None),
        ((INFINITE, INFINITE), None),
        ((4_096, 4_096), None),
    ],
)
def test_a_process_takes_the_files_it_may_have(
    before: tuple[int, int], after: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: before)
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: taken.append(limits))
    take_files()
    assert taken == ([] if after is None else [after])
