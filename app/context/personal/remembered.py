"""A bounded memory of a process: what was used last stays, what was not used for longest goes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Remembered(Generic[Key, Value]):
    """Values by key up to a total weight, 1 for each unless `weigh` says otherwise; safe from any number of threads.

    A value that is heavier than everything may be is not kept. Nothing here knows whether a value is still true.
    """

    def __init__(self, most: int, weigh: Callable[[Value], int] = lambda _: 1) -> None:
        self._most = most
        self._weigh = weigh
        self._lock = threading.Lock()
        self._values: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._weight = 0

    def get(self, key: Key) -> Value | None:
        """Return what is remembered under the key."""
        with self._lock:
            found = self._values.get(key)
            if found is None:
                return None
            self._values.move_to_end(key)
            return found[0]

    def put(self, key: Key, value: Value) -> None:
        """Remember a value in the place of an earlier one."""
        weight = self._weigh(value)
        with self._lock:
            self._drop(key)
            if weight > self._most:
                return
            self._values[key] = value, weight
            self._weight += weight
            while self._weight > self._most:
                self._drop(next(iter(self._values)))

    def replace(self, key: Key, before: Value, after: Value) -> None:
        """Remember `after` where `before`, the very object, still is."""
        with self._lock:
            found = self._values.get(key)
            if found is not None and found[0] is before:
                weight = self._weigh(after)
                self._weight += weight - found[1]
                self._values[key] = after, weight

    def drop(self, key: Key) -> None:
        """Forget what is under the key."""
        with self._lock:
            self._drop(key)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()
            self._weight = 0

    def _drop(self, key: Key) -> None:
        _, weight = self._values.pop(key, (None, 0))
        self._weight -= weight
