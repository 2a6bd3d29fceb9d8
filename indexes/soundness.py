"""Whether the files of a segment are those that were written: found out when a process opens it first."""

from __future__ import annotations

import errno
import logging
import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping
from pathlib import Path

from indexes.durable_files import sha256_of
from indexes.opened_locations import evict
from indexes.shared_files import shared_files

SEGMENTS_REMEMBERED = 10_000

logger = logging.getLogger("playground.soundness")

_lock = threading.Lock()
_whole: OrderedDict[Path, None] = OrderedDict()


def damaged_files(folder: Path, checksums: Mapping[str, str]) -> list[str]:
    """Return the files of a segment that are missing or do not have the checksum of its manifest row.

    Raises OSError where the machine, not the file, stands in the way (too many open files, no permission).
    """
    return sorted(name for name, expected in checksums.items() if _checksum(folder / name) != expected)


def is_whole(folder: Path, checksums: Mapping[str, str]) -> bool:
    """Tell whether a segment has no damaged file. Every byte is read once in a process, then a yes is remembered:
    a segment is immutable, and what its files become later is found by the next process, by `doubt` or by a check of
    the index.
    """
    with _lock:
        if folder in _whole:
            _whole.move_to_end(folder)
            return True
    damaged = damaged_files(folder, checksums)
    if damaged and (not _fetch(folder, damaged) or damaged_files(folder, checksums)):
        return False
    with _lock:
        _whole[folder] = None
        while len(_whole) > SEGMENTS_REMEMBERED:
            _whole.popitem(last=False)
    return True


def damaged_everywhere(folder: Path, checksums: Mapping[str, str]) -> list[str]:
    """Return the files of a segment that are damaged and cannot be had whole, after mending what can be: a damaged
    local file from the bucket, a damaged file of the bucket from the local one.
    """
    damaged, shared = damaged_files(folder, checksums), shared_files(folder)
    if shared is None:
        return damaged
    if damaged and _fetch(folder, damaged):
        damaged = damaged_files(folder, checksums)
    for name, expected in checksums.items():
        if name not in damaged and shared.sha256_of(folder / name) != expected:
            logger.warning("segment %s: %s was not whole in the bucket; it is stored again", folder.name, name)
            shared.write(folder / name, (folder / name).read_bytes())
    return damaged


def _fetch(folder: Path, names: Collection[str]) -> bool:
    """Bring files from the bucket; tell whether it had them all."""
    shared = shared_files(folder)
    if shared is None:
        return False
    try:
        for name in names:
            shared.fetch(folder / name)
    except FileNotFoundError:
        return False
    finally:
        evict(folder)  # what was opened may be of the damaged files
    return True


def doubt(folders: Collection[Path]) -> None:
    """Let the segments be read again before they count as whole."""
    with _lock:
        for folder in folders:
            _whole.pop(folder, None)


def _checksum(file: Path) -> str:
    """Return the SHA-256 of a file, "" where it is gone or the disk cannot read it."""
    try:
        return sha256_of(file)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return ""
    except OSError as error:
        if error.errno == errno.EIO:
            return ""
        raise
