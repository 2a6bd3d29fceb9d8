"""A process that ingests in very small batches until it is killed: `python -m tests.indexes.killed_ingest FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

import ingest.baking
from ingest.pipeline import Pipeline
from tests.indexes.worker_process import serve

if __name__ == "__main__":
    ingest.baking.VERSIONS_PER_BATCH = 2
    ingest.baking.TEXTS_PER_BATCH = 6
    folder = Path(sys.argv[1])
    serve(folder, Pipeline(data_folder=folder, max_text_characters=10_000).handlers())
