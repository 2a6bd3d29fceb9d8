"""Experiments without a server: created in a world, and run batch by batch in this thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from app.context.contexts import Contexts
from app.evaluation.experiments.creation import create_experiment, draft_experiment
from app.evaluation.experiments.findings import Findings
from app.evaluation.experiments.records import CellRow, ExperimentRow, load_experiment, read_cells
from app.evaluation.experiments.run import ExperimentRunner
from app.evaluation.experiments.specification import Specification
from configs.part import JsonObject
from indexes.database.tables import Job
from indexes.jobs import RunningJob
from tests.app.evaluation.world import WORKSPACE, World, asked

TREES = {
    "oak": "The oak carries acorns. Its wood is hard and heavy. Ships were built of it for centuries by many hands.",
    "birch": "The birch has white bark. Its sap tastes sweet in spring. Brooms are bound from its thin branches.",
    "willow": "The willow drinks much water. Baskets are woven from its rods. Its bark eases pain and fever.",
    "yew": "The yew grows old. Its needles are poison. Bows of yew decided many a battle in the middle ages.",
    "larch": "The larch drops its needles in autumn. Its wood withstands water. Roofs are shingled with it.",
}
QUESTIONS: list[JsonObject] = [
    asked("What was built of oak wood?", {"document_id": "oak", "quote": "Ships were built of it"}),
    asked("What does birch sap taste like?", {"document_id": "birch", "quote": "Its sap tastes sweet in spring."}),
    asked("What is woven from rods?", {"document_id": "willow", "quote": "Baskets are woven from its rods."}),
    asked("Which tree is poison?", {"document_id": "yew", "quote": "Its needles are poison."}, pinned=True),
    asked("What drops in autumn?", {"document_id": "larch", "quote": "drops its needles in autumn"}, tags=["season"]),
    asked("What eases pain?", {"document_id": "willow", "quote": "Its bark eases pain and fever."}),
    asked("Who invented the telephone?", unanswerable=True),
]


def words(size_tokens: int = 16, **settings: Any) -> JsonObject:
    """Return an entry: BM25 over fixed chunks."""
    chunker = {"kind": "fixed", "size_tokens": size_tokens}
    setup = {"chunker": chunker, "context_prefix": False, "stores": [{"kind": "bm25"}], **settings}
    return {"label": f"words {size_tokens}", "setup": setup}


def both(size_tokens: int, dimensions: int, weight: float = 0.5) -> JsonObject:
    """Return an entry: hashing vectors and BM25."""
    return {
        "label": f"both {size_tokens} {dimensions} {weight}",
        "setup": {
            "chunker": {"kind": "fixed", "size_tokens": size_tokens},
            "embedder": {"kind": "hashing", "dimensions": dimensions},
            "stores": [{"kind": "faiss_flat"}, {"kind": "bm25"}],
            "fusion": {"kind": "convex", "dense_weight": weight},
        },
    }


NOTHING: JsonObject = {"label": "nothing", "setup": {"baseline": "no_context"}}
EVERYTHING: JsonObject = {"label": "everything", "setup": {"baseline": "whole_documents"}}


class Laboratory:
    """Runs experiments in a world that holds TREES and the question set `trees`."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.add_all(TREES)
        world.save("trees", *QUESTIONS)
        contexts = Contexts(world.database, world.retriever)
        self.runner = ExperimentRunner(data_folder=world.folder, contexts=contexts)

    def specification(self, *strategies: JsonObject, **fields: Any) -> Specification:
        """Return an experiment on the set `trees`, without timing unless asked for."""
        content = {"name": "Trees", "question_set": "trees", "latency_requests": 0, **fields}
        return Specification.model_validate({**content, "strategies": list(strategies)})

    def create(self, *strategies: JsonObject, **fields: Any) -> str:
        """Create an experiment and return its id."""
        with self.world.database.write() as session:
            draft = draft_experiment(session, WORKSPACE, self.specification(*strategies, **fields))
            return create_experiment(session, WORKSPACE, draft).id

    def steps(self, experiment_id: str) -> Iterator[None]:
        """Run the experiment's job; pause after every batch. Leaving off is what a killed process does."""
        with self.world.database.write() as session:
            job = session.get_one(Job, load_experiment(session, WORKSPACE, experiment_id).job_id)
            job.state, job.lease = "running", job.lease + 1
        running = RunningJob(self.world.database, job, job.lease, threading.Event())
        yield from self.runner.run(running)

    def run(self, *strategies: JsonObject, **fields: Any) -> Findings:
        """Create an experiment, run it and return what it found."""
        experiment_id = self.create(*strategies, **fields)
        return self.finish(experiment_id)

    def finish(self, experiment_id: str) -> Findings:
        """Run an experiment to its end and return what it found."""
        for _ in self.steps(experiment_id):
            pass
        return Findings.model_validate(self.experiment(experiment_id).findings)

    def experiment(self, experiment_id: str) -> ExperimentRow:
        """Return the experiment with everything."""
        with self.world.database.read() as session:
            return load_experiment(session, WORKSPACE, experiment_id, whole=True)

    def cells(self, experiment_id: str) -> list[CellRow]:
        """Return the finished cells with their spans."""
        with self.world.database.read() as session:
            return list(read_cells(session, experiment_id, with_spans=True))
