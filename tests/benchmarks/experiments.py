"""What sharing stages saves: one experiment against its stages, and against each strategy alone."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from app.evaluation.statistics.analysis import AnalysisPlan, analyse
from app.evaluation.statistics.score_table import ScoreTable
from tests.benchmarks.corpus import Corpus
from tests.benchmarks.timing import Row
from tests.running_server import Client

SIZES = (64, 100, 150)
DIMENSIONS = (256, 384)
WEIGHTS = (0.2, 0.4, 0.6, 0.8)
QUESTIONS = 60
DOCUMENTS = 300
POLL_SECONDS = 0.1


def strategies(sizes: tuple[int, ...], dimensions: tuple[int, ...], weights: tuple[float, ...]) -> list[dict[str, Any]]:
    """Return one strategy for each combination."""
    return [
        {
            "label": f"{size} {dimension} {weight}",
            "setup": {
                "chunker": {"kind": "recursive", "size_tokens": size},
                "embedder": {"kind": "hashing", "dimensions": dimension, "character_ngrams": 4},
                "stores": [{"kind": "faiss_flat"}, {"kind": "bm25"}],
                "fusion": {"kind": "convex", "dense_weight": weight},
            },
        }
        for size in sizes
        for dimension in dimensions
        for weight in weights
    ]


def laboratory(client: Client, name: str, corpus: Corpus) -> None:
    """Make a workspace with documents and questions, whose labels are whole documents."""
    client.expect("POST", "/v1/workspaces", {"id": name, "name": name, "preset": "no_context"})
    documents = [
        {"external_id": str(number), "title": title, "text": f"{text}\n\n{name}"}  # texts of its own share no vectors
        for number, (title, text) in enumerate(corpus.documents[:DOCUMENTS])
    ]
    sent = client.expect("POST", f"/v1/workspaces/{name}/documents", {"documents": documents})
    client.wait_for(sent["job"]["id"], POLL_SECONDS)
    questions = [
        {"question": question, "evidence": [{"external_id": str(number)}]}
        for number, question in enumerate(corpus.questions[:QUESTIONS])
    ]
    client.expect("POST", f"/v1/workspaces/{name}/question-sets", {"name": "labels", "questions": questions})


def seconds_of_experiment(client: Client, name: str, entries: list[dict[str, Any]]) -> float:
    """Run an experiment and return how long it took."""
    metrics = [{"kind": "document_recall", "k": 10}]
    body = {"name": name, "question_set": "labels", "strategies": entries, "metrics": metrics, "latency_requests": 0}
    begin = time.perf_counter()
    started = client.expect("POST", f"/v1/workspaces/{name}/experiments", body)
    client.wait_for(started["job"]["id"], POLL_SECONDS)
    return time.perf_counter() - begin


def experiments(client: Client, corpus: Corpus) -> list[Row]:
    """Compare 24 strategies over 3 chunkings and 2 embedders in one experiment with pairs of them, each afresh.

    A pair of strategies that differ by weight alone has the stages of one: cut, encode, index. What a first run takes
    beyond a second one is those stages, which sharing can save.
    """
    laboratory(client, "together", corpus)
    together = seconds_of_experiment(client, "together", strategies(SIZES, DIMENSIONS, WEIGHTS))
    again = seconds_of_experiment(client, "together", strategies(SIZES, DIMENSIONS, WEIGHTS))
    stages, alone = 0.0, 0.0
    for size in SIZES:
        for dimension in DIMENSIONS:
            name = f"alone-{size}-{dimension}"
            laboratory(client, name, corpus)
            fresh = seconds_of_experiment(client, name, strategies((size,), (dimension,), WEIGHTS[:2]))
            cached = seconds_of_experiment(client, name, strategies((size,), (dimension,), WEIGHTS[:2]))
            stages += max(0.0, fresh - cached)
            alone += len(WEIGHTS) * (max(0.0, fresh - cached) + cached / 2)
    distinct = stages + again
    possible = alone - distinct
    saved = (alone - together) / possible if possible > 0 else 0.0
    return [
        Row(
            "experiment of 24 strategies over the sum of its stages",
            f"{together / distinct:.2f}x",
            "<= 1.5x",
            together <= 1.5 * distinct,
        ),
        Row("  saved of what sharing can save against each alone", f"{saved:.2f}", ">= 0.75", saved >= 0.75),
    ]


def statistics_of_300_pairs() -> list[Row]:
    """Time the whole analysis of 25 strategies on 1,000 questions."""
    random = np.random.default_rng(5)
    shape = (25, 1_000)
    table = ScoreTable(
        strategies=tuple(f"s{number}" for number in range(shape[0])),
        questions=tuple(f"q{number}" for number in range(shape[1])),
        scores=random.random(shape),
        failed=np.zeros(shape, dtype=np.bool_),
        clusters=np.arange(shape[1]),
    )
    begin = time.perf_counter()
    analyse(table, AnalysisPlan(seed=1, document_clusters=100))
    seconds = time.perf_counter() - begin
    return [Row("statistics of 300 pairs on 1,000 questions", f"{seconds:.1f} s", "<= 10 s", seconds <= 10)]
