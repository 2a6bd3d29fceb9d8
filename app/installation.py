"""One installation opened by one process: database, retrieval and jobs over one data folder."""

from __future__ import annotations

import os
from pathlib import Path

from alembic import command
from alembic.config import Config

import app
from app.context.contexts import Contexts
from app.context.retrieve import Retriever
from app.demo import SEED_DEMO, seed_handler
from app.evaluation.experiments.run import ExperimentRunner
from app.evaluation.screening_job import Screener
from configs.errors import StorageError
from configs.settings import Settings
from indexes.database.engine import Database
from indexes.purge import PURGE, purge_handler
from indexes.segments import remove_unused
from indexes.view import Views
from indexes.workers import Workers
from ingest.models import configure
from ingest.pipeline import Pipeline
from ingest.uploads import remove_orphaned_sources


class Installation:
    """Opens a data folder: creates it, migrates its database, and holds what works on it."""

    def __init__(self, settings: Settings, *, runs_jobs: bool | None = None) -> None:
        self.settings = settings
        _prepare(settings.data_folder)
        configure(
            model_folder=settings.model_folder,
            allow_model_hub=settings.allow_model_hub,
            encoding_threads=settings.encoding_threads,
        )
        migrate(settings.sqlalchemy_url)
        self.database = Database(settings.sqlalchemy_url)
        self.retriever = Retriever(self.database, Views(settings.data_folder))
        self.contexts = Contexts(self.database, self.retriever)
        pipeline = Pipeline(data_folder=settings.data_folder, max_text_characters=settings.max_text_characters)
        self.workers = Workers(
            self.database,
            {
                **pipeline.handlers(),
                **ExperimentRunner(data_folder=settings.data_folder, contexts=self.contexts).handlers(),
                **Screener(data_folder=settings.data_folder).handlers(),
                PURGE: purge_handler(settings.data_folder),
                SEED_DEMO: seed_handler(pipeline, self.contexts),
            },
            data_folder=settings.data_folder,
            threads=settings.job_threads,
            runs_jobs=settings.worker if runs_jobs is None else runs_jobs,
        )

    def start(self) -> None:
        """Clear what crashes left behind and open the job queue; call it from a thread without a running event loop."""
        remove_unused(self.database, self.settings.data_folder)
        remove_orphaned_sources(self.database, self.settings.data_folder)
        self.workers.start()

    def stop(self) -> None:
        """Hand running jobs back and close the database."""
        self.workers.stop()
        self.database.close()


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.write_bytes(b"ok")
        probe.unlink()
    except OSError as error:
        raise StorageError(
            f"the data folder {folder} cannot be written ({error.strerror})",
            hint="set PLAYGROUND_DATA_FOLDER to a folder this user may write",
            code="data_folder_not_writable",
        ) from error


def migrate(url: str) -> None:
    """Bring the database's schema to this release's."""
    config = Config()
    config.set_main_option("script_location", str(Path(app.__file__).parent / "migrations"))
    config.attributes["url"] = url
    command.upgrade(config, "head")
