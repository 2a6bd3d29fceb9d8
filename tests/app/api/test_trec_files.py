"""Runs and judgements that another program reads, and scores as the service does."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any

import ir_measures
import pytest
from starlette.testclient import TestClient

from tests.app.api.playground import Workspace, lexical

TEXTS = {
    "the oak %20": "The oak carries acorns. Ships were built of it for centuries.",
    "birch\ttree": "The birch has white bark. Its sap tastes sweet in spring, and ships carry it.",
    "willow": "The willow drinks much water. Baskets are woven from its rods, not ships.",
    "pine": "The pine smells of resin. Masts of ships were made of it, and baskets never.",
}
QUESTIONS = [
    {"id": "ships", "question": "What were ships made of?", "evidence": [
        {"external_id": "the oak %20", "grade": 3}, {"external_id": "pine", "grade": 2}]},
    {"id": "baskets", "question": "What are baskets woven from?", "evidence": [{"external_id": "willow"}]},
    {"id": "sap", "question": "What tastes sweet and carries acorns?", "evidence": [
        {"external_id": "birch\ttree"}, {"external_id": "the oak %20", "grade": 2}]},
]  # fmt: skip
METRICS = {"ndcg_linear@10": "nDCG@10", "document_recall@2": "R@2", "mrr@10": "RR@10"}


@pytest.fixture(scope="module")
def exported(client: TestClient) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Return the files of an experiment by name, and its cells."""
    workspace = Workspace(client)
    workspace.send(*({"text": text, "external_id": name} for name, text in TEXTS.items()))
    workspace.post("/question-sets", {"name": "trees", "questions": QUESTIONS}, 201)
    body: dict[str, Any] = {
        "name": "Trees", "question_set": "trees", "latency_requests": 0,
        "metrics": [{"kind": "ndcg"}, {"kind": "document_recall", "k": 2}, {"kind": "mrr"}],
        "strategies": [{"label": "words", "setup": lexical(16)}, {"label": "more words", "setup": lexical(64)}],
    }  # fmt: skip
    started = workspace.post("/experiments", body, 202)
    assert workspace.wait(started["job"]["id"])["state"] == "succeeded"
    path = f"/experiments/{started['experiment']['id']}/export"
    with zipfile.ZipFile(io.BytesIO(workspace.request("GET", path, params={"format": "trec"}).content)) as opened:
        files = {name: opened.read(name).decode() for name in opened.namelist()}
    return files, list(csv.DictReader(io.StringIO(workspace.request("GET", path).text)))


@pytest.mark.parametrize(("label", "file"), [("words", "01-words.trec"), ("more words", "02-more-words.trec")])
def test_ir_measures_scores_as_the_service_does(
    exported: tuple[dict[str, str], list[dict[str, str]]], label: str, file: str
) -> None:
    files, cells = exported
    judged = list(ir_measures.read_trec_qrels(files["qrels.txt"]))
    run = list(ir_measures.read_trec_run(files[file]))
    assert {one.doc_id for one in judged} == {"the%20oak%20%2520", "pine", "willow", "birch%09tree"}
    for metric, name in METRICS.items():
        scored = ir_measures.iter_calc([ir_measures.parse_measure(name)], judged, run)
        theirs = {one.query_id: one.value for one in scored}
        ours = {cell["question"]: float(cell[metric]) for cell in cells if cell["strategy"] == label}
        assert ours == pytest.approx(theirs, abs=1e-6)
        assert len(ours) == 3


def test_scores_of_a_question_fall_strictly(exported: tuple[dict[str, str], list[dict[str, str]]]) -> None:
    by_question: dict[str, list[tuple[int, float]]] = {}
    for line in exported[0]["01-words.trec"].splitlines():
        question, zero, _, rank, score, tag = line.split(" ")
        assert (zero, tag) == ("Q0", "01-words")
        by_question.setdefault(question, []).append((int(rank), float(score)))
    assert set(by_question) == {"ships", "baskets", "sap"}
    for ranked in by_question.values():
        assert [rank for rank, _ in ranked] == list(range(1, len(ranked) + 1))
        scores = [score for _, score in ranked]
        assert scores == sorted(set(scores), reverse=True)
