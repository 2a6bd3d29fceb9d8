"""The processes of an installation: one that answers requests, and one that runs jobs alone."""

from __future__ import annotations

import contextlib
import logging
import os
import resource
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

MOST_FILES = 65_536
"""Each file of an open segment counts as one; many systems let a process have 1,024, and more where it asks."""

logger = logging.getLogger("playground")


def take_files() -> None:
    """Let the process have as many open files as it may, up to MOST_FILES; it never lowers the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def serve(settings: Settings, *, runs_jobs: bool) -> int:
    """Answer requests until a signal comes; return 0, or 1 where the service did not start."""
    prepare(settings)
    take_files()
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
    take_files()
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
