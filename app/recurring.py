"""What an installation does by the clock: retention, canaries, alerts, and clearing what processes left behind."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from app.alert_sender import AlertSender
from app.clock import Clock
from app.context.erasure.retention import plan_retention
from configs.settings import Settings
from indexes.database.engine import Database
from indexes.segments import remove_unnamed_objects, remove_unused
from ingest.canaries import check_canaries, due
from ingest.sources import remove_orphaned_sources

RETENTION_SECONDS = 3_600.0
CANARIES_SECONDS = 3_600.0
FIRST_CANARIES_SECONDS = 20.0
"""A process that has just started has more urgent things to do."""
ALERTS_SECONDS = 5.0
LEFTOVERS_SECONDS = 600.0
UNNAMED_OBJECTS_SECONDS = 3_600.0

logger = logging.getLogger("playground.canaries")


def clear_leftovers(database: Database, data_folder: Path) -> None:
    """Remove from this machine what nothing names any more: segments, and uploads that were never accepted."""
    remove_unused(database, data_folder)
    remove_orphaned_sources(database, data_folder)


def clocks_of_every_process(database: Database, settings: Settings) -> tuple[Clock, ...]:
    """Return the clocks that each process needs: its machine may hold copies that others no longer name."""
    clearing = Clock(
        "leftovers",
        lambda: clear_leftovers(database, settings.data_folder),
        every_seconds=LEFTOVERS_SECONDS,
        first_seconds=LEFTOVERS_SECONDS,
    )
    return (clearing,)


def clocks_of_workers(database: Database, settings: Settings, enqueue: Callable[[str], None]) -> tuple[Clock, ...]:
    """Return the clocks of a process that runs jobs; of several, each plan, check or alert is one's."""
    objects = Clock(
        "bucket",
        lambda: remove_unnamed_objects(database, settings.data_folder),
        every_seconds=UNNAMED_OBJECTS_SECONDS,
        first_seconds=UNNAMED_OBJECTS_SECONDS,
    )
    retention = Clock(
        "retention",
        lambda: _plan_retention(database, enqueue),
        every_seconds=RETENTION_SECONDS,
        first_seconds=0.0,
    )
    canaries = Clock(
        "canaries",
        _Canaries(database).look,
        every_seconds=CANARIES_SECONDS,
        first_seconds=FIRST_CANARIES_SECONDS,
    )
    sender = AlertSender(database, settings)
    alerts = Clock("alerts", sender.send_due, every_seconds=ALERTS_SECONDS, first_seconds=ALERTS_SECONDS)
    return (retention, canaries, objects, *((alerts,) if settings.alert_webhook else ()))


def _plan_retention(database: Database, enqueue: Callable[[str], None]) -> None:
    with database.write() as session:
        planned = plan_retention(session)
    for job_id in planned:
        enqueue(job_id)


class _Canaries:
    """Checks the embedders in use at the first look, then each once a day, with the files of this machine."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._is_first = True

    def look(self) -> None:
        is_first, self._is_first = self._is_first, False
        for name, drift in check_canaries(self._database, due(self._database, at_start=is_first)):
            logger.info("embedder %s: its canaries moved by %.1e", name[:12], drift)
