"""Several numpy arrays in one file that is mapped, not read: opening costs nothing and memory is shared."""

from __future__ import annotations

import json
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from indexes.durable_files import synced_file

Array = npt.NDArray[Any]

_MAGIC = b"arrays1\n"
_ALIGNMENT_BYTES = 64


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write and sync one-dimensional arrays by name; the file's name is durable after `sync_directory`.

    Layout: magic, length of the header (8 bytes, little-endian), header (JSON: name to dtype and length), then the
    arrays in the header's order, each padded in front to a multiple of 64 bytes.
    """
    header = json.dumps({name: [array.dtype.str, len(array)] for name, array in arrays.items()}).encode("ascii")
    with synced_file(path) as stream:
        stream.write(_MAGIC + len(header).to_bytes(8, "little") + header)
        for array in arrays.values():
            stream.write(b"\0" * (-stream.tell() % _ALIGNMENT_BYTES))
            stream.write(np.ascontiguousarray(array).data)


def map_arrays(path: Path) -> dict[str, Array]:
    """Return the arrays of a file, read-only; raises ValueError where it is damaged, OSError where it is missing."""
    with path.open("rb") as stream:
        content = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    begin = len(_MAGIC) + 8
    if content[: len(_MAGIC)] != _MAGIC:
        raise ValueError(f"{path.name} is not a file of arrays")
    position = begin + int.from_bytes(content[len(_MAGIC) : begin], "little")
    arrays: dict[str, Array] = {}
    for name, (kind, length) in json.loads(content[begin:position]).items():
        position += -position % _ALIGNMENT_BYTES
        arrays[name] = np.frombuffer(content, dtype=np.dtype(kind), count=length, offset=position)
        position += arrays[name].nbytes
    if position != len(content):
        raise ValueError(f"{path.name} has {len(content)} bytes where its header says {position}")
    return arrays
