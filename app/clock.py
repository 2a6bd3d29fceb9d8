"""A thread that does one thing now and then, for as long as its process runs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger("playground.clock")


class Clock:
    """Calls `look` after `first_seconds`, then every `every_seconds`; whatever goes wrong is logged and tried again."""

    def __init__(self, name: str, look: Callable[[], object], *, every_seconds: float, first_seconds: float) -> None:
        self._name = name
        self._look = look
        self._every_seconds = every_seconds
        self._first_seconds = first_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the look that is under way; a clock that was never started is no error."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        wait_seconds = self._first_seconds
        while not self._stopping.wait(wait_seconds):
            wait_seconds = self._every_seconds
            try:
                self._look()
            except Exception:
                logger.exception("%s failed; trying again in %s s", self._name, self._every_seconds)
