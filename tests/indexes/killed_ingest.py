"""A process that ingests slowly, batch by small batch, until killed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import ingest.baking
from indexes.jobs import Handler, RunningJob
from ingest.pipeline import Pipeline
from tests.indexes.worker_process import serve

BATCH_PAUSE_SECONDS = 0.05


def slowed(handler: Handler) -> Handler:
    """Return the handler with a pause after each batch, so that no machine is done before it is killed."""

    def handle(job: RunningJob) -> Iterator[None]:
        for _ in handler(job):
            yield
            time.sleep(BATCH_PAUSE_SECONDS)

    return handle


def main(arguments: Sequence[str]) -> int:
    """Run the jobs of ingest over a folder."""
    ingest.baking.VERSIONS_PER_BATCH = 2
    ingest.baking.TEXTS_PER_BATCH = 6
    folder = Path(arguments[0])
    handlers = Pipeline(data_folder=folder, max_text_characters=10_000).handlers()
    serve(folder, {kind: slowed(handler) for kind, handler in handlers.items()})
    return 0
