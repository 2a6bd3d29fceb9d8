"""`make bench`: every figure is a ratio, or stands beside what it is compared with, from one run on one machine."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from ingest.embedders.sentence_transformer import SentenceTransformer
from ingest.models import configure
from tests.benchmarks.bare import Bare
from tests.benchmarks.chunking import chunking
from tests.benchmarks.corpus import Corpus, load_corpus
from tests.benchmarks.experiments import experiments, statistics_of_300_pairs
from tests.benchmarks.people import personal_contexts
from tests.benchmarks.timing import Row, interleaved, percentile_ms, rate, seconds_of, show
from tests.running_server import Client, RunningServer, running_server

REPETITIONS = 3
QUESTIONS = 150
CLIENT_SECONDS = 5.0
POLL_SECONDS = 0.25
"""How often a job is asked for: asking takes time from the work."""
LIGHT = "import sys, app.main; sys.exit(any(name in sys.modules for name in ('torch', 'faiss')))"


def setup(precision: str, *, stores: tuple[str, ...] = ("faiss_flat", "bm25")) -> dict[str, Any]:
    """Return a setup with one chunk per document."""
    made: dict[str, Any] = {
        "chunker": {"kind": "whole_document"},
        "embedder": {"kind": "sentence_transformer", "precision": precision},
        "stores": [{"kind": kind} for kind in stores],
        "candidates": 100,
    }
    if len(stores) > 1:
        made["fusion"] = {"kind": "convex", "dense_weight": 0.5}
    return made


def embedding(corpus: Corpus, bare: Bare) -> list[Row]:
    """Compare the embedder with the library's default call: one thread, 200-token texts, interleaved."""
    import torch

    words = " ".join(text for _, text in corpus.documents).split()
    texts = [" ".join(words[first : first + 140]) for first in range(0, 140 * 256, 140)]
    torch.set_num_threads(1)
    configure(model_folder=None, allow_model_hub=False, encoding_threads=1)
    fast = SentenceTransformer(kind="sentence_transformer").resolved()
    fast.encode(texts[:8])
    bare.encode(texts[:8])
    ratios = []
    for _ in range(REPETITIONS):
        default = seconds_of(lambda: bare.encode(texts))
        with_ours = seconds_of(lambda: fast.encode(texts))
        ratios.append(default / with_ours)
    torch.set_num_threads(2)
    configure(model_folder=None, allow_model_hub=False, encoding_threads=2)
    ratio = statistics.median(ratios)
    is_fast = fast.precision == "bf16"
    name = f"embedding over the library's default call ({fast.precision}, one thread)"
    return [Row(name, f"{ratio:.2f}x", ">= 2x with bf16", ratio >= 2 if is_fast else None)]


def ingest(client: Client, corpus: Corpus) -> list[Row]:
    """Compare ingest through the API with encoding the same texts in this process; then build a second recipe."""
    embedder = SentenceTransformer(kind="sentence_transformer").resolved()
    embedder.encode(["warm"])
    client.expect("POST", "/v1/workspaces", {"id": "warm", "name": "warm", "preset": "no_context"})
    build(client, "/v1/workspaces/warm", [("warm", "the server loads its model")])
    ratios, firsts, seconds_of_second = [], [], []
    for number in range(REPETITIONS):
        workspace = f"/v1/workspaces/ingest-{number}"
        documents = [(f"{title} {number}", text) for title, text in corpus.documents[:1_000]]
        bare_seconds = seconds_of(lambda documents=documents: embedder.encode([f"{a}\n\n{b}" for a, b in documents]))  # type: ignore[misc]  # a lambda with a default has no type
        client.expect("POST", "/v1/workspaces", {"id": f"ingest-{number}", "name": "ingest", "preset": "no_context"})
        first_seconds = seconds_of(lambda workspace=workspace, documents=documents: build(client, workspace, documents))  # type: ignore[misc]  # a lambda with a default has no type
        again = {"setup": setup("auto", stores=("faiss_flat",))}
        second = client.expect("POST", f"{workspace}/indexes", again)["job"]
        finished = client.wait_for(second["id"])
        ratios.append(bare_seconds / first_seconds)
        firsts.append(first_seconds)
        seconds_of_second.append(job_seconds(finished))
    ratio = statistics.median(ratios)
    second_share = statistics.median(seconds_of_second) / statistics.median(firsts)
    return [
        Row("ingest through the API over the embedding's bare rate", f"{ratio:.2f}", ">= 0.8", ratio >= 0.8),
        Row(
            "second recipe, same chunker and embedder",
            f"{second_share:.1%}",
            "<= 5% of the first",
            second_share <= 0.05,
        ),
    ]


def job_seconds(job: dict[str, Any]) -> float:
    """Return how long a finished job ran."""
    began, ended = (datetime.fromisoformat(job[name]) for name in ("started_at", "finished_at"))
    return (ended - began).total_seconds()


def build(client: Client, workspace: str, documents: list[tuple[str, str]]) -> None:
    """Send documents and build the hybrid index, to the end of both jobs."""
    for first in range(0, len(documents), 1_000):
        body = [
            {"external_id": str(first + position), "title": title, "text": text}
            for position, (title, text) in enumerate(documents[first : first + 1_000])
        ]
        sent = client.expect("POST", f"{workspace}/documents", {"documents": body})
        client.wait_for(sent["job"]["id"], POLL_SECONDS)
    built = client.expect("POST", f"{workspace}/indexes", {"setup": setup("auto")})
    client.wait_for(built["job"]["id"], POLL_SECONDS)


def searches(server: RunningServer, corpus: Corpus, bare: Bare) -> list[Row]:
    """Compare searches through HTTP with the bare search, question by question in turn; split them by stage."""
    client = server.client()
    client.expect("POST", "/v1/workspaces", {"id": "search", "name": "search", "preset": "no_context"})
    build(client, "/v1/workspaces/search", corpus.documents)
    exact = client.expect("POST", "/v1/workspaces/search/indexes", {"setup": setup("fp32")})
    client.wait_for(exact["job"]["id"])
    bare.index([f"{title} {text}" for title, text in corpus.documents])
    questions = corpus.questions[:QUESTIONS]
    stages: dict[str, list[float]] = {}

    def search(client: Client, made: dict[str, Any], question: str) -> Any:
        body = {"query": question, "setup": made, "k": 10}
        return client.expect("POST", "/v1/workspaces/search/searches", body)

    def recorded(question: str) -> None:
        begin = time.perf_counter()
        seconds = search(client, setup("auto"), question)["seconds"]
        for stage, value in seconds.items():
            stages.setdefault(stage, []).append(value)
        stages.setdefault("http", []).append(time.perf_counter() - begin - seconds["total"])

    dense, dense_fp32 = setup("auto", stores=("faiss_flat",)), setup("fp32", stores=("faiss_flat",))
    calls = [
        bare.search,
        lambda question: search(client, dense, question),
        recorded,
        lambda question: search(client, dense_fp32, question),
    ]
    times = interleaved(calls, questions)
    return [
        *latencies(times, stages),
        *parallel(server, bare, questions, dense),
        *contexts(client, questions),
        *personal_contexts(client, questions, setup("auto")),
    ]


def latencies(times: list[list[float]], stages: dict[str, list[float]]) -> list[Row]:
    """Return the rows on single searches: bare, dense, hybrid, dense fp32, and the hybrid's stages."""
    p50 = [percentile_ms(one, 50) for one in times]
    rows = [
        Row(f"search p50 / p95: {name}", f"{percentile_ms(one, 50):.1f} / {percentile_ms(one, 95):.1f} ms", "")
        for name, one in zip(("bare, fp32", "dense", "hybrid", "dense, fp32"), times, strict=True)
    ]
    rows += [
        Row(f"  hybrid, stage {stage} p50 / p95", f"{percentile_ms(one, 50):.2f} / {percentile_ms(one, 95):.2f} ms", "")
        for stage, one in sorted(stages.items())
    ]
    return [
        *rows,
        Row("dense through HTTP over bare, p50", f"{p50[1] / p50[0]:.2f}x", "< 1.6x", p50[1] < 1.6 * p50[0]),
        Row("hybrid through HTTP over bare, p50", f"{p50[2] / p50[0]:.2f}x", "< 2.3x", p50[2] < 2.3 * p50[0]),
        Row("dense fp32 through HTTP over bare, p50", f"{p50[3] / p50[0]:.2f}x", ""),
    ]


def parallel(server: RunningServer, bare: Bare, questions: list[str], dense: dict[str, Any]) -> list[Row]:
    """Compare eight clients with eight threads of the bare search, in turn."""

    def client_call() -> Any:
        client = server.client()
        body = {"setup": dense, "k": 10}
        return lambda question: client.expect("POST", "/v1/workspaces/search/searches", {**body, "query": question})

    ratios = []
    for _ in range(REPETITIONS):
        bare_rate = rate(lambda: bare.search, questions, 8, CLIENT_SECONDS)
        ratios.append(rate(client_call, questions, 8, CLIENT_SECONDS) / bare_rate)
    ratio = statistics.median(ratios)
    return [Row("8 clients, requests/s over 8 bare threads", f"{ratio:.2f}", "> 0.74", ratio > 0.74)]


def contexts(client: Client, questions: list[str]) -> list[Row]:
    """Compare assembling a context with the search it rests on, question by question."""
    made = {"setup": setup("auto"), "budget_tokens": 3000}

    def call(question: str) -> None:
        seconds = client.expect("POST", "/v1/workspaces/search/contexts", {**made, "question": question})["seconds"]
        assembly.append(seconds["assembly"])

    found = {"setup": setup("auto"), "k": 100}
    calls = [
        call,
        lambda question: client.expect("POST", "/v1/workspaces/search/searches", {**found, "query": question}),
    ]
    assembly: list[float] = []
    times = interleaved(calls, questions)
    extra = [whole - search for whole, search in zip(*times, strict=True)]
    p95 = percentile_ms(assembly, 95)
    measured = f"{percentile_ms(assembly, 50):.2f} / {p95:.2f} ms"
    return [
        Row("context assembly p50 / p95, each question for the first time", measured, "p95 <= 5 ms", p95 <= 5),
        Row("context over search with 100 hits, whole request, p50", f"{percentile_ms(extra, 50):.2f} ms", ""),
    ]


def during_ingest(server: RunningServer, corpus: Corpus) -> list[Row]:
    """Search while documents are ingested; beside it, the same searches on an idle service."""
    client, worker = server.client(), server.client()
    questions = corpus.questions[:QUESTIONS]
    body = {"setup": setup("auto"), "k": 10}

    def search(question: str) -> object:
        return client.expect("POST", "/v1/workspaces/search/searches", {**body, "query": question})

    idle = [seconds_of(lambda question=question: search(question)) for question in questions]  # type: ignore[misc]  # a lambda with a default has no type
    documents = [(f"{title} again", f"{text} once more") for title, text in corpus.documents[:1_000]]
    worker.expect("POST", "/v1/workspaces", {"id": "busy", "name": "busy", "preset": "no_context"})
    ingesting = threading.Thread(target=lambda: build(worker, "/v1/workspaces/busy", documents))
    ingesting.start()
    busy: list[float] = []
    while ingesting.is_alive():
        busy.append(seconds_of(lambda: search(questions[len(busy) % len(questions)])))
    ingesting.join()
    worst = max(busy) * 1_000
    values = f"{percentile_ms(busy, 95):.1f} / {percentile_ms(idle, 95):.1f} ms"
    return [
        Row(
            f"search p95 during an ingest / idle ({len(busy)} searches, worst {worst:.0f} ms)",
            values,
            "all answered",
            True,
        )
    ]


def main() -> int:
    """Run everything; return 1 where a target is missed."""
    corpus = load_corpus()
    print(f"{len(corpus.documents)} documents of {corpus.name}; this takes some minutes", flush=True)
    is_light = subprocess.run([sys.executable, "-c", LIGHT], check=False).returncode == 0
    bare = Bare()
    rows = [Row("`import app.main` loads neither torch nor faiss", "yes" if is_light else "no", "yes", is_light)]
    rows += chunking([text for _, text in corpus.documents])
    rows += embedding(corpus, bare)
    with tempfile.TemporaryDirectory() as folder, running_server(Path(folder)) as server:
        rows += ingest(server.client(), corpus)
        rows += searches(server, corpus, bare)
        rows += during_ingest(server, corpus)
        rows += experiments(server.client(), corpus)
    rows += statistics_of_300_pairs()
    show("Benchmarks", rows)
    return int(any(row.is_reached is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
