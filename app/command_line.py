"""The console command `context-playground`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from app import key_commands
from app.accounts.roles import ROLES
from app.archive_files import export_to, import_from
from app.backup import back_up
from app.commanded import commanded
from app.demo import SEED_JOB, WORKSPACE, plant_demo
from app.folder_import import import_folder
from app.gate import ERROR, FAILED, PASSED, check_gate, gate_lines
from app.installation import Installation, opened_to_read
from app.processes import serve, work
from app.remote_gate import check_gate_over_http, read_key
from app.restore import restore
from app.verification import verify
from configs.errors import InvalidInputError, PlaygroundError
from configs.log_lines import JsonLines, TextLines
from configs.settings import Settings, unusable_setting
from indexes.database.tables import Job
from indexes.jobs import FINAL_STATES, load_job

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

POLL_SECONDS = 0.5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0, or 1 after an error that was explained; `gate` returns 0, 1 or 2 as its help says."""
    parsed = _parser().parse_args(arguments)
    try:
        settings = _settings()
        _write_log(settings)
        status: int = parsed.run(settings, parsed)
    except PlaygroundError as error:
        print(f"{error.code}: {error.detail}\n  {error.hint}", file=sys.stderr)
        return ERROR if parsed.command == "gate" else 1
    return status


def _settings() -> Settings:
    try:
        settings = Settings()
    except ValidationError as error:
        raise unusable_setting(error) from error
    settings.check_names(os.environ)
    settings.check_usable()
    return settings


def _write_log(settings: Settings) -> None:
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(JsonLines() if settings.log_format == "json" else TextLines())
    logging.basicConfig(level=settings.log_level.upper(), handlers=[lines])
    for name in ("alembic", "faiss.loader", "httpcore", "httpx", "sentence_transformers"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="context-playground", description="Decide what your model gets to read.")
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("serve", help="start the service; see docs/settings.md for its settings")
    start.add_argument("--no-worker", action="store_true", help="answer requests, but leave jobs to other processes")
    start.set_defaults(run=lambda settings, given: serve(settings, runs_jobs=not given.no_worker))
    worker = commands.add_parser("worker", help="run jobs without answering requests; any number of processes may")
    worker.set_defaults(run=lambda settings, _: work(settings))
    ingest = commands.add_parser("ingest", help="bring a folder's files into a workspace")
    ingest.add_argument("folder", type=Path, help="folder whose files are read, sub-folders too")
    ingest.add_argument("--workspace", default="default", help="id of the workspace; made where it does not exist")
    ingest.add_argument("--preset", default="default", help="preset of a workspace made here")
    ingest.set_defaults(run=lambda settings, given: _ingest(settings, given.folder, given.workspace, given.preset))
    _add_archives(commands)
    demo = commands.add_parser("demo", help="make the demo workspace in an empty data folder; wait until it is ready")
    demo.set_defaults(run=lambda settings, _: _demo(settings))
    _add_gate(commands)
    _add_maintenance(commands)
    _add_keys(commands)
    return parser


def _add_archives(commands: Commands) -> None:
    save = commands.add_parser("export", help="write a workspace's documents, strategies and question sets into a file")
    save.add_argument("workspace", help="id of the workspace")
    save.add_argument("file", type=Path, help="zip file to write; it must not exist")
    save.add_argument("--leave-out-stale", action="store_true", help="leave out question sets whose labels are stale")
    save.set_defaults(
        run=lambda settings, given: _export(
            settings, given.workspace, given.file, leave_out_stale=given.leave_out_stale
        )
    )
    bring = commands.add_parser("import", help="bring an exported file into a workspace")
    bring.add_argument("file", type=Path, help="zip file that `export` or GET …/export wrote")
    bring.add_argument("--workspace", required=True, help="id of the workspace; made where it does not exist")
    bring.set_defaults(run=lambda settings, given: _import(settings, given.workspace, given.file))


def _add_gate(commands: Commands) -> None:
    gate = commands.add_parser(
        "gate",
        help="tell whether an alias's candidate may be promoted; returns 0 if so, 1 if not, 2 after an error",
    )
    gate.add_argument("--workspace", required=True, help="id of the workspace")
    gate.add_argument("--alias", required=True, help="name of the alias")
    gate.add_argument("--experiment", required=True, help="id of the experiment that is the evidence")
    gate.add_argument("--url", help="address of a running service, which is asked in place of the database")
    gate.add_argument(
        "--key-file", type=Path, help="file with the API key for --url; default: the key in PLAYGROUND_GATE_KEY"
    )
    gate.set_defaults(run=_gate)


def _add_maintenance(commands: Commands) -> None:
    check = commands.add_parser("verify", help="compare every file, row and vector with what was written; 1 on a fault")
    check.add_argument("--repair", action="store_true", help="set damaged segments aside and queue their rebuilding")
    check.set_defaults(run=lambda settings, given: _verify(settings, repair=given.repair))
    save = commands.add_parser("backup", help="copy a running installation into one file")
    save.add_argument("target", type=Path, help="file to write, or an existing folder for one named after the moment")
    save.set_defaults(run=lambda settings, given: _back_up(settings, given.target))
    bring = commands.add_parser("restore", help="bring a backup back into an empty data folder")
    bring.add_argument("file", type=Path, help="file that `backup` wrote; its checksums are compared first")
    bring.set_defaults(run=lambda settings, given: _restore(settings, given.file))


def _add_keys(commands: Commands) -> None:
    keys = commands.add_parser("keys", help="make, list and revoke API keys").add_subparsers(dest="what", required=True)
    create = keys.add_parser("create", help="make a key and print it once")
    create.add_argument("--name", required=True, help="name of the member whose key it is; added where there is none")
    create.add_argument("--admin", action="store_true", help="let the member administrate the installation")
    create.add_argument("--workspace", help="id of the workspace that the key is for; default: wherever the member may")
    create.add_argument(
        "--role",
        choices=ROLES,
        help="the role that the key brings at most; who has less in --workspace gets it (default: viewer)",
    )
    create.add_argument("--expires-days", type=int, help="in how many days the key expires; default: never")
    create.set_defaults(
        run=lambda settings, given: _show(
            key_commands.create(
                settings,
                given.name,
                is_administrator=given.admin,
                workspace_id=given.workspace,
                role=given.role,
                expires_in_days=given.expires_days,
            )
        )
    )
    keys.add_parser("list", help="list the keys").set_defaults(
        run=lambda settings, _: _show(key_commands.show(settings))
    )
    revoke = keys.add_parser("revoke", help="let a key open nothing any more")
    revoke.add_argument("key_id", help="id of the key, as `keys list` shows it")
    revoke.set_defaults(run=lambda settings, given: _show(key_commands.revoke(settings, given.key_id)))


def _show(lines: Iterable[str]) -> int:
    for line in lines:
        print(line)
    return 0


def _ingest(settings: Settings, folder: Path, workspace_id: str, preset: str) -> int:
    installation = Installation(settings, runs_jobs=True)
    installation.start()
    try:
        with commanded("ingest", workspace_id=workspace_id):
            imported = import_folder(installation, folder, workspace_id, preset)
        for line in imported.lines:
            print(line)
        if imported.job_id is None:
            return 0
        return _wait(installation, imported.job_id)
    finally:
        installation.stop()


def _export(settings: Settings, workspace_id: str, file: Path, leave_out_stale: bool) -> int:  # private
    with opened_to_read(settings) as database:
        manifest = export_to(database, settings, workspace_id, file, leave_out_stale=leave_out_stale)
    for name in manifest.left_out:
        print(f"left out, because its labels are stale: {name}")  # a command's answer
    print(f"{file}: {manifest.documents} documents, {file.stat().st_size:,} bytes")
    return 0


def _import(settings: Settings, workspace_id: str, file: Path) -> int:
    installation = Installation(settings, runs_jobs=True)
    installation.start()
    try:
        with commanded("import", workspace_id=workspace_id):
            job_id = import_from(installation, workspace_id, file)
        return _wait(installation, job_id)
    finally:
        installation.stop()


def _gate(settings: Settings, given: argparse.Namespace) -> int:
    names = given.workspace, given.alias, given.experiment
    if given.url is not None:
        key = settings.gate_key.get_secret_value() if given.key_file is None else read_key(given.key_file)
        checked = check_gate_over_http(given.url, key, *names)
    elif given.key_file is not None:
        raise InvalidInputError("--key-file is for --url", hint="give both, or none", code="key_without_url")
    else:
        with opened_to_read(settings) as database:
            checked = check_gate(database, *names)
    for line in gate_lines(checked):
        print(line)
    return PASSED if checked.is_met else FAILED


def _verify(settings: Settings, *, repair: bool) -> int:
    faults = 0
    for line in verify(settings, repair=repair):
        print(line)
        faults += 1
    if not faults:
        print("everything is as it was written")
    return 1 if faults else 0


def _back_up(settings: Settings, target: Path) -> int:
    file, manifest = back_up(settings, target)
    for name in manifest.left_out:
        print(f"left out, because it is damaged or gone: {name}")
    print(f"{file}: {len(manifest.files)} files, {file.stat().st_size:,} bytes")
    return 0


def _restore(settings: Settings, file: Path) -> int:
    manifest = restore(settings, file)
    print(f"restored {len(manifest.files)} files as of {manifest.created_at:%Y-%m-%d %H:%M:%S} UTC")
    return 0


def _demo(settings: Settings) -> int:
    installation = Installation(settings, runs_jobs=True)
    with commanded("demo", workspace_id=WORKSPACE):
        planted = plant_demo(installation.database)
    installation.start()
    try:
        if not planted:
            print("the data folder has workspaces already; the demo needs an empty one")
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
            print(line, flush=True)
        shown = line
        if job.state in FINAL_STATES:
            return _outcome(job)
        time.sleep(POLL_SECONDS)


def _outcome(job: Job) -> int:
    if job.error is not None:
        print(f"{job.error['code']}: {job.error['detail']}\n  {job.error['hint']}", file=sys.stderr)
    return 0 if job.state == "succeeded" else 1


if __name__ == "__main__":
    sys.exit(main())
