"""One campaign: clients attack, processes die at random moments, and audits compare the service with the ledger."""

from __future__ import annotations

import contextlib
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from tests.app.test_kill import LEXICAL, texts
from tests.torture.attacker import ANCHORS, BUILT, STORES, WORKSPACE, Attacker
from tests.torture.audit import Audit
from tests.torture.cluster import Cluster, remove_database
from tests.torture.ledger import Ledger

CLIENTS = 6
InPeace = Callable[[], AbstractContextManager[None]]
LOG_LINES_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a campaign does. Every random choice of it comes from `seed`; the moments of the threads do not."""

    kills: int
    seed: int
    on_postgresql: bool
    kills_per_audit: int = 10
    most_seconds_between_kills: float = 2.0
    servers: int = 2
    workers: int = 2
    starts_warm: bool = False
    """Whether processes start without the time of their imports, as `tests.warm_processes` says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a campaign did and found; it failed where there are faults."""

    faults: list[str]
    killed: dict[str, int]
    operations: dict[str, int]
    log: list[str]
    seconds: float
    root: Path

    def lines(self) -> list[str]:
        """Return the report, with the last operations where something is wrong."""
        lines = [
            f"kills: {sum(self.killed.values())} {self.killed}; {self.seconds:.0f} s",
            f"operations: {sum(self.operations.values())} {dict(sorted(self.operations.items()))}",
            f"faults: {len(self.faults)}",
            *(f"  {fault}" for fault in self.faults),
        ]
        if self.faults:
            lines += [f"kept: {self.root}", "the last operations:", *self.log[-LOG_LINES_SHOWN:]]
        return lines


def run(plan: Plan) -> Report:
    """Carry a campaign out. Its folder is removed where nothing is wrong; else it is kept, with logs."""
    root = Path(tempfile.mkdtemp(prefix=f"torture-{plan.seed}-"))
    began = time.monotonic()
    ledger = Ledger()
    killed: dict[str, int] = {}
    cluster = Cluster(
        root,
        on_postgresql=plan.on_postgresql,
        servers=plan.servers,
        workers=plan.workers,
        starts_warm=plan.starts_warm,
    )
    try:
        cluster.wait_until_ready()
        with _attack(cluster, ledger, str(plan.seed)) as pause:
            _kill(plan, cluster, ledger, pause, killed)
    except Exception as error:
        ledger.fault(f"the campaign ended: {type(error).__name__}: {error}")
    finally:
        cluster.stop()
    (root / "operations.log").write_text("\n".join(ledger.log), encoding="utf-8")
    report = Report(
        faults=ledger.faults, killed=killed, operations=ledger.operations, log=ledger.log,
        seconds=time.monotonic() - began, root=root,
    )  # fmt: skip
    if not report.faults:
        remove_database(cluster)
        shutil.rmtree(root)
    return report


def _kill(
    plan: Plan,
    cluster: Cluster,
    ledger: Ledger,
    pause: Callable[[], AbstractContextManager[None]],
    killed: dict[str, int],
) -> None:
    draw = random.Random(plan.seed)
    for number in range(1, plan.kills + 1):
        time.sleep(draw.uniform(0.0, plan.most_seconds_between_kills))
        if draw.random() < 0.5:  # else it may meet a process that is about to start
            cluster.wait_until_alive()
        name = cluster.kill_one(draw)
        killed[name.split()[0]] = killed.get(name.split()[0], 0) + 1
        ledger.note("kill", name)
        if number % plan.kills_per_audit == 0 or number == plan.kills:
            with pause():
                cluster.wait_until_ready()
                Audit(cluster, ledger).check(rebuild=number == plan.kills)
            print(f"{number} kills, {len(ledger.log)} operations, {len(ledger.faults)} faults", flush=True)
            if ledger.faults:
                return


@contextlib.contextmanager
def _attack(cluster: Cluster, ledger: Ledger, seed: str) -> Iterator[InPeace]:
    """Let clients attack; yield what makes them pause, with nothing left unanswered, for as long as it is entered."""
    anchors = _prepare(cluster)
    until, pause = threading.Event(), threading.Event()
    attackers = [Attacker(number, cluster, ledger, seed) for number in range(CLIENTS)]
    for attacker in attackers:
        attacker.prepare(anchors)
    threads = [threading.Thread(target=one.attack, args=(until, pause), daemon=True) for one in attackers]
    for thread in threads:
        thread.start()

    @contextlib.contextmanager
    def in_peace() -> Iterator[None]:
        pause.set()
        for attacker in attackers:
            attacker.rests.wait()
        yield
        pause.clear()

    try:
        yield in_peace
    finally:
        until.set()
        for thread in threads:
            thread.join(10)


def _prepare(cluster: Cluster) -> list[str]:
    """Make the workspace with its anchors, question set and strategies; return the anchors' ids."""
    client = cluster.client(random.Random(0))
    client.expect("POST", "/v1/workspaces", {"id": "fire", "name": "Under fire", "preset": "model_free"})
    for name, stores in STORES.items():
        setup = {"chunker": LEXICAL["chunker"], "stores": stores}
        body = {"name": name, "strategy": {"retrieval": setup}}
        client.expect("POST", f"{WORKSPACE}/strategies", body)
    made = texts(random.Random(7), ANCHORS)
    documents = [{"external_id": f"anchor-{number}", "text": text} for number, text in enumerate(made)]
    sent = client.expect("POST", f"{WORKSPACE}/documents", {"documents": documents})
    client.wait_for(sent["job"]["id"])
    for setup in BUILT:
        built = client.expect("POST", f"{WORKSPACE}/indexes", {"setup": setup, "maintained": True})
        client.wait_for(built["job"]["id"])
    built = client.expect("POST", f"{WORKSPACE}/indexes", {"strategy": "words", "maintained": True})
    client.wait_for(built["job"]["id"])
    questions = [
        {
            "question": " ".join(text.split("\n\n")[1].split()[:12]),
            "evidence": [{"external_id": f"anchor-{number}", "start": 0, "end": len(text.split("\n")[0])}],
        }
        for number, text in enumerate(made)
    ]
    client.expect("POST", f"{WORKSPACE}/question-sets", {"name": "anchors", "questions": questions})
    client.close()
    return [one["document_id"] for one in sent["documents"]]
