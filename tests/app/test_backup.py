"""Backup and restore: what comes back answers as before, and nothing half, damaged or foreign is ever restored."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import create_engine

from app.backup import back_up
from app.backup_manifest import MANIFEST_CHECKSUM_NAME, MANIFEST_NAME, BackupManifest, StoredFile
from app.command_line import main
from app.installation import migrate
from app.restore import STAGING_NAME, restore
from configs.errors import (
    ConflictError,
    DatabaseUnavailableError,
    InvalidInputError,
    NotFoundError,
    PlaygroundError,
    StorageError,
)
from configs.settings import Settings
from indexes.database.engine import Database, now
from indexes.segments import segment_folder
from ingest.integrity import check_index
from tests.ingest.library import HYBRID, Library, file_upload

QUERIES = ("amber", "basil words", "some")


def settings_of(folder: Path, database_url: str = "") -> Settings:
    return Settings(data_folder=folder, api_key=SecretStr(""), database_url=database_url)


def opened(folder: Path) -> Library:
    """Return the library in a data folder."""
    return Library(Database(settings_of(folder).sqlalchemy_url), folder)


def outcomes(library: Library) -> list[list[tuple[object, ...]]]:
    return [library.outcome(query, recipe=HYBRID) for query in QUERIES]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """Yield an installation with an uploaded file and a text, both in an index; tests leave it as it is."""
    folder = tmp_path_factory.mktemp("installation") / "data"
    migrate(settings_of(folder).sqlalchemy_url)
    library = opened(folder)
    library.index(HYBRID)
    library.ingest(file_upload("a.txt", b"some amber words"))
    library.add(b="some basil words")
    yield library
    library.database.close()


@pytest.fixture(scope="module")
def backup(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a backup of the library."""
    return back_up(settings_of(library.folder), tmp_path_factory.mktemp("backups") / "b.tar")[0]


def test_what_comes_back_answers_as_before(library: Library, backup: Path, tmp_path: Path) -> None:
    restored_settings = settings_of(tmp_path / "new" / "data")
    manifest = restore(restored_settings, backup)
    assert manifest.left_out == []
    files = {path.relative_to(restored_settings.data_folder).as_posix()
             for path in restored_settings.data_folder.rglob("*") if path.is_file()}  # fmt: skip
    assert files == set(manifest.files)
    restored = opened(restored_settings.data_folder)
    assert outcomes(restored) == outcomes(library)
    assert check_index(restored.database, restored.folder, "w", "i").is_intact
    restored.add(c="some cedar words")
    assert len(restored.find("some", recipe=HYBRID)) == len(library.find("some", recipe=HYBRID)) + 1
    restored.database.close()


def test_a_backup_while_a_write_is_under_way_is_of_one_moment(library: Library, tmp_path: Path) -> None:
    with library.database.write() as session:
        session.connection().exec_driver_sql("UPDATE workspaces SET name = 'half done'")
        file, _ = back_up(settings_of(library.folder), tmp_path)
        session.connection().exec_driver_sql("UPDATE workspaces SET name = 'w'")
    assert file.parent == tmp_path
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    restore(settings_of(tmp_path / "data"), file)
    engine = create_engine(settings_of(tmp_path / "data").sqlalchemy_url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT name FROM workspaces").scalars().all() == ["w"]
    engine.dispose()


def refusal(folder: Path, backup: Path) -> str:
    """Return the code with which a restore was refused, "" where it was not."""
    try:
        restore(settings_of(folder), backup)
    except PlaygroundError as error:
        return error.code
    return ""


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(place=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255), is_cut=st.booleans())
def test_a_changed_or_cut_backup_is_refused_or_means_the_same(
    backup: Path, tmp_path_factory: pytest.TempPathFactory, place: float, change: int, is_cut: bool
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    content = bytearray(backup.read_bytes())
    position = int(place * len(content))
    if is_cut:
        del content[position:]
    else:
        content[position] ^= change
    (folder / "damaged.tar").write_bytes(bytes(content))
    refused = refusal(folder / "data", folder / "damaged.tar")
    if refused:
        assert refused in ("damaged_backup", "not_a_backup")
        assert not (folder / "data").exists()
        return
    for name in restore(settings_of(folder / "whole"), backup).files:
        assert (folder / "data" / name).read_bytes() == (folder / "whole" / name).read_bytes()


def archive(path: Path, files: dict[str, bytes], link: str = "", **changes: object) -> Path:
    """Write a file that looks like a backup of `files`, with a manifest that agrees, changed as said."""
    stored = {name: StoredFile(sha256=_sha256(content), size_bytes=len(content)) for name, content in files.items()}
    values = {"format": 1, "release": "9", "schema_revision": "0001", "created_at": now(), "left_out": []}
    manifest = BackupManifest.model_validate({**values, "files": stored, **changes})
    content, checksum = manifest.encoded()
    with tarfile.open(path, "w") as made:
        for name, data in {**files, MANIFEST_NAME: content, MANIFEST_CHECKSUM_NAME: checksum}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            if name == link:
                entry.type, entry.linkname, entry.size = tarfile.SYMTYPE, "/escaped", 0
            made.addfile(entry, io.BytesIO(data))
    return path


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("name", ["../escaped", "uploads/../../escaped", "/escaped", "other/file", "uploads"])
def test_a_name_outside_the_data_folder_is_refused(tmp_path: Path, name: str) -> None:
    made = archive(tmp_path / "b.tar", {"playground.sqlite": b"", name: b"evil"})
    with pytest.raises(InvalidInputError) as told:
        restore(settings_of(tmp_path / "data"), made)
    assert told.value.code == "damaged_backup"
    assert [path.name for path in tmp_path.iterdir()] == ["b.tar"]


def test_a_link_in_a_backup_is_refused(tmp_path: Path) -> None:
    made = archive(tmp_path / "b.tar", {"playground.sqlite": b"", "uploads/w/x": b""}, link="uploads/w/x")
    with pytest.raises(InvalidInputError, match=r"uploads/w/x of the backup"):
        restore(settings_of(tmp_path / "data"), made)


def test_a_backup_of_a_later_release_is_refused(tmp_path: Path) -> None:
    made = archive(tmp_path / "b.tar", {"playground.sqlite": b""}, schema_revision="9999")
    with pytest.raises(InvalidInputError, match="9999") as told:
        restore(settings_of(tmp_path / "data"), made)
    assert told.value.code == "unknown_schema"


def test_only_an_empty_folder_is_restored_into(backup: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ConflictError) as told:
        restore(settings_of(tmp_path), backup)
    assert told.value.code == "data_folder_not_empty"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_what_an_interrupted_restore_left_is_no_hindrance(library: Library, backup: Path, tmp_path: Path) -> None:
    (tmp_path / STAGING_NAME / "uploads").mkdir(parents=True)
    restore(settings_of(tmp_path), backup)
    restored = opened(tmp_path)
    assert outcomes(restored) == outcomes(library)
    restored.database.close()
    assert not (tmp_path / STAGING_NAME).exists()


def test_names_that_are_taken_or_unsafe_are_refused(library: Library, backup: Path) -> None:
    before = backup.read_bytes()
    for target, code in ((backup, "backup_exists"), (library.folder / "b.tar", "backup_in_data_folder")):
        with pytest.raises(ConflictError) as told:
            back_up(settings_of(library.folder), target)
        assert told.value.code == code
    assert backup.read_bytes() == before


def test_nothing_has_the_name_of_a_backup_that_failed(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("indexes.durable_files.os.fsync", full)
        with pytest.raises(StorageError) as told:
            back_up(settings_of(library.folder), tmp_path / "b.tar")
    assert told.value.code == "disk_full"
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_segment_is_left_out_and_rebuilt_where_it_is_restored(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    migrate(settings_of(folder).sqlalchemy_url)
    library = opened(folder)
    library.index(HYBRID)
    library.ingest(file_upload("a.txt", b"some amber words"))
    before = outcomes(library)
    (segment_id,) = {one.segment_id for one in library.served()}
    (segment_folder(folder, "i", segment_id) / "rows.bin").unlink()
    (upload,) = (folder / "uploads" / "w").iterdir()
    upload.write_bytes(b"others")
    library.database.close()
    file, manifest = back_up(settings_of(folder), tmp_path / "b.tar")
    assert manifest.left_out == [f"uploads/w/{upload.name}", f"segments/i/{segment_id}/rows.bin"]
    restore(settings_of(tmp_path / "new"), file)
    restored = opened(tmp_path / "new")
    assert restored.find("amber", recipe=HYBRID) == []
    assert restored.build().state == "succeeded"
    assert outcomes(restored) == before
    restored.database.close()


def test_a_damaged_database_gives_no_backup(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    migrate(settings_of(folder).sqlalchemy_url)
    path = folder / "playground.sqlite"
    content = bytearray(path.read_bytes())
    for begin in range(4096 * 2, len(content), 4096):
        content[begin : begin + 8] = b"\xff" * 8
    path.write_bytes(bytes(content))
    with pytest.raises(StorageError) as told:
        back_up(settings_of(folder), tmp_path / "b.tar")
    assert told.value.code == "database_not_copied"
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_what_is_not_there_or_not_ours_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        back_up(settings_of(tmp_path / "nowhere"), tmp_path / "b.tar")
    with pytest.raises(NotFoundError):
        restore(settings_of(tmp_path / "nowhere"), tmp_path / "b.tar")
    silent = settings_of(tmp_path / "data", "postgresql+psycopg://u:secret@127.0.0.1:1/d")
    for work in (lambda: back_up(silent, tmp_path / "b.tar"), lambda: restore(silent, tmp_path / "b.tar")):
        with pytest.raises(DatabaseUnavailableError) as unavailable:
            work()
        assert "secret" not in str(unavailable.value.as_dict())
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConflictError) as told:
        restore(settings_of(tmp_path / "data", f"sqlite:///{tmp_path / 'other.sqlite'}"), tmp_path / "b.tar")
    assert told.value.code == "database_elsewhere"


def test_one_command_each(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLAYGROUND_DATA_FOLDER", str(library.folder))
    assert main(["backup", str(tmp_path / "b.tar")]) == 0
    assert main(["backup", str(tmp_path / "b.tar")]) == 1
    monkeypatch.setenv("PLAYGROUND_DATA_FOLDER", str(tmp_path / "data"))
    assert main(["restore", str(tmp_path / "b.tar")]) == 0
    assert main(["restore", str(tmp_path / "b.tar")]) == 1
    said = capsys.readouterr()
    assert "restored" in said.out
    assert "backup_exists" in said.err
    assert "data_folder_not_empty" in said.err
