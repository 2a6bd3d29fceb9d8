"""Reading a zip file from anywhere: nothing is unpacked to disk, and what could mislead is refused by name."""

from __future__ import annotations

import hashlib
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO

from pydantic import ValidationError

from app.evaluation.workspace_files.entries import MANIFEST, Manifest, StoredEntry
from configs.errors import InvalidInputError, TooLargeError
from configs.strict_json import strict_json

END = struct.Struct("<4s4H2LH")
END_SIGNATURE = b"PK\x05\x06"
LARGE_LOCATOR = b"PK\x06\x07"
LONGEST_COMMENT_BYTES = 65_535
LARGEST_DIRECTORY_BYTES = 16_000_000
LARGEST_MANIFEST_BYTES = 20_000_000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_WINDOWS_DRIVE = re.compile(r"[A-Za-z]:")


class Archive:
    """The zip file of a workspace whose entries are those of its manifest, each with the checksum that stands there."""

    def __init__(self, zipped: zipfile.ZipFile, manifest: Manifest) -> None:
        self._zipped = zipped
        self.manifest = manifest

    def read(self, name: str) -> bytes:
        """Return the bytes of an entry; raises InvalidInputError `archive_damaged` where they are not what was written.

        Call it for every entry before any takes effect.
        """
        known = self.manifest.entries.get(name)
        if known is None:
            raise _refused("archive_incomplete", f"the archive has no entry {name[:100]!r}")
        content = _content(self._zipped, name)
        if hashlib.sha256(content).hexdigest() != known.sha256:
            raise _refused("archive_damaged", f"the checksum of {name[:100]!r} is not the one of the manifest")
        return content


@contextmanager
def open_archive(stream: BinaryIO, limit_bytes: int) -> Iterator[Archive]:
    """Yield the archive, having looked at the names and sizes of everything in it.

    Raises InvalidInputError: `archive_unreadable`, `archive_unsafe_name` (absolute, with `..`, backslash or drive),
    `archive_link`, `archive_repeated_name`, `archive_encrypted`, `archive_incomplete`, `archive_unexpected_entry`,
    `archive_manifest`, `archive_damaged`; TooLargeError `archive_too_large` beyond `limit_bytes` unpacked.
    """
    _check_end(stream)
    stream.seek(0)
    try:
        zipped = zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, OSError) as error:
        raise _refused("archive_unreadable", f"the file is no zip archive ({error})") from None
    with zipped:
        _check_entries(zipped, limit_bytes)
        manifest = _manifest(zipped)
        _check_listed(zipped, manifest.entries)
        yield Archive(zipped, manifest)


def _check_end(stream: BinaryIO) -> None:
    """Refuse a directory so large that reading it alone takes the memory, before it is read."""
    size_bytes = stream.seek(0, 2)
    start = max(0, size_bytes - END.size - LONGEST_COMMENT_BYTES)
    stream.seek(start)
    tail = stream.read()
    position = tail.rfind(END_SIGNATURE)
    if position < 0 or len(tail) - position < END.size:
        raise _refused("archive_unreadable", "the file is no zip archive, or was cut off")
    directory_bytes = END.unpack_from(tail, position)[5]
    if tail[max(0, position - 20) :].startswith(LARGE_LOCATOR) or directory_bytes > LARGEST_DIRECTORY_BYTES:
        raise TooLargeError(
            "the archive has more entries than are read here", hint="export in parts", code="archive_too_large"
        )


def _check_entries(zipped: zipfile.ZipFile, limit_bytes: int) -> None:
    seen: set[str] = set()
    unpacked_bytes = 0
    for entry in zipped.infolist():
        name, shown = entry.orig_filename, repr(entry.orig_filename[:100])
        parts = name.split("/")
        if "\\" in name or "\0" in name or _WINDOWS_DRIVE.match(name) or not all(parts) or {"..", "."} & set(parts):
            raise _refused("archive_unsafe_name", f"the entry {shown} is not a plain path below the archive")
        if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
            raise _refused("archive_link", f"the entry {shown} is a link or another special file")
        if name.casefold() in seen:
            raise _refused("archive_repeated_name", f"the entry {shown} stands there twice")
        if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
            raise _refused("archive_encrypted", f"the entry {shown} is encrypted, or packed by an unknown method")
        seen.add(name.casefold())
        unpacked_bytes += entry.file_size
        if unpacked_bytes > limit_bytes:
            raise TooLargeError(
                f"the archive unpacks to more than {limit_bytes} bytes",
                hint="export a smaller workspace, or raise PLAYGROUND_MAX_IMPORT_BYTES",
                code="archive_too_large",
            )


def _manifest(zipped: zipfile.ZipFile) -> Manifest:
    try:
        entry = zipped.getinfo(MANIFEST)
    except KeyError:
        raise _refused("archive_incomplete", f"the archive has no {MANIFEST}: it was cut off, or is none") from None
    if entry.file_size > LARGEST_MANIFEST_BYTES:
        raise _refused("archive_manifest", f"{MANIFEST} has {entry.file_size} bytes")
    try:
        return Manifest.model_validate(strict_json(_content(zipped, MANIFEST), MANIFEST), strict=False)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise _refused("archive_manifest", f"{MANIFEST}: {place[:200]}: {first['msg']}") from None


def _check_listed(zipped: zipfile.ZipFile, listed: Mapping[str, StoredEntry]) -> None:
    there = {entry.orig_filename: entry.file_size for entry in zipped.infolist() if entry.orig_filename != MANIFEST}
    for name in there.keys() - listed.keys():
        raise _refused("archive_unexpected_entry", f"the manifest does not list {name[:100]!r}")
    for name, known in listed.items():
        if name not in there:
            raise _refused("archive_incomplete", f"the archive has no entry {name[:100]!r}")
        if there[name] != known.size_bytes:
            raise _refused("archive_damaged", f"{name[:100]!r} has {there[name]} bytes, not {known.size_bytes}")


def _content(zipped: zipfile.ZipFile, name: str) -> bytes:
    """Return an entry's bytes: never more than its size says, which `_check_entries` has added up."""
    try:
        with zipped.open(name) as entry:
            content = entry.read(zipped.getinfo(name).file_size + 1)
            if len(content) == zipped.getinfo(name).file_size and not entry.read(1):
                return content
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, struct.error, NotImplementedError, ValueError):
        pass
    raise _refused("archive_damaged", f"the entry {name[:100]!r} cannot be unpacked")


def _refused(code: str, detail: str) -> InvalidInputError:
    return InvalidInputError(detail, hint="nothing was imported; send an archive as GET …/export writes it", code=code)
