"""One installation opened by one process: database, retrieval and jobs over one data folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

import app
from app.api.erased_answers import KEPT_ANSWERS
from app.api.idempotency_claims import watch_claim
from app.context.contexts import Contexts
from app.context.erasure.audit_traces import AUDIT_LOG
from app.context.erasure.context_traces import CONTEXT_TRACES
from app.context.erasure.documents import JOB_ERRORS
from app.context.erasure.job import Eraser
from app.context.erasure.personal import PERSONAL_ROWS
from app.context.erasure.retention import Retainer
from app.context.retrieve import Retriever
from app.demo import SEED_DEMO, seed_handler
from app.evaluation.erased_evidence import evidence_owner
from app.evaluation.experiments.run import ExperimentRunner
from app.evaluation.screening_job import Screener
from app.evaluation.workspace_files.erased_traces import IMPORT_TRACES
from app.evaluation.workspace_files.importing import Importer
from app.recurring import clear_leftovers, clocks_of_every_process, clocks_of_workers
from configs.errors import ConflictError, DatabaseUnavailableError, StorageError
from configs.settings import Settings
from indexes.database.audit import watch_changes
from indexes.database.engine import Database, database_errors
from indexes.database.pairing import pair, part
from indexes.durable_files import PRIVATE_FOLDER, check_writable
from indexes.jobs import Handler
from indexes.purge import PURGE, purge_handler
from indexes.shared_files import share_files
from indexes.view import Views
from indexes.workers import Workers
from ingest.models import configure
from ingest.office.limits import configure as configure_office
from ingest.pipeline import Pipeline
from ingest.remote_endpoints import allow_endpoints, limit_calls


class Installation:
    """Opens a data folder: creates it, migrates its database, and holds what works on it."""

    def __init__(self, settings: Settings, *, runs_jobs: bool | None = None) -> None:
        self.settings = settings
        self._runs_jobs = settings.worker if runs_jobs is None else runs_jobs
        prepare(settings)
        configure(
            model_folder=settings.model_folder,
            allow_model_hub=settings.allow_model_hub,
            encoding_threads=settings.encoding_threads,
        )
        allow_endpoints(settings.embedder_endpoints)
        limit_calls(seconds=settings.embedder_seconds, at_once=settings.embedder_calls)
        configure_office(memory_bytes=settings.office_memory_bytes, seconds=settings.office_seconds)
        self.database = Database(settings.sqlalchemy_url, (watch_changes, watch_claim))
        pair(settings.data_folder, self.database)
        share_files(settings.data_folder, settings.object_store)
        self._views = Views(settings.data_folder)
        self.retriever = Retriever(self.database, self._views)
        self.contexts = Contexts(self.database, self.retriever)
        self.workers = Workers(
            self.database,
            self._handlers(),
            data_folder=settings.data_folder,
            threads=settings.job_threads,
            runs_jobs=self._runs_jobs,
        )
        self._clocks = clocks_of_every_process(self.database, settings)
        if self._runs_jobs:
            self._clocks += clocks_of_workers(self.database, settings, self.workers.enqueue)

    def _handlers(self) -> dict[str, Handler]:
        """Return what does each kind of job."""
        folder = self.settings.data_folder
        owners = (
            JOB_ERRORS,
            IMPORT_TRACES,
            CONTEXT_TRACES,
            evidence_owner(folder),
            KEPT_ANSWERS,
            PERSONAL_ROWS,
            AUDIT_LOG,
        )
        pipeline = Pipeline(data_folder=folder, max_text_characters=self.settings.max_text_characters)
        return {
            **pipeline.handlers(),
            **Importer(pipeline=pipeline).handlers(),
            **ExperimentRunner(data_folder=folder, contexts=self.contexts).handlers(),
            **Screener(data_folder=folder).handlers(),
            **Eraser(data_folder=folder, owners=owners, forget=self._forget).handlers(),
            **Retainer(owners=owners).handlers(),
            PURGE: purge_handler(folder),
            SEED_DEMO: seed_handler(pipeline, self.contexts),
        }

    def start(self) -> None:
        """Clear what crashes left behind and open the job queue; call it from a thread without a running event loop."""
        clear_leftovers(self.database, self.settings.data_folder)
        self.workers.start()
        for clock in self._clocks:
            clock.start()

    def stop(self) -> None:
        """Hand running jobs back and close the database."""
        for clock in self._clocks:
            clock.stop()
        self.workers.stop()
        share_files(self.settings.data_folder, "")
        part(self.settings.data_folder, self.database)
        self.database.close()

    def _forget(self) -> None:
        """Let go of what this process remembers of documents."""
        self._views.forget()
        self.contexts.forget()


def prepare(settings: Settings) -> None:
    """Make the data folder, and bring the database to this release's schema; raise a PlaygroundError where that fails,
    which says what to do.
    """
    folder = settings.data_folder
    try:
        folder.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
        check_writable(folder)
    except OSError as error:
        raise StorageError(
            f"the data folder {folder} cannot be written ({error.strerror})",
            hint="set PLAYGROUND_DATA_FOLDER to a folder this user may write",
            code="data_folder_not_writable",
        ) from error
    migrate(settings.sqlalchemy_url)


def migrate(url: str) -> None:
    """Bring the database's schema to this release's; raise DatabaseUnavailableError where it does not answer."""
    config = _migrations()
    config.attributes["url"] = url
    with _reached(), database_errors():
        command.upgrade(config, "head")


@contextmanager
def opened_to_read(settings: Settings) -> Iterator[Database]:
    """Yield the database for a command that only reads: it makes no data folder and migrates nothing.

    Raises ConflictError `schema_not_current` where the schema is not this release's or there is no database yet, and
    DatabaseUnavailableError where it does not answer.
    """
    url = make_url(settings.sqlalchemy_url)
    if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists():
        _check_current(None)
    database = Database(settings.sqlalchemy_url)
    try:
        with _reached(), database.read() as session:
            found = MigrationContext.configure(session.connection()).get_current_revision()
        _check_current(found)
        yield database
    finally:
        database.close()


@contextmanager
def _reached() -> Iterator[None]:
    """Say of a database that does not answer why, and what to look at."""
    try:
        yield
    except DatabaseUnavailableError as error:
        hint = "see that it runs and that PLAYGROUND_DATABASE_URL leads to it"
        raise DatabaseUnavailableError(f"the database does not answer: {reason(error)}", hint=hint) from error


def reason(error: DatabaseUnavailableError) -> str:
    """Return the first line of what the driver said, which holds no password."""
    cause = error.__cause__
    said = str(cause.orig) if isinstance(cause, DBAPIError) else str(cause)
    return said.splitlines()[0] if said else "no reason given"


def schema_revision() -> str:
    """Return the revision of the database's schema that this release writes."""
    return str(ScriptDirectory.from_config(_migrations()).get_current_head())


def _check_current(found: str | None) -> None:
    """Raise ConflictError where a database's revision is not the one of this release."""
    scripts = ScriptDirectory.from_config(_migrations())
    if found == scripts.get_current_head():
        return
    is_known = found is None or found in {script.revision for script in scripts.walk_revisions()}
    raise ConflictError(
        f"the database's schema is {found or 'not there yet'}, this release's is {scripts.get_current_head()}; "
        "a command that only reads does not change it",
        hint="start the service, or `context-playground worker`, once: it brings the schema up to date"
        if is_known
        else "a newer release wrote the database: use that one",
        code="schema_not_current",
    )


def _migrations() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(app.__file__).parent / "migrations"))
    return config
