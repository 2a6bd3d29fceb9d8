"""A bucket holds what a data folder holds, whole or not at all, and says clearly when it does not answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from configs.errors import UnavailableError
from indexes import shared_files as module
from indexes.durable_files import sha256_of
from indexes.shared_files import SharedFiles, share_files, shared_files
from indexes.soundness import damaged_everywhere, doubt, is_whole
from tests.bucket import Bucket, running_bucket

CONTENT = {"rows.bin": b"rows", "bm25/postings.bin": b"p" * 9_000_000}


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    with running_bucket() as bucket:
        yield bucket


@pytest.fixture
def shared(bucket: Bucket, tmp_path: Path) -> Iterator[SharedFiles]:
    """Return the bucket of `tmp_path`, under a prefix of its own."""
    share_files(tmp_path, f"{bucket.url}/{tmp_path.name}")
    found = shared_files(tmp_path)
    assert found is not None
    yield found
    share_files(tmp_path, "")


def segment(data_folder: Path, name: str = "segment_1") -> Path:
    """Write a folder with CONTENT where segments lie."""
    folder = data_folder / "segments" / "index_1" / name
    for file, content in CONTENT.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(content)
    return folder


def checksums(folder: Path) -> dict[str, str]:
    """Return what a manifest row would say."""
    return {name: sha256_of(folder / name) for name in CONTENT}


def empty(folder: Path) -> None:
    """Remove the local files, as on a machine that never had them."""
    for name in CONTENT:
        (folder / name).unlink()
    doubt([folder])


def test_a_data_folder_without_a_bucket_has_none(tmp_path: Path) -> None:
    assert shared_files(tmp_path / "segments" / "x") is None


def test_every_location_below_the_folder_finds_the_bucket(shared: SharedFiles, tmp_path: Path) -> None:
    assert shared_files(tmp_path / "segments" / "a" / "b" / "bm25") is shared
    assert shared_files(tmp_path.parent) is None


def test_what_was_written_is_read_until_it_is_removed(shared: SharedFiles, tmp_path: Path) -> None:
    path = tmp_path / "uploads" / "w" / "abc"
    assert shared.find(path) is None
    shared.write(path, b"\x00\xff")
    found = shared.find(path)
    assert found is not None
    assert shared.read(path) == b"\x00\xff"
    assert abs(found.modified_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert [one.path for one in shared.files(tmp_path / "uploads")] == [path]
    shared.remove(path)
    assert shared.find(path) is None
    with pytest.raises(FileNotFoundError):
        shared.read(path)
    shared.remove(path)


def test_a_folder_is_shared_fetched_and_removed_whole(shared: SharedFiles, tmp_path: Path) -> None:
    folder = segment(tmp_path)
    other = segment(tmp_path, "segment_10")  # whose name begins alike
    shared.share(folder)
    shared.share(other)
    expected = checksums(folder)
    empty(folder)
    for name in CONTENT:
        shared.fetch(folder / name)
    assert checksums(folder) == expected
    assert {name: shared.sha256_of(folder / name) for name in CONTENT} == expected
    assert shared.remove(folder) == len(CONTENT)
    assert list(shared.files(folder)) == []
    assert len(list(shared.files(other))) == len(CONTENT)
    assert shared.sha256_of(folder / "rows.bin") == ""


def test_a_segment_is_whole_where_the_bucket_has_it(shared: SharedFiles, tmp_path: Path) -> None:
    folder = segment(tmp_path)
    expected = checksums(folder)
    shared.share(folder)
    empty(folder)
    assert is_whole(folder, expected)
    assert checksums(folder) == expected
    (folder / "rows.bin").write_bytes(b"rowz")
    doubt([folder])
    assert is_whole(folder, expected), "a damaged copy is replaced by a whole one"


def test_a_segment_that_the_bucket_has_not_is_not_whole(shared: SharedFiles, tmp_path: Path) -> None:
    folder = segment(tmp_path)
    expected = checksums(folder)
    empty(folder)
    assert not is_whole(folder, expected)
    folder = segment(tmp_path)
    (folder / "rows.bin").write_bytes(b"rowz")
    shared.share(folder)
    doubt([folder])
    assert not is_whole(folder, expected), "both copies are damaged"
    assert damaged_everywhere(folder, expected) == ["rows.bin"]


def test_a_check_mends_a_damaged_bucket_from_the_disk(shared: SharedFiles, tmp_path: Path) -> None:
    folder = segment(tmp_path)
    expected = checksums(folder)
    shared.share(folder)
    shared.write(folder / "rows.bin", b"rowz")
    assert damaged_everywhere(folder, expected) == []
    assert shared.sha256_of(folder / "rows.bin") == expected["rows.bin"]


def test_a_bucket_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRIES", 0)
    with running_bucket() as bucket:
        shared = SharedFiles(bucket.url, tmp_path)
        shared.check()
        bucket.server.stop()
        with pytest.raises(UnavailableError) as caught:
            shared.check()
        assert caught.value.code == "object_store_unavailable"
        with pytest.raises(UnavailableError):
            shared.write(tmp_path / "uploads" / "w" / "a", b"x")
        with pytest.raises(UnavailableError):
            shared.fetch(tmp_path / "segments" / "i" / "s" / "rows.bin")
        assert not (tmp_path / "segments" / "i" / "s" / "rows.bin").exists()


@pytest.mark.usefixtures("bucket")
def test_a_bucket_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="the object store does not answer"):
        SharedFiles("s3://nobody-made-it/x", tmp_path).check()
