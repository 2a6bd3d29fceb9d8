"""Archives that could mislead are refused by name, whatever is wrong with them; whole ones are read as they are."""

from __future__ import annotations

import contextlib
import io
import stat
import struct
import time
import tracemalloc
import warnings
import zipfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.workspace_files.archive import END, END_SIGNATURE, open_archive
from app.evaluation.workspace_files.entries import DOCUMENTS, MANIFEST
from configs.errors import PlaygroundError
from tests.app.evaluation.workspace_files.zips import archive, contents, manifest_of, zipped

LIMIT = 1_000_000


def entries_of(content: bytes, limit: int = LIMIT) -> dict[str, bytes]:
    """Return every entry that the manifest lists."""
    with open_archive(io.BytesIO(content), limit) as opened:
        return {name: opened.read(name) for name in opened.manifest.entries}


def refusal(content: bytes, limit: int = LIMIT) -> str:
    """Return the code with which the archive, every entry of it read, is refused."""
    with pytest.raises(PlaygroundError) as caught:
        entries_of(content, limit)
    assert caught.value.detail
    assert caught.value.hint
    return caught.value.code


def with_entry(name: str | zipfile.ZipInfo, content: bytes = b"x") -> bytes:
    """Return a good archive that has one more entry, which its manifest lists."""
    entries = contents()
    listed = name if isinstance(name, str) else name.filename
    return zipped(*entries.items(), (name, content), (MANIFEST, manifest_of({**entries, listed: content})))


def test_a_whole_archive_is_read_as_it_is() -> None:
    assert entries_of(archive()) == contents()
    with open_archive(io.BytesIO(archive()), LIMIT) as opened:
        assert opened.manifest.workspace == "Test"


@pytest.mark.parametrize(
    "name",
    ["../evil", "documents/../../evil", "/etc/passwd", "C:/evil", "c:evil", "a\\..\\b", "\\\\host\\share", "./a", "a/",
     "a//b", ".."],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    assert refusal(with_entry(name)) == "archive_unsafe_name"


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFDIR])
def test_links_and_special_files_are_refused(kind: int) -> None:
    entry = zipfile.ZipInfo("documents/000002")
    entry.create_system = 3
    entry.external_attr = (kind | 0o777) << 16
    assert refusal(with_entry(entry, b"/etc/passwd")) == "archive_link"


@pytest.mark.parametrize("other", [DOCUMENTS, DOCUMENTS.upper(), MANIFEST])
def test_a_name_that_stands_there_twice_is_refused(other: str) -> None:
    entries = contents()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # zipfile warns of what this test is about
        content = zipped(*entries.items(), (MANIFEST, manifest_of(entries)), (other, b"x"))
    assert refusal(content) == "archive_repeated_name"


def test_what_unpacks_to_more_than_the_limit_is_refused_before_it_is_unpacked() -> None:
    bomb = archive({**contents(), "documents/000002": bytes(40_000_000)})
    assert len(bomb) < 60_000
    tracemalloc.start()
    begin = time.perf_counter()
    assert refusal(bomb) == "archive_too_large"
    assert time.perf_counter() - begin < 1
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_many_entries_that_add_up_are_refused() -> None:
    many = {f"documents/{number:06d}": bytes(1_000) for number in range(1, 1_200)}
    assert refusal(archive({**contents(), **many})) == "archive_too_large"


def test_an_entry_that_is_longer_than_it_says_is_refused() -> None:
    content = bytearray(archive({**contents(), "documents/000002": bytes(500_000)}))
    directory = content.rfind(b"PK\x01\x02", 0, content.rfind(b"PK\x01\x02"))
    assert struct.unpack_from("<L", content, directory + 24) == (500_000,)
    struct.pack_into("<L", content, directory + 24, 10)
    assert refusal(bytes(content)) == "archive_damaged"
    lying = manifest_of({**contents(), "documents/000002": bytes(10)})
    again = bytearray(zipped(*contents().items(), ("documents/000002", bytes(500_000)), (MANIFEST, lying)))
    directory = again.rfind(b"PK\x01\x02", 0, again.rfind(b"PK\x01\x02"))
    struct.pack_into("<L", again, directory + 24, 10)
    assert refusal(bytes(again)) == "archive_damaged"


@pytest.mark.parametrize(("field", "value"), [(5, 2**31), (5, 2**32 - 1)])
def test_a_directory_that_says_it_is_huge_is_not_read(field: int, value: int) -> None:
    content = archive()
    position = content.rfind(END_SIGNATURE)
    said = list(END.unpack_from(content, position))
    said[field] = value
    assert refusal(content[:position] + END.pack(*said)) == "archive_too_large"


def test_a_zip_file_of_the_large_kind_is_refused() -> None:
    content = archive()
    position = content.rfind(END_SIGNATURE)
    locator = b"PK\x06\x07" + bytes(16)
    assert refusal(content[:position] + locator + content[position:]) == "archive_too_large"


def test_an_encrypted_entry_is_refused() -> None:
    content = bytearray(archive())
    content[content.find(b"PK\x01\x02") + 8] |= 1
    assert refusal(bytes(content)) == "archive_encrypted"


def test_an_unknown_method_is_refused() -> None:
    content = bytearray(archive())
    content[content.find(b"PK\x01\x02") + 10] = 14
    assert refusal(bytes(content)) == "archive_encrypted"


def test_a_wrong_checksum_is_refused() -> None:
    entries = contents()
    other = {**entries, "documents/000001": b"hello wurld"}
    assert refusal(zipped(*other.items(), (MANIFEST, manifest_of(entries)))) == "archive_damaged"


def test_another_size_than_the_manifest_says_is_refused() -> None:
    entries = contents()
    other = {**entries, "documents/000001": b"hello"}
    assert refusal(zipped(*other.items(), (MANIFEST, manifest_of(entries)))) == "archive_damaged"


def test_what_the_manifest_does_not_list_is_refused() -> None:
    entries = contents()
    content = zipped(*entries.items(), ("extra", b"x"), (MANIFEST, manifest_of(entries)))
    assert refusal(content) == "archive_unexpected_entry"


def test_what_the_manifest_lists_has_to_be_there() -> None:
    entries = contents()
    listed = manifest_of({**entries, "documents/000002": b"x"})
    assert refusal(zipped(*entries.items(), (MANIFEST, listed))) == "archive_incomplete"


def test_an_archive_without_its_manifest_is_no_archive() -> None:
    assert refusal(zipped(*contents().items())) == "archive_incomplete"


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2}, {"format": "something else"}, {"documents": -1}, {"documents": "many"}, {"surprise": True},
        {"entries": {DOCUMENTS: {"sha256": "short", "size_bytes": 1}}}, {"created_at": "yesterday"}, {"release": "\0"},
    ],
)  # fmt: skip
def test_a_manifest_of_another_kind_is_refused(changes: dict[str, Any]) -> None:
    assert refusal(archive(**changes)) in ("archive_manifest", "invalid_text")


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all" * 100, b"PK\x05\x06" + bytes(10)])
def test_what_is_no_zip_file_is_refused(content: bytes) -> None:
    assert refusal(content) == "archive_unreadable"


@given(length=st.integers(0, len(archive()) - 1))
def test_a_download_that_broke_off_is_refused(length: int) -> None:
    assert refusal(archive()[:length]) == "archive_unreadable"


@given(position=st.integers(0, len(archive()) - 1), value=st.integers(1, 255))
def test_a_changed_byte_is_refused_or_changes_nothing(position: int, value: int) -> None:
    """Dates, versions and comments are nobody's business; names, sizes and contents are what was written."""
    content = bytearray(archive())
    content[position] ^= value
    with contextlib.suppress(PlaygroundError):
        assert entries_of(bytes(content)) == contents()
