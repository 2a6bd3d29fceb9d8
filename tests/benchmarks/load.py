"""`make load`: many clients at once for minutes, on a real server: no error, level memory, searches that stay quick.

Each client pauses between requests, as people do; documents are uploaded and deleted and experiments run meanwhile.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.corpus import Corpus, load_corpus
from tests.benchmarks.timing import Row, percentile_ms, show
from tests.running_server import Client, RunningServer, running_server, running_worker

CLIENTS = int(os.environ.get("LOAD_CLIENTS", "32"))
SECONDS = float(os.environ.get("LOAD_SECONDS", "600"))
IDLE_SECONDS = 20.0
PAUSE_SECONDS = 2.0
SETTLING_SECONDS = 60.0
SAMPLE_SECONDS = 2.0
MOST_GROWTH = 0.10
"""Part by which memory may be larger in the last quarter than in the one after the first minute."""

WORKSPACE = "/v1/workspaces/load"
SHARES = {"search": 60, "context": 20, "upload": 12, "delete": 6, "experiment": 2}


@dataclass
class Measured:
    """What the clients saw: seconds of each kind of request, errors, and the server's memory in MiB by second."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in SHARES})
    errors: list[str] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)


class Person:
    """One client with a random sequence of requests; each kind answers with what it asked."""

    def __init__(self, number: int, client: Client, corpus: Corpus, draw: random.Random) -> None:
        self._number = number
        self._client = client
        self._corpus = corpus
        self._draw = draw
        self._sent = 0
        self._mine: list[str] = []

    def ask(self, kind: str) -> tuple[int, Any]:
        """Send one request of a kind; return its status and answer."""
        return getattr(self, f"_{kind}")()  # type: ignore[no-any-return]  # each returns a status and JSON

    def _search(self) -> tuple[int, Any]:
        body = {"query": self._draw.choice(self._corpus.questions), "k": 10}
        return self._client.request("POST", f"{WORKSPACE}/searches", body)

    def _context(self) -> tuple[int, Any]:
        body = {"question": self._draw.choice(self._corpus.questions), "user_id": f"user{self._number % 8}"}
        return self._client.request("POST", f"{WORKSPACE}/contexts", body)

    def _upload(self) -> tuple[int, Any]:
        self._sent += 1
        name = f"client{self._number}-{self._sent % 4}"
        title, text = self._draw.choice(self._corpus.documents)
        document = {"external_id": name, "title": title, "text": f"{text} Edition {self._sent}."}
        status, answer = self._client.request("POST", f"{WORKSPACE}/documents", {"documents": [document]})
        if status == 202:
            self._mine.append(answer["documents"][0]["document_id"])
        return status, answer

    def _delete(self) -> tuple[int, Any]:
        if not self._mine:
            return self._upload()
        return self._client.request("DELETE", f"{WORKSPACE}/documents/{self._mine.pop(0)}")

    def _experiment(self) -> tuple[int, Any]:
        body = {
            "name": f"load {self._number}",
            "question_set": "load",
            "strategies": [{"strategy": "default"}, {"strategy": "lexical"}],
            "latency_requests": 0,
        }
        return self._client.request("POST", f"{WORKSPACE}/experiments", body)


def run_clients(
    server: RunningServer, corpus: Corpus, seconds: float, shares: dict[str, int], measured: Measured
) -> None:
    """Let the clients ask for so long and write down what they saw."""
    end = time.monotonic() + seconds
    lock = threading.Lock()

    def work(number: int) -> None:
        draw = random.Random(number)
        person = Person(number, server.client(), corpus, draw)
        time.sleep(draw.random() * PAUSE_SECONDS)
        while time.monotonic() < end:
            kind = draw.choices(list(shares), list(shares.values()))[0]
            begin = time.perf_counter()
            try:
                status, answer = person.ask(kind)
                wrong = "" if 200 <= status < 300 else f"{kind}: {status} {answer}"
            except Exception as error:
                wrong = f"{kind}: {type(error).__name__}: {error}"
            took = time.perf_counter() - begin
            with lock:
                measured.seconds[kind].append(took)
                measured.errors.extend([wrong] if wrong else [])
            time.sleep(draw.expovariate(1 / PAUSE_SECONDS))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    begin = time.monotonic()
    while any(thread.is_alive() for thread in threads):
        measured.memory.append((time.monotonic() - begin, memory_mib(server.process.pid)))
        time.sleep(SAMPLE_SECONDS)


def memory_mib(process_id: int) -> float:
    """Return the resident memory of a process."""
    for line in Path(f"/proc/{process_id}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def prepare(client: Client, corpus: Corpus) -> None:
    """Make the workspace with documents, users and marked questions, and wait until its default strategy answers."""
    client.expect("POST", "/v1/workspaces", {"id": "load", "name": "load"})
    client.expect("POST", f"{WORKSPACE}/strategies", {"name": "lexical", "preset": "lexical"})
    documents = [
        {"external_id": str(number), "title": title, "text": text}
        for number, (title, text) in enumerate(corpus.documents)
    ]
    sent = client.expect("POST", f"{WORKSPACE}/documents", {"documents": documents})
    client.wait_for(sent["job"]["id"], 0.25)
    for number in range(8):
        client.expect("PUT", f"{WORKSPACE}/users/user{number}", {"preferences": {"language": "English"}})
    questions = [
        {"question": question, "evidence": [{"external_id": str(number)}]}
        for number, question in enumerate(corpus.questions[:10])
    ]
    client.expect("POST", f"{WORKSPACE}/question-sets", {"name": "load", "questions": questions})
    for _ in range(3):  # the first search of a process loads the model
        client.expect("POST", f"{WORKSPACE}/searches", {"query": corpus.questions[0], "k": 10})


def rows_of(idle: Measured, busy: Measured) -> list[Row]:
    """Return the table."""
    counts = {kind: len(times) for kind, times in busy.seconds.items()}
    rows = [
        Row(
            f"{kind} p50 / p95 of {counts[kind]}",
            f"{percentile_ms(times, 50):.0f} / {percentile_ms(times, 95):.0f} ms",
            "",
        )
        for kind, times in busy.seconds.items()
        if times
    ]
    quiet, loaded = (percentile_ms(one.seconds["search"], 95) for one in (idle, busy))
    early, late = memory_levels(busy.memory)
    growth = late / early - 1
    return [
        Row(
            f"search p50 / p95 of {len(idle.seconds['search'])}, nothing else running",
            f"{percentile_ms(idle.seconds['search'], 50):.0f} / {quiet:.0f} ms",
            "",
        ),
        *rows,
        Row("errors", str(len(busy.errors)), "0", not busy.errors),
        Row(
            "search p95 over that of the clients that only search",
            f"{loaded / quiet:.2f}x",
            "<= 3x",
            loaded <= 3 * quiet,
        ),
        Row(
            "memory after the first minute, at the end", f"{early:.0f}, {late:.0f} MiB", "level", growth <= MOST_GROWTH
        ),
    ]


def memory_levels(memory: list[tuple[float, float]]) -> tuple[float, float]:
    """Return the mean memory of the quarter after the first minute, and of the last quarter."""
    settled = [mib for at, mib in memory if at >= min(SETTLING_SECONDS, SECONDS / 4)]
    quarter = max(1, len(settled) // 4)
    return float(np.mean(settled[:quarter])), float(np.mean(settled[-quarter:]))


def main() -> int:
    """Run it; return 1 where a target is missed."""
    corpus = load_corpus()
    print(f"{CLIENTS} clients for {SECONDS:.0f} s over {len(corpus.documents)} documents of {corpus.name}", flush=True)
    idle, busy = Measured(), Measured()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_worker(Path(folder)),
        running_server(Path(folder), worker="false") as server,
    ):
        prepare(server.client(), corpus)
        print("searches alone", flush=True)
        run_clients(server, corpus, IDLE_SECONDS, {"search": 1}, idle)
        print("everything at once", flush=True)
        run_clients(server, corpus, SECONDS, SHARES, busy)
    rows = rows_of(idle, busy)
    show("Load", rows)
    for error in sorted(set(busy.errors))[:10]:
        print(error[:500])
    return int(any(row.is_reached is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
