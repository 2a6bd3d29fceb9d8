"""What must be so after kills, once every process is back and every job has ended."""

from __future__ import annotations

import contextlib
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from app.evaluation.experiments.records import CellRow, ExperimentRow
from app.verification import verify
from configs.settings import Settings
from indexes.database.engine import Database
from indexes.database.tables import ChunkRow, Document, IndexRow, Served, Version
from ingest.recipe import IndexRecipe
from tests.app.test_kill import DENSE, LEXICAL, SECOND_SETUP, all_documents, found, wait_until_idle
from tests.running_server import Client, RunningServer
from tests.torture.attacker import ANCHORS, GRAPH, STRATEGIES, WORKSPACE
from tests.torture.cluster import Cluster
from tests.torture.ledger import DocumentFacts, Ledger

QUERIES = ("how large should chunks be", "what survives kill -9", "Note", "budget tokens reserve", "answer a question")
DOCUMENTS_PER_REQUEST = 500
GRAPH_QUERIES = 50
GRAPH_DEPTH = 10
GRAPH_RECALL = 0.98


class Audit:
    """Compares a service that is at rest with a ledger; every fault goes into the ledger."""

    def __init__(self, cluster: Cluster, ledger: Ledger) -> None:
        self._cluster = cluster
        self._ledger = ledger
        self._draw = random.Random(0)

    def check(self, *, rebuild: bool) -> None:
        """Check everything; with `rebuild` also compare searches with those of an installation that is made anew."""
        database = Database(self._cluster.database_url)
        with contextlib.closing(database), contextlib.closing(self._cluster.client(self._draw)) as client:
            jobs = {job["id"]: job for job in wait_until_idle(client)}
            faults = list(self._faults(client, database, jobs))
            if rebuild and not faults:
                faults = list(self._differences(client))
        for fault in faults:
            self._ledger.fault(fault)

    def _faults(self, client: Client, database: Database, jobs: dict[str, dict[str, Any]]) -> Iterator[str]:
        for job in jobs.values():
            if job["state"] != "succeeded" and not _rested_on_what_was_erased(job):
                yield f"job {job['id']} ({job['kind']}) {job['state']}: {job['error']}"
        yield from self._documents(client)
        yield from self._indexes(client)
        yield from self._users(client)
        yield from self._experiments(client, database, jobs)
        yield from self._aliases(client)
        yield from _doubled(database)
        settings = Settings(data_folder=self._cluster.data_folder, database_url=self._cluster.database_url)
        yield from verify(settings, repair=False)

    def _documents(self, client: Client) -> Iterator[str]:
        there: dict[str, dict[str, Any]] = {}
        for one in all_documents(client, "fire"):
            name = one["external_id"]
            if name in there:
                yield f"document {name} is there twice"
            there[name] = one
        anchors = {f"anchor-{number}" for number in range(ANCHORS)}
        yield from (f"document {name} is lost" for name in sorted(anchors - there.keys()))
        yield from (f"nobody sent {name}" for name in sorted(there.keys() - anchors - self._ledger.documents.keys()))
        for name, facts in self._ledger.documents.items():
            yield from self._document(client, name, facts, there.get(name))

    def _document(self, client: Client, name: str, facts: DocumentFacts, view: dict[str, Any] | None) -> Iterator[str]:
        if view is None:
            if None not in facts.possible:
                yield f"document {name} is lost"
            return
        text = client.expect("GET", f"{WORKSPACE}/documents/{view['id']}/text")["text"]
        if text not in facts.possible:
            yield f"document {name} has a text that it must not have: {text[:60]!r}"
        if (view["state"], view["version"]) != ("ready", view["answering_version"]):
            yield f"document {name} is {view['state']} and answers with version {view['answering_version']}"
        if not facts.versions_acknowledged <= view["version"] <= facts.versions_sent:
            known = f"{facts.versions_acknowledged} to {facts.versions_sent}"
            yield f"document {name} has {view['version']} versions; {known} were sent"

    def _indexes(self, client: Client) -> Iterator[str]:
        documents = len(all_documents(client, "fire"))
        for index in client.expect("GET", f"{WORKSPACE}/indexes")["items"]:
            if (index["state"], index["documents"]) != ("current", documents):
                yield f"index {index['id']} is {index['state']} with {index['documents']} of {documents} documents"
            intact = client.expect("GET", f"{WORKSPACE}/indexes/{index['id']}/integrity")
            if not intact["is_intact"] or intact["rows_served"] != index["chunks"]:
                yield f"index {index['id']} is not intact: {intact}"

    def _users(self, client: Client) -> Iterator[str]:
        for user, created in self._ledger.feedback.items():
            given = _all(client, f"{WORKSPACE}/users/{user}/feedback")
            yield from (f"feedback of {user}: {wrong}" for wrong in created.check([one["id"] for one in given]))
        erased = _all(client, f"{WORKSPACE}/erasures")
        yield from (f"erasures: {wrong}" for wrong in self._ledger.erasures.check([one["id"] for one in erased]))
        yield from (f"erasure {one['id']} is not finished" for one in erased if one["finished_at"] is None)

    def _experiments(self, client: Client, database: Database, jobs: dict[str, dict[str, Any]]) -> Iterator[str]:
        listed = _all(client, f"{WORKSPACE}/experiments")
        yield from (f"experiments: {wrong}" for wrong in self._ledger.experiments.check([one["id"] for one in listed]))
        with database.read() as session:
            counts = select(CellRow.experiment_id, func.count()).group_by(CellRow.experiment_id)
            cells = {row[0]: row[1] for row in session.execute(counts)}
            finished = select(ExperimentRow.id, ExperimentRow.job_id).where(ExperimentRow.finished_at.is_not(None))
            for identifier, job_id in session.execute(finished):
                if cells.get(identifier) != ANCHORS * len(STRATEGIES):
                    yield f"experiment {identifier} has {cells.get(identifier)} cells"
                if jobs[job_id]["state"] != "succeeded":
                    yield f"experiment {identifier} is finished, its job {job_id} is {jobs[job_id]['state']}"

    def _aliases(self, client: Client) -> Iterator[str]:
        for name, facts in self._ledger.aliases.items():
            view = client.expect("GET", f"{WORKSPACE}/aliases/{name}")
            changes = {
                one["number"]: one["kind"]
                for one in client.expect("GET", f"{WORKSPACE}/aliases/{name}/changes?limit=200")["items"]
            }
            recent = {number: kind for number, kind in facts.changes.items() if number > view["last_change"] - 200}
            if wrong := recent.items() - changes.items():
                yield f"alias {name} has lost changes {sorted(wrong)}"
            if view["last_change"] > len(facts.changes) + facts.unanswered:
                yield f"alias {name} has {view['last_change']} changes, {len(facts.changes)} are known"
            active = None if view["active"] is None else STRATEGIES.index(view["active"]["strategy"])
            if active not in facts.active:
                yield f"alias {name} answers with {view['active']}"

    def _differences(self, client: Client) -> Iterator[str]:
        """Search in an installation that is made anew of the same documents, and tell what it finds differently."""
        documents = [
            {
                "external_id": one["external_id"],
                "text": client.expect("GET", f"{WORKSPACE}/documents/{one['id']}/text")["text"],
            }
            for one in all_documents(client, "fire")
        ]
        with tempfile.TemporaryDirectory() as folder, _clean_server(Path(folder)) as clean:
            clean.expect("POST", "/v1/workspaces", {"id": "fire", "name": "Clean", "preset": "model_free"})
            for first in range(0, len(documents), DOCUMENTS_PER_REQUEST):
                body = {"documents": documents[first : first + DOCUMENTS_PER_REQUEST]}
                clean.wait_for(clean.expect("POST", f"{WORKSPACE}/documents", body)["job"]["id"])
            clean.wait_for(clean.expect("POST", f"{WORKSPACE}/indexes", {"setup": SECOND_SETUP})["job"]["id"])
            for query in QUERIES:
                for setup in (LEXICAL, DENSE):  # fused scores depend on the order of ties, which is by random ids
                    if found(client, "fire", query, setup) != found(clean, "fire", query, setup):
                        yield f"a search for {query!r} finds something else than in a clean rebuild: {setup}"
            recall = _recall(client, clean, [self._draw.choice(documents)["text"] for _ in range(GRAPH_QUERIES)])
            if recall < GRAPH_RECALL:
                yield f"the graph finds {recall:.3f} of what a clean rebuild finds exactly, not {GRAPH_RECALL}"


def _recall(client: Client, clean: Client, texts: list[str]) -> float:
    """Return the share of the exact best that the graph finds; those that score like the last of them count as it."""
    there = 0
    for text in texts:
        query = " ".join(text.split("\n\n")[2].split()[:12])
        exact = _scores(clean, query, DENSE)
        there += sum(score >= exact[-1] - 1e-6 for score in _scores(client, query, GRAPH))
    return there / (len(texts) * GRAPH_DEPTH)


def _scores(client: Client, query: str, setup: dict[str, Any]) -> list[float]:
    body = {"query": query, "k": GRAPH_DEPTH, "setup": setup}
    return [one["score"] for one in client.expect("POST", f"{WORKSPACE}/searches", body)["passages"]]


def _rested_on_what_was_erased(job: dict[str, Any]) -> bool:
    """An experiment fails, as documented, where one of its documents was erased before it ended."""
    error = job["error"] or {"code": ""}
    return bool(job["kind"] == "run_experiment" and error["code"] == "content_erased")


@contextlib.contextmanager
def _clean_server(folder: Path) -> Iterator[Client]:
    server = RunningServer(folder, database_url=f"sqlite:///{folder / 'playground.sqlite'}")
    try:
        server.wait_until_ready()
        yield server.client()
    finally:
        server.stop()


def _all(client: Client, path: str) -> list[dict[str, Any]]:
    """Return every item of a list."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = client.expect("GET", f"{path}?limit=200{cursor}")
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = f"&cursor={page['next_cursor']}"


def _doubled(database: Database) -> Iterator[str]:
    """Yield what is wrong with chunks and with what indexes answer: each live document once, with each chunk once."""
    with database.read() as session:
        counts = select(ChunkRow.version_id, ChunkRow.chunking, func.count(), func.max(ChunkRow.ordinal))
        chunks: dict[tuple[str, str], int] = {}
        for version_id, chunking, count, last in session.execute(
            counts.group_by(ChunkRow.version_id, ChunkRow.chunking)
        ):
            chunks[version_id, chunking] = count
            if last + 1 != count:
                yield f"version {version_id} has {count} chunks up to number {last}"
        live = {
            row.id: row.ready_version_id
            for row in session.execute(
                select(Document.id, Document.ready_version_id).where(Document.deleted_at.is_(None))
            )
        }
        for index in session.scalars(select(IndexRow)):
            chunking = IndexRecipe.model_validate(index.recipe).chunking
            served = session.scalars(select(Served).where(Served.index_id == index.id)).all()
            answers = {one.document_id: one.version_id for one in served if one.document_id in live}
            if answers != live:
                yield f"index {index.id} does not answer with exactly the live documents"
            for one in served:
                if one.document_id in live and one.row_count != chunks.get((one.version_id, chunking), 0):
                    yield f"index {index.id} has {one.row_count} rows of version {one.version_id}"
        numbers = select(Version.document_id, Version.number).group_by(Version.document_id, Version.number)
        for document_id, number in session.execute(numbers.having(func.count() > 1)):
            yield f"document {document_id} has version {number} twice"
