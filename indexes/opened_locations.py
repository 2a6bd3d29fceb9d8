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


class Opened(Generic[Content]):
    """What was read from folders: once each, the least recently used let go beyond `kept`. Thread-safe."""

    def __init__(self, kept: int = LOCATIONS_KEPT) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._contents: OrderedDict[Path, Content] = OrderedDict()
        _all.append(self)

    def get(self, folder: Path, load: Callable[[], Content]) -> Content:
        """Return what was read from the folder, after `load()` where that is not known."""
        key = folder.absolute()  # not resolve(), which asks the disk about every folder above, at each search
        with self._lock:
            if key in self._contents:
                self._contents.move_to_end(key)
                return self._contents[key]
        content = load()
        with self._lock:
            self._contents[key] = content
            while len(self._contents) > self._kept:
                self._contents.popitem(last=False)
        return content

    def let_go(self, folder: Path) -> None:
        """Forget what was read from `folder` or below; searches that hold it go on."""
        with self._lock:
            for key in [key for key in self._contents if key.is_relative_to(folder.absolute())]:
                del self._contents[key]

    def __len__(self) -> int:
        return len(self._contents)


class OpenedLocations(Generic[Content]):
    """What stores have opened of their locations, at most `kept`. Thread-safe.

    `load(location, format)` reads what a store wrote; OSError, ValueError, TypeError, KeyError and RuntimeError mean
    that it is gone or damaged.
    """

    def __init__(self, load: Callable[[Path, StoreFormat], Content], kept: int = LOCATIONS_KEPT) -> None:
        self._load = load
        self._opened: Opened[tuple[StoreFormat, Content]] = Opened(kept)

    def get(self, location: Path, part: Part) -> Content:
        """Return what `part` built in `location`.

        Raises ConflictError `segment_format_mismatch` where something else built it, UnavailableError
        `segment_unreadable` where it is gone or damaged.
        """
        store_format, content = self._opened.get(location, lambda: self._read(location, part))
        store_format.check(part)
        return content

    def __len__(self) -> int:
        return len(self._opened)

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


_all: list[Opened[Any]] = []


def evict(folder: Path) -> None:
    """Let everything forget what was opened in `folder` or below; to be called when the folder was removed."""
    for opened in _all:
        opened.let_go(folder)
