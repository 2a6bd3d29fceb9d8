"""A real server killed in the middle of an experiment: the next one goes on and finds what an undisturbed one does."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.evaluation.experiments.records import CellRow
from tests.app.test_kill import DENSE, LEXICAL, texts
from tests.database import opened_database
from tests.running_server import Client, RunningServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

DOCUMENTS = 60
QUESTIONS = 120
KILLS = 3
STRATEGIES = [
    {"label": "words", "setup": LEXICAL, "grid": {"settings": {"stores.0.k1": [0.9, 1.2, 1.5]}}},
    {"label": "meaning", "setup": DENSE},
]


def questions_of(documents: list[str]) -> list[dict[str, Any]]:
    """Return questions whose answer is the first line of a document, which no other has."""
    questions = []
    for number in range(QUESTIONS):
        text = documents[number % DOCUMENTS]
        paragraph = text.split("\n\n")[1 + number // DOCUMENTS]
        evidence = {"external_id": f"doc-{number % DOCUMENTS}", "start": 0, "end": len(text.split("\n")[0])}
        questions.append({"question": " ".join(paragraph.split()[:12]), "evidence": [evidence]})
    return questions


def prepare(client: Client) -> None:
    """Fill the workspace `lab`."""
    made = texts(random.Random(7), DOCUMENTS)
    client.expect("POST", "/v1/workspaces", {"id": "lab", "name": "Laboratory", "preset": "model_free"})
    documents = [{"external_id": f"doc-{number}", "text": text} for number, text in enumerate(made)]
    client.wait_for(client.expect("POST", "/v1/workspaces/lab/documents", {"documents": documents})["job"]["id"])
    body = {"name": "lines", "questions": questions_of(made)}
    client.expect("POST", "/v1/workspaces/lab/question-sets", body)


def start(client: Client) -> dict[str, Any]:
    body = {"name": "Killed", "question_set": "lines", "strategies": STRATEGIES, "latency_requests": 0}
    started: dict[str, Any] = client.expect("POST", "/v1/workspaces/lab/experiments", body)
    return started


def findings(client: Client, started: dict[str, Any]) -> dict[str, Any]:
    client.wait_for(started["job"]["id"])
    view = client.expect("GET", f"/v1/workspaces/lab/experiments/{started['experiment']['id']}")
    assert view["cells_finished"] == QUESTIONS * 4
    found: dict[str, Any] = view["findings"]
    return found


def cells(folder: Path, experiment_id: str) -> dict[tuple[int, int], float]:
    """Return the finished cells with what they hold, read beside the server."""
    columns = select(CellRow.strategy_number, CellRow.question_number, CellRow.seconds)
    with opened_database(folder) as database, database.read() as session:
        rows = session.execute(columns.where(CellRow.experiment_id == experiment_id)).all()
    return {(strategy, question): seconds for strategy, question, seconds in rows}


def test_a_killed_experiment_goes_on_where_it_was(tmp_path: Path) -> None:
    server = RunningServer(tmp_path)
    try:
        server.wait_until_ready()
        prepare(server.client())
        started = start(server.client())
        identifier = started["experiment"]["id"]
        kept: dict[tuple[int, int], float] = {}
        for _ in range(KILLS):
            deadline = time.monotonic() + 60
            while len(cells(tmp_path, identifier)) <= len(kept):
                assert time.monotonic() < deadline, "no cell was added"
                time.sleep(0.01)
            server.kill()
            now = cells(tmp_path, identifier)
            assert kept.items() <= now.items(), "a finished cell was computed again"
            kept = now
            server = RunningServer(tmp_path)
            server.wait_until_ready()
        assert len(kept) < QUESTIONS * 4, "the experiment was over before it was killed"
        resumed = findings(server.client(), started)
        assert kept.items() <= cells(tmp_path, identifier).items()
        assert resumed == findings(server.client(), start(server.client()))
    finally:
        server.stop()
