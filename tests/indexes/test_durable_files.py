"""Durable files: whole or not there at all, synced in the right order, and disk errors by their name."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from configs.errors import StorageError
from indexes.durable_files import make_directory, sync_directory, synced_file, write_durably


def failing(number: int) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record syncs (of what) and replacements, in order, and do them."""
    recorded: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def recording_fsync(descriptor: int) -> None:
        recorded.append("sync directory" if Path(f"/proc/self/fd/{descriptor}").is_dir() else "sync file")
        fsync(descriptor)

    def recording_replace(path: Path, target: Path) -> Path:
        recorded.append("replace")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", recording_fsync)
    monkeypatch.setattr(Path, "replace", recording_replace)
    return recorded


@pytest.mark.parametrize("data", [b"", b"text\r\n", bytes(range(256)) * 4096])
def test_what_is_written_is_there(tmp_path: Path, data: bytes) -> None:
    write_durably(tmp_path / "file", data)
    assert (tmp_path / "file").read_bytes() == data
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_existing_file_is_replaced(tmp_path: Path) -> None:
    for data in (b"long old content", b"new"):
        write_durably(tmp_path / "file", data)
    assert (tmp_path / "file").read_bytes() == b"new"


def test_the_bytes_are_synced_before_the_name_and_the_name_before_returning(tmp_path: Path, calls: list[str]) -> None:
    write_durably(tmp_path / "file", b"data")
    assert calls == ["sync file", "replace", "sync directory"]
    calls.clear()
    sync_directory(tmp_path)
    assert calls == ["sync directory"]


def test_the_name_appears_only_when_the_file_is_whole(tmp_path: Path) -> None:
    with synced_file(tmp_path / "file") as stream:
        stream.write(b"half")
        stream.flush()
        assert not (tmp_path / "file").exists()
    assert (tmp_path / "file").read_bytes() == b"half"


def test_after_an_exception_the_old_file_stands(tmp_path: Path) -> None:
    write_durably(tmp_path / "file", b"old")
    with pytest.raises(KeyError), synced_file(tmp_path / "file") as stream:
        raise KeyError(stream.write(b"new"))
    assert (tmp_path / "file").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "disk_full"),
        (errno.EDQUOT, "disk_full"),
        (errno.EROFS, "read_only_disk"),
        (errno.EIO, "storage_failed"),
    ],
)
@pytest.mark.parametrize("place", ["sync", "open", "replace"])
def test_what_the_disk_refuses_has_a_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str, place: str
) -> None:
    write_durably(tmp_path / "file", b"old")
    owner, name = {"sync": (os, "fsync"), "open": (os, "open"), "replace": (Path, "replace")}[place]
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, failing(number))
        with pytest.raises(StorageError, match="cannot write 'file'") as caught:
            write_durably(tmp_path / "file", b"new")
    assert caught.value.code == code
    assert os.strerror(number) in caught.value.detail
    assert "PLAYGROUND_DATA_FOLDER" in caught.value.hint
    assert str(tmp_path) not in str(caught.value.as_dict())
    assert (tmp_path / "file").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_met_while_writing_has_its_code(tmp_path: Path) -> None:
    with (
        pytest.raises(StorageError) as caught,
        synced_file(tmp_path / "file"),
        Path("/dev/full").open("wb", buffering=0) as full,  # the system's own full disk
    ):
        full.write(b"data")
    assert caught.value.code == "disk_full"
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot write 'file': No such file or directory") as caught:
        write_durably(tmp_path / "gone" / "file", b"")
    assert caught.value.code == "storage_failed"
    with pytest.raises(StorageError, match="cannot write 'gone': No such file or directory"):
        sync_directory(tmp_path / "gone")


def test_the_longest_name_the_system_takes_can_be_written(tmp_path: Path) -> None:
    write_durably(tmp_path / ("n" * 255), b"data")
    assert (tmp_path / ("n" * 255)).read_bytes() == b"data"


@pytest.mark.parametrize(("name", "new_folders"), [("a", 1), ("a/b/c", 3), ("", 0)])
def test_a_folder_is_made_with_durable_names(tmp_path: Path, calls: list[str], name: str, new_folders: int) -> None:
    for _ in range(2):
        make_directory(tmp_path / name)
    assert (tmp_path / name).is_dir()
    assert calls == ["sync directory"] * new_folders


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, "disk_full"), (errno.EROFS, "read_only_disk")])
def test_a_folder_that_the_disk_refuses_has_a_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    monkeypatch.setattr(Path, "mkdir", failing(number))
    with pytest.raises(StorageError, match="cannot write 'folder'") as caught:
        make_directory(tmp_path / "folder")
    assert caught.value.code == code


def test_a_file_in_place_of_a_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file", tmp_path / "file" / "folder"):
        with pytest.raises(StorageError) as caught:
            make_directory(path)
        assert caught.value.code == "storage_failed"
