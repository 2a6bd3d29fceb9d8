"""The commands `export` and `import`: what they write, print and return, and what they refuse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.command_line import main
from app.installation import Installation
from app.main import create_app
from configs.settings import Settings
from indexes.database.tables import Workspace as WorkspaceRow
from tests.app.api.playground import Workspace
from tests.app.api.test_archives import essence, export, filled
from tests.app.evaluation.workspace_files.zips import archive, contents, zipped
from tests.database import database_url

BOMB_BYTES = 10_000_000


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Yield the settings of an installation that the commands of this module use."""
    folder = tmp_path_factory.mktemp("installation")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PLAYGROUND_DATA_FOLDER", str(folder))
        environment.setenv("PLAYGROUND_DATABASE_URL", database_url(folder))
        environment.setenv("PLAYGROUND_DEMO", "false")
        environment.setenv("PLAYGROUND_MAX_IMPORT_BYTES", str(BOMB_BYTES - 1))
        environment.delenv("PLAYGROUND_API_KEY", raising=False)
        yield Settings()


@pytest.fixture(scope="module")
def exported(settings: Settings) -> tuple[str, str, bytes]:
    """Return the ids of a workspace and of one with a stale set, and what the API exports of the first."""
    with TestClient(create_app(settings), base_url="http://127.0.0.1") as client:
        origin, stale = filled(client), Workspace(client)
        stale.send({"text": "Refunds take 14 days.", "external_id": "a"})
        evidence = [{"external_id": "a", "quote": "14 days"}]
        stale.post("/question-sets", {"name": "old", "questions": [{"question": "?", "evidence": evidence}]}, 201)
        stale.send({"text": "Refunds take 10 days.", "external_id": "a"})
        return origin.id, stale.id, export(origin)


def run(*arguments: str | Path, status: int = 0) -> list[str]:
    """Run a command and return the lines it prints, those of its error where it fails.

    Output is caught here and not by a fixture: the job engine of a service in the same test would keep its stream.
    """
    with redirect_stdout(StringIO()) as printed, redirect_stderr(StringIO()) as errors:
        assert main([str(argument) for argument in arguments]) == status, errors.getvalue()
    return (errors if status else printed).getvalue().splitlines()


def workspaces(settings: Settings) -> set[str]:
    """Return the ids of the workspaces that there are."""
    installation = Installation(settings, runs_jobs=False)
    try:
        with installation.database.read() as session:
            return {row.id for row in session.query(WorkspaceRow)}
    finally:
        installation.database.close()


def test_export_import_export_gives_the_same(exported: tuple[str, str, bytes], tmp_path: Path) -> None:
    origin, _, through_the_api = exported
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    assert run("export", origin, first) == [f"{first}: 4 documents, {first.stat().st_size:,} bytes"]
    assert essence(first.read_bytes()) == essence(through_the_api)
    for _again in range(2):
        assert run("import", first, "--workspace", "copy")[-1].startswith("succeeded: ")
        second.unlink(missing_ok=True)
        run("export", "copy", second)
        assert essence(second.read_bytes()) == essence(through_the_api)


def test_an_existing_file_stays_as_it_is(exported: tuple[str, str, bytes], tmp_path: Path) -> None:
    file = tmp_path / "mine.zip"
    file.write_bytes(b"mine")
    said, hint = run("export", exported[0], file, status=1)
    assert (said, hint) == (f"file_exists: {file} exists already", "  name another file")
    assert file.read_bytes() == b"mine"


@pytest.mark.usefixtures("settings")
def test_an_unknown_workspace_leaves_no_file(tmp_path: Path) -> None:
    said, *_ = run("export", "nosuch", tmp_path / "a.zip", status=1)
    assert said.startswith("workspace_not_found: ")
    assert "'nosuch'" in said
    assert list(tmp_path.iterdir()) == []


def test_stale_sets_stop_an_export_or_are_left_out_by_name(exported: tuple[str, str, bytes], tmp_path: Path) -> None:
    _, stale, _ = exported
    file = tmp_path / "a.zip"
    said, *_ = run("export", stale, file, status=1)
    assert said.startswith("stale_labels: ")
    assert list(tmp_path.iterdir()) == []
    said, last = run("export", stale, file, "--leave-out-stale")
    assert said == "left out, because its labels are stale: old"
    assert last.startswith(f"{file}: 1 documents, ")


BAD = {
    "no_zip": (b"no zip", "archive_unreadable"),
    "empty": (b"", "archive_unreadable"),
    "no_manifest": (zipped(*contents().items()), "archive_incomplete"),
    "outside": (archive({**contents(), "../outside.txt": b"x"}), "archive_unsafe_name"),
    "absolute": (archive({**contents(), "/etc/passwd": b"x"}), "archive_unsafe_name"),
    "bomb": (archive({**contents(), "documents/000002": bytes(BOMB_BYTES)}), "archive_too_large"),
    "unknown_entry": (archive({**contents(), "readme.txt": b"x"}), "archive_invalid"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_used_makes_no_workspace(settings: Settings, tmp_path: Path, case: str) -> None:
    content, code = BAD[case]
    before = workspaces(settings)
    file = tmp_path / "inside" / "bad.zip"
    file.parent.mkdir()
    file.write_bytes(content)
    said, hint = run("import", file, "--workspace", "new", status=1)
    assert said.startswith(f"{code}: ")
    assert hint.strip()
    assert workspaces(settings) == before
    assert list(tmp_path.rglob("*.txt")) == []


def test_a_file_that_is_not_there_makes_no_workspace(settings: Settings, tmp_path: Path) -> None:
    for file in (tmp_path / "nosuch.zip", tmp_path):
        said, *_ = run("import", file, "--workspace", "new", status=1)
        assert said == f"file_not_found: {file} is not a file"
    assert "new" not in workspaces(settings)


@pytest.mark.parametrize("arguments", [["export", "w"], ["import", "a.zip"]])
def test_missing_arguments_are_an_error(arguments: list[str]) -> None:
    with redirect_stderr(StringIO()), pytest.raises(SystemExit, check=lambda error: error.code == 2):
        main(arguments)
