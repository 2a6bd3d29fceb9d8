"""The clock that has retention applied once a day, whichever process that runs jobs is up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from app.context.erasure.retention import plan_retention
from indexes.database.engine import Database

SWEEP_SECONDS = 3_600.0

logger = logging.getLogger("playground.retention")


class RetentionClock:
    """Looks at its start and every SWEEP_SECONDS which workspaces are due; several processes plan each job once."""

    def __init__(self, database: Database, enqueue: Callable[[str], None]) -> None:
        self._database = database
        self._enqueue = enqueue
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="retention", daemon=True)

    def start(self) -> None:
        """Begin to plan."""
        self._thread.start()

    def stop(self) -> None:
        """End; what was planned stays."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._database.write() as session:
                    planned = plan_retention(session)
                for job_id in planned:
                    self._enqueue(job_id)
            except Exception:
                logger.exception("retention was not planned; trying again in %s s", SWEEP_SECONDS)
            self._stopping.wait(SWEEP_SECONDS)
