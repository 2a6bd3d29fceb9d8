"""What stores have opened: loaded once, shared by every search of a location, let go when unused or removed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

from configs.errors import UnavailableError
from configs.part import Part
from indexes.store_format import StoreFormat

SEGMENT_UNREADABLE = "segment_unreadable"
LOCATIONS_KEPT = 256
"""Most locations one store keeps open; their files are mapped, so the system takes back memory before that."""

Content = TypeVar("Content")


class OpenedLocations(Generic[Content]):
    """The least recently used content is let go beyond `kept` locations. Thread-safe.

    `load(location, format)` reads what a store wrote; OSError, ValueError, TypeError, KeyError and RuntimeError mean
    that it is gone or damaged.
    """

    def __init__(self, load: Callable[[Path, StoreFormat], Content], kept: int = LOCATIONS_KEPT) -> None:
        self._load = load
        self._kept = kept
        self._lock = threading.Lock()
        self._contents: OrderedDict[Path, tuple[StoreFormat, Content]] = OrderedDict()
        _all.append(self)

    def get(self, location: Path, part: Part) -> Content:
        """Return what `part` built in `location`.

        Raises ConflictError `segment_format_mismatch` where something else built it, UnavailableError
        `segment_unreadable` where it is gone or damaged.
        """
        key = location.absolute()  # not resolve(), which asks the disk about every folder above, at each search
        with self._lock:
            known = self._contents.get(key)
            if known is not None:
                self._contents.move_to_end(key)
        if known is None:
            known = self._read(location, part)
            with self._lock:
                self._contents[key] = known
                while len(self._contents) > self._kept:
                    self._contents.popitem(last=False)
        known[0].check(part)
        return known[1]

    def _read(self, location: Path, part: Part) -> tuple[StoreFormat, Content]:
        try:
            store_format = StoreFormat.read(location)
            store_format.check(part)
            return store_format, self._load(location, store_format)
        except (OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
            raise UnavailableError(
                f"segment {location.parent.name!r} cannot be read by {part.kind_of_class()} ({type(error).__name__})",
                hint="refresh the index with POST …/indexes; it is rebuilt from the database",
                code=SEGMENT_UNREADABLE,
            ) from error

    def let_go(self, folder: Path) -> None:
        """Forget what was opened in `folder` or below; searches that hold it go on."""
        with self._lock:
            for key in [key for key in self._contents if key.is_relative_to(folder.absolute())]:
                del self._contents[key]

    def __len__(self) -> int:
        return len(self._contents)


_all: list[OpenedLocations[Any]] = []


def evict(folder: Path) -> None:
    """Let every store forget what it opened in `folder` or below; to be called when the folder was removed."""
    for opened in _all:
        opened.let_go(folder)
