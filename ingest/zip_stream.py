"""A zip file that is sent while it is written."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, cast

FIRST_DAY = (1980, 1, 1, 0, 0, 0)
"""The date of every entry, so that the same content gives the same bytes."""
LARGE_BYTES = 2_000_000_000


class ZipStream:
    """Takes entries one after the other, and gives the bytes of the zip file as far as they are known."""

    def __init__(self) -> None:
        self._pipe = _Pipe()
        self._archive = zipfile.ZipFile(cast("BinaryIO", self._pipe), "w", zipfile.ZIP_DEFLATED)

    def add(self, name: str, content: bytes) -> bytes:
        """Return the bytes of an entry."""
        return b"".join(self.add_parts(name, [content], len(content)))

    def add_parts(
        self, name: str, parts: Iterable[bytes], size_bytes: int, method: int = zipfile.ZIP_DEFLATED
    ) -> Iterator[bytes]:
        """Yield the bytes of an entry, whose parts have about `size_bytes` together; only one is held at a time."""
        entry = zipfile.ZipInfo(name, FIRST_DAY)
        entry.compress_type = method
        with self._archive.open(entry, "w", force_zip64=size_bytes > LARGE_BYTES) as stream:
            for part in parts:
                stream.write(part)
                yield self._pipe.taken()
        yield self._pipe.taken()

    def end(self) -> bytes:
        """Return the last bytes: the directory, without which nothing reads the file."""
        self._archive.close()
        return self._pipe.taken()


class _Pipe:
    """A stream without positions that hands over what was written to it."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: Any) -> int:
        """Take the bytes."""
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing; the bytes are there."""

    def taken(self) -> bytes:
        """Return what was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)
