"""A client that sends one random request after another and writes down what it was told."""

from __future__ import annotations

import http.client
import random
import threading
from typing import Any, Literal

from indexes.jobs import FINAL_STATES
from tests.app.test_kill import DENSE, SECOND_SETUP, texts
from tests.running_server import Client
from tests.torture.cluster import Cluster
from tests.torture.ledger import AliasFacts, DocumentFacts, Ledger, Outcome

WORKSPACE = "/v1/workspaces/fire"
ANCHORS = 12
"""Documents that nobody changes or erases; feedback and questions are about them."""
NAMES_PER_CLIENT = 40
SHARES = {
    "upload": 40, "delete": 10, "erase": 4, "feedback": 12, "experiment": 6, "promote": 10, "build": 4, "search": 14,
}  # fmt: skip
STORES: dict[str, list[dict[str, Any]]] = {"words": [{"kind": "bm25"}], "loose": [{"kind": "bm25", "k1": 0.9}]}
STRATEGIES = tuple(STORES)
GRAPH: dict[str, Any] = {**DENSE, "stores": [{"kind": "faiss_hnsw"}]}
BUILT = (SECOND_SETUP, GRAPH)
"""The indexes that are built and asked for again: an exact one and a graph."""
WAIT_SECONDS = 0.1
JOB_KINDS = ("upload", "erase", "experiment", "build")
MOST_JOBS = 4
"""Jobs that a client leaves unfinished before it asks for another: more would only lengthen the queue."""
PAUSE_SECONDS = 0.1
NO_EFFECT = ("database_unavailable", "conflict")
"""Codes that a service under fire may answer; each promises that nothing was changed."""

Answer = tuple[Outcome | Literal["refused"], Any]


class Attacker:
    """One thread's worth of requests: it alone writes to its documents, its user and its alias."""

    def __init__(self, number: int, cluster: Cluster, ledger: Ledger, seed: str) -> None:
        self.name = f"c{number}"
        self._cluster = cluster
        self._ledger = ledger
        self.rests = threading.Event()
        self._draw = random.Random(f"{seed}/{number}")
        self._client: Client | None = None
        self._ids: dict[str, str] = {}
        self._jobs: list[str] = []
        self._sent = 0
        self._anchors: list[str] = []
        ledger.aliases[self.name] = AliasFacts()

    def prepare(self, anchors: list[str]) -> None:
        """Make the user and the alias, in peace, and take note of the documents that stay."""
        self._anchors = anchors
        client = self._cluster.client(self._draw)
        client.expect("PUT", f"{WORKSPACE}/users/{self.name}", {})
        client.expect("PUT", f"{WORKSPACE}/aliases/{self.name}", {})
        self._ledger.aliases[self.name].changes[1] = "created"
        client.close()

    def attack(self, until: threading.Event, pause: threading.Event) -> None:
        """Send requests until told to end; stand still while `pause` is set."""
        while not until.is_set():
            if pause.is_set():
                self.rests.set()
                until.wait(WAIT_SECONDS)
                continue
            self.rests.clear()
            until.wait(self._draw.expovariate(1 / PAUSE_SECONDS))
            kind = self._draw.choices(list(SHARES), list(SHARES.values()))[0]
            try:
                if kind in JOB_KINDS and self._is_waiting():
                    continue
                getattr(self, f"_{kind}")()
            except Exception as error:  # a thread that ends quietly would attack no more
                self._ledger.fault(f"{self.name} {kind}: {type(error).__name__}: {error}")
                break
        self._close()
        self.rests.set()

    def _send(self, kind: str, method: str, path: str, body: Any = None, *allowed: str) -> Answer:
        """Send a request to some server; a problem that is not to be expected is a fault."""
        if self._client is None or self._draw.random() < 0.1:
            self._close()
            self._client = self._cluster.client(self._draw)
        try:
            status, answer = self._client.request(method, path if kind == "look" else f"{WORKSPACE}{path}", body)
        except (OSError, http.client.HTTPException) as error:
            self._ledger.note(kind, f"{self.name} {method} {path} unanswered: {type(error).__name__}")
            self._close()
            if isinstance(error, ConnectionRefusedError):
                threading.Event().wait(WAIT_SECONDS)
                return "refused", None
            return "unanswered", None
        if 200 <= status < 300:
            self._ledger.note(kind, f"{self.name} {method} {path} {status}")
            if method == "POST" and isinstance(answer.get("job"), dict):
                self._jobs.append(answer["job"]["id"])
            return "acknowledged", answer
        if answer["code"] in (*NO_EFFECT, *allowed):
            self._ledger.note(f"{kind} refused", f"{self.name} {method} {path} {status} {answer['code']}")
        else:
            self._ledger.fault(f"{self.name} {method} {path}: {status} {answer}")
        return "refused", answer

    def _is_waiting(self) -> bool:
        """Tell whether enough of the client's jobs are under way; those that have ended are forgotten."""
        for job_id in list(self._jobs):
            outcome, job = self._send("look", "GET", f"/v1/jobs/{job_id}")
            if outcome == "acknowledged" and job["state"] in FINAL_STATES:
                self._jobs.remove(job_id)
        return len(self._jobs) >= MOST_JOBS

    def _close(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None

    def _upload(self) -> None:
        names = self._draw.sample(range(NAMES_PER_CLIENT), self._draw.randint(1, 6))
        sent: dict[str, str] = {}
        for number in names:
            name = f"{self.name}-d{number}"
            if self._ledger.documents.setdefault(name, DocumentFacts()).is_retired:
                name = f"{name}-{self._sent}"
                self._ledger.documents[name] = DocumentFacts()
            self._sent += 1
            sent[name] = texts(self._draw, 1)[0]
        documents = [{"external_id": name, "text": text} for name, text in sent.items()]
        outcome, answer = self._send("upload", "POST", "/documents", {"documents": documents})
        if outcome == "refused":
            return
        for name, text in sent.items():
            self._ledger.documents[name].wrote(text, outcome)
        if outcome == "acknowledged":
            self._ids |= {one["external_id"]: one["document_id"] for one in answer["documents"]}

    def _delete(self) -> None:
        if not self._ids:
            return
        name = self._draw.choice(sorted(self._ids))
        outcome, _ = self._send("delete", "DELETE", f"/documents/{self._ids[name]}")
        if outcome != "refused":
            self._ledger.documents[name].wrote(None, outcome)
        if outcome == "acknowledged":
            del self._ids[name]

    def _erase(self) -> None:
        if not self._ids:
            return
        name = self._draw.choice(sorted(self._ids))
        outcome, answer = self._send("erase", "POST", "/erasures", {"external_id": name})
        if outcome == "refused":
            return
        self._ledger.documents[name].wrote(None, outcome)
        self._ledger.documents[name].is_retired = True
        del self._ids[name]
        self._ledger.erasure(outcome, answer["erasure"]["id"] if answer else "", name)

    def _feedback(self) -> None:
        body = {"document_id": self._draw.choice(self._anchors), "signal": "thumb_up"}
        outcome, answer = self._send("feedback", "POST", f"/users/{self.name}/feedback", body)
        if outcome != "refused":
            self._ledger.gave_feedback(self.name, outcome, answer["id"] if answer else "")

    def _experiment(self) -> None:
        strategies = [{"strategy": name} for name in STRATEGIES]
        body = {"name": self.name, "question_set": "anchors", "strategies": strategies, "latency_requests": 0}
        outcome, answer = self._send("experiment", "POST", "/experiments", body)
        if outcome == "acknowledged":
            self._ledger.experiment(outcome, answer["experiment"]["id"], answer["job"]["id"])
        elif outcome == "unanswered":
            self._ledger.experiment(outcome)

    def _promote(self) -> None:
        facts = self._ledger.aliases[self.name]
        name = self._draw.choice(STRATEGIES)
        version = STRATEGIES.index(name)
        tail = f"/aliases/{self.name}"
        outcome, answer = self._send("candidate", "PUT", f"{tail}/candidate", {"strategy": name}, "already_active")
        if outcome == "unanswered":
            facts.unanswered += 1
        if outcome != "acknowledged":
            return
        facts.changes[answer["last_change"]] = "candidate"
        body = {"reason": "torture", "override_reason": "torture"}
        outcome, answer = self._send("promote", "POST", f"{tail}/promotions", body)
        if outcome == "unanswered":
            facts.unanswered += 1
            facts.active.add(version)
        elif outcome == "acknowledged":
            facts.changes[answer["number"]] = "promoted"
            facts.active = {version}

    def _build(self) -> None:
        self._send("build", "POST", "/indexes", {"setup": self._draw.choice(BUILT), "maintained": True})

    def _search(self) -> None:
        query = " ".join(self._draw.sample(["chunk", "budget", "tokens", "context", "answer", "document", "kill"], 3))
        setup = self._draw.choice(({}, {"setup": GRAPH}))
        self._send("search", "POST", "/searches", {"query": query, "k": 10, **setup})
