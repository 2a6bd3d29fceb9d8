"""The processes of an installation: one that answers requests, and one that runs jobs alone."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
from types import FrameType

import uvicorn

from app.exposure import check_exposure
from app.installation import Installation, prepare
from configs.settings import Settings

STOP_SECONDS = 9.0
"""A process that was asked to stop ends within so long. What it has not finished then is as after `kill -9`: requests
were not acknowledged, and other processes take up the jobs.
"""
REQUESTS_SECONDS = 3
NICENESS = 10
"""A worker yields to processes that answer requests on the same machine."""

logger = logging.getLogger("playground")


def serve(settings: Settings, *, runs_jobs: bool) -> int:
    """Answer requests until a signal comes; return 0, or 1 where the service did not start."""
    prepare(settings)
    check_exposure(settings)
    from app.main import create_app

    chosen = settings if runs_jobs else settings.model_copy(update={"worker": False})
    application = create_app(chosen)
    config = uvicorn.Config(
        application,
        host=chosen.host,
        port=chosen.port,
        root_path=chosen.root_path,
        log_level=chosen.log_level,
        log_config=None,
        access_log=chosen.log_level == "debug",
        timeout_graceful_shutdown=REQUESTS_SECONDS,
    )
    server = _Server(config, application.state.stopping)
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    return 0 if server.started else 1


def work(settings: Settings) -> int:
    """Run jobs until a signal comes, after whatever else the processor has to do; return 0."""
    prepare(settings)
    os.nice(NICENESS)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    installation = Installation(settings, runs_jobs=True)
    installation.start()
    logger.info("running jobs as %s", installation.workers.id)
    stopping.wait()
    _end_in_time()
    installation.stop()
    return 0


class _Server(uvicorn.Server):
    """A server that ends within STOP_SECONDS after a signal, which it tells the application of: answers that take as
    long as somebody listens end then.
    """

    def __init__(self, config: uvicorn.Config, stopping: threading.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._stopping.set()
        _end_in_time()
        super().handle_exit(sig, frame)


def _end_in_time() -> None:
    """End this process STOP_SECONDS from now, where it has not ended by itself until then."""
    timer = threading.Timer(STOP_SECONDS, os._exit, args=(0,))
    timer.daemon = True
    timer.start()
