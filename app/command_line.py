"""The console command `context-playground`."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import uvicorn
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from app.backup import back_up
from app.demo import SEED_JOB, plant_demo
from app.folder_import import import_folder
from app.gate import ERROR, FAILED, PASSED, check_gate, gate_lines
from app.installation import Installation
from app.restore import restore
from app.verification import verify
from configs.errors import PlaygroundError
from configs.log_lines import JsonLines, TextLines
from configs.settings import Settings, unusable_setting
from indexes.database.tables import Job
from indexes.jobs import FINAL_STATES, load_job

POLL_SECONDS = 0.5
STOP_SECONDS = 9.0
"""A process that was asked to stop ends within so long. What it has not finished then is as after `kill -9`: requests
were not acknowledged, and other processes take up the jobs.
"""
REQUESTS_SECONDS = 3

logger = logging.getLogger("playground")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0, or 1 after an error that was explained; `gate` returns 0, 1 or 2 as its help says."""
    parsed = _parser().parse_args(arguments)
    try:
        settings = _settings()
        _write_log(settings)
        if parsed.command == "serve":
            return _serve(settings, runs_jobs=not parsed.no_worker)
        if parsed.command == "worker":
            return _work(settings)
        if parsed.command == "ingest":
            return _ingest(settings, parsed.folder, parsed.workspace, parsed.preset)
        if parsed.command == "gate":
            return _gate(settings, parsed.workspace, parsed.alias, parsed.experiment)
        if parsed.command == "verify":
            return _verify(settings, repair=parsed.repair)
        if parsed.command == "backup":
            return _back_up(settings, parsed.target)
        if parsed.command == "restore":
            return _restore(settings, parsed.file)
        return _demo(settings)
    except PlaygroundError as error:
        print(f"{error.code}: {error.detail}\n  {error.hint}", file=sys.stderr)  # noqa: T201  # a command's answer
        return ERROR if parsed.command == "gate" else 1


def _settings() -> Settings:
    try:
        settings = Settings()
    except ValidationError as error:
        raise unusable_setting(error) from error
    settings.check_usable()
    return settings


def _write_log(settings: Settings) -> None:
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(JsonLines() if settings.log_format == "json" else TextLines())
    logging.basicConfig(level=settings.log_level.upper(), handlers=[lines])
    for name in ("alembic", "faiss.loader", "httpx", "sentence_transformers"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="context-playground", description="Decide what your model gets to read.")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="start the service; see docs/settings.md for its settings")
    serve.add_argument("--no-worker", action="store_true", help="answer requests, but leave jobs to other processes")
    commands.add_parser("worker", help="run jobs without answering requests; any number of processes may")
    ingest = commands.add_parser("ingest", help="bring a folder's files into a workspace")
    ingest.add_argument("folder", type=Path, help="folder whose files are read, sub-folders too")
    ingest.add_argument("--workspace", default="default", help="id of the workspace; made where it does not exist")
    ingest.add_argument("--preset", default="default", help="preset of a workspace made here")
    commands.add_parser("demo", help="make the demo workspace in an empty data folder, and wait until it is ready")
    gate = commands.add_parser(
        "gate",
        help="tell whether an alias's candidate may be promoted; returns 0 if so, 1 if not, 2 after an error",
    )
    gate.add_argument("--workspace", required=True, help="id of the workspace")
    gate.add_argument("--alias", required=True, help="name of the alias")
    gate.add_argument("--experiment", required=True, help="id of the experiment that is the evidence")
    check = commands.add_parser("verify", help="compare every file, row and vector with what was written; 1 on a fault")
    check.add_argument("--repair", action="store_true", help="set damaged segments aside and queue their rebuilding")
    save = commands.add_parser("backup", help="copy a running installation into one file")
    save.add_argument("target", type=Path, help="file to write, or an existing folder for one named after the moment")
    bring = commands.add_parser("restore", help="bring a backup back into an empty data folder")
    bring.add_argument("file", type=Path, help="file that `backup` wrote; its checksums are compared first")
    return parser


def _serve(settings: Settings, *, runs_jobs: bool) -> int:
    settings.check_exposure()
    from app.main import create_app

    chosen = settings if runs_jobs else settings.model_copy(update={"worker": False})
    config = uvicorn.Config(
        create_app(chosen),
        host=chosen.host,
        port=chosen.port,
        root_path=chosen.root_path,
        log_level=chosen.log_level,
        log_config=None,
        access_log=chosen.log_level == "debug",
        timeout_graceful_shutdown=REQUESTS_SECONDS,
    )
    server = _Server(config)
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    return 0 if server.started else 1


class _Server(uvicorn.Server):
    """A server that ends within STOP_SECONDS after a signal."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        _end_in_time()
        super().handle_exit(sig, frame)


def _work(settings: Settings) -> int:
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


def _end_in_time() -> None:
    """End this process STOP_SECONDS from now, where it has not ended by itself until then."""
    timer = threading.Timer(STOP_SECONDS, os._exit, args=(0,))
    timer.daemon = True
    timer.start()


def _ingest(settings: Settings, folder: Path, workspace_id: str, preset: str) -> int:
    installation = Installation(settings, runs_jobs=True)
    installation.start()
    try:
        imported = import_folder(installation, folder, workspace_id, preset)
        for line in imported.lines:
            print(line)  # noqa: T201  # a command's answer
        if imported.job_id is None:
            return 0
        return _wait(installation, imported.job_id)
    finally:
        installation.stop()


def _gate(settings: Settings, workspace_id: str, alias: str, experiment_id: str) -> int:
    try:
        installation = Installation(settings, runs_jobs=False)
    except SQLAlchemyError as error:
        print(f"database_unavailable: {str(error).splitlines()[0]}", file=sys.stderr)  # noqa: T201  # a command's answer
        return ERROR
    try:
        checked = check_gate(installation.database, workspace_id, alias, experiment_id)
    finally:
        installation.database.close()
    for line in gate_lines(checked):
        print(line)  # noqa: T201  # a command's answer
    return PASSED if checked.is_met else FAILED


def _verify(settings: Settings, *, repair: bool) -> int:
    faults = 0
    for line in verify(settings, repair=repair):
        print(line)  # noqa: T201  # a command's answer
        faults += 1
    if not faults:
        print("everything is as it was written")  # noqa: T201
    return 1 if faults else 0


def _back_up(settings: Settings, target: Path) -> int:
    file, manifest = back_up(settings, target)
    for name in manifest.left_out:
        print(f"left out, because it is damaged or gone: {name}")  # noqa: T201  # a command's answer
    print(f"{file}: {len(manifest.files)} files, {file.stat().st_size:,} bytes")  # noqa: T201
    return 0


def _restore(settings: Settings, file: Path) -> int:
    manifest = restore(settings, file)
    print(f"restored {len(manifest.files)} files as of {manifest.created_at:%Y-%m-%d %H:%M:%S} UTC")  # noqa: T201
    return 0


def _demo(settings: Settings) -> int:
    installation = Installation(settings, runs_jobs=True)
    planted = plant_demo(installation.database)
    installation.start()
    try:
        if not planted:
            print("the data folder has workspaces already; the demo needs an empty one")  # noqa: T201
            return 1
        return _wait(installation, SEED_JOB)
    finally:
        installation.stop()


def _wait(installation: Installation, job_id: str) -> int:
    """Follow a job in the terminal until it ends."""
    installation.workers.enqueue(job_id)
    shown = ""
    while True:
        with installation.database.read() as session:
            job = load_job(session, job_id)
        line = f"{job.state}: {job.stage} {job.done} of {job.total}"
        if line != shown:
            print(line, flush=True)  # noqa: T201  # a command's progress
        shown = line
        if job.state in FINAL_STATES:
            return _outcome(job)
        time.sleep(POLL_SECONDS)


def _outcome(job: Job) -> int:
    if job.error is not None:
        print(f"{job.error['code']}: {job.error['detail']}\n  {job.error['hint']}", file=sys.stderr)  # noqa: T201
    return 0 if job.state == "succeeded" else 1


if __name__ == "__main__":
    sys.exit(main())
