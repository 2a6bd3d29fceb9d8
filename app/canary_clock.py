"""The clock that has embedders checked at the start and once a day, in each process that runs jobs."""

from __future__ import annotations

import logging
import threading

from indexes.database.engine import Database
from ingest.canaries import check_canaries, due

LOOK_SECONDS = 3_600.0
FIRST_LOOK_SECONDS = 20.0
"""A process that has just started has more urgent things to do."""

logger = logging.getLogger("playground.canaries")


class CanaryClock:
    """Checks the embedders in use after FIRST_LOOK_SECONDS, then each once a day, with the files of its machine."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="canaries", daemon=True)

    def start(self) -> None:
        """Begin to check."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the check that is under way."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        is_first = True
        while not self._stopping.wait(FIRST_LOOK_SECONDS if is_first else LOOK_SECONDS):
            try:
                for name, drift in check_canaries(self._database, due(self._database, at_start=is_first)):
                    logger.info("embedder %s: its canaries moved by %.1e", name[:12], drift)
            except Exception:
                logger.exception("embedders were not checked; trying again in %s s", LOOK_SECONDS)
            is_first = False
