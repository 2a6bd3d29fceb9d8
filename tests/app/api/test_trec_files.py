"""Runs and judgements that another program reads, and scores as the service does."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any

import ir_measures
import pytest
from starlette.testclient import TestClient

from app.api.routers.trec_runs import MOST_AT_ONCE
from configs.part import JsonObject
from tests.app.api.playground import Workspace, expect_problem, lexical

TEXTS = {
    "the oak %20": "The oak carries acorns. Ships were built of it for centuries.",
    "birch\ttree": "The birch has white bark. Its sap tastes sweet in spring, and ships carry it.",
    "willow": "The willow drinks much water. Baskets are woven from its rods, not ships.",
    "pine": "The pine smells of resin. Masts of ships were made of it, and baskets never.",
}
QUESTIONS: list[JsonObject] = [
    {"id": "ships", "question": "What were ships made of?", "evidence": [
        {"external_id": "the oak %20", "grade": 3}, {"external_id": "pine", "grade": 2}]},
    {"id": "baskets", "question": "What are baskets woven from?", "evidence": [{"external_id": "willow"}]},
    {"id": "sap", "question": "What tastes sweet and carries acorns?", "evidence": [
        {"external_id": "birch\ttree"}, {"external_id": "the oak %20", "grade": 2}]},
]  # fmt: skip
METRICS = {"ndcg_linear@10": "nDCG@10", "document_recall@2": "R@2", "mrr@10": "RR@10"}


@pytest.fixture(scope="module")
def trees(client: TestClient) -> Workspace:
    """Return a workspace of trees, and questions about them."""
    workspace = Workspace(client)
    workspace.send(*({"text": text, "external_id": name} for name, text in TEXTS.items()))
    workspace.post("/question-sets", {"name": "trees", "questions": QUESTIONS}, 201)
    workspace.build(setup=lexical(16))
    return workspace


def unzipped(content: bytes) -> dict[str, str]:
    """Return the files of a zip by name."""
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        return {name: opened.read(name).decode() for name in opened.namelist()}


def scored(judged: str, run: str, measure: str) -> dict[str, float]:
    """Return what ir_measures makes of the files, by question."""
    found = ir_measures.iter_calc(
        [ir_measures.parse_measure(measure)], ir_measures.read_trec_qrels(judged), ir_measures.read_trec_run(run)
    )
    return {one.query_id: one.value for one in found}


@pytest.fixture(scope="module")
def exported(trees: Workspace) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Return the files of an experiment by name, and its cells."""
    workspace = trees
    body: dict[str, Any] = {
        "name": "Trees", "question_set": "trees", "latency_requests": 0,
        "metrics": [{"kind": "ndcg"}, {"kind": "document_recall", "k": 2}, {"kind": "mrr"}],
        "strategies": [{"label": "words", "setup": lexical(16)}, {"label": "more words", "setup": lexical(64)}],
    }  # fmt: skip
    started = workspace.post("/experiments", body, 202)
    assert workspace.wait(started["job"]["id"])["state"] == "succeeded"
    path = f"/experiments/{started['experiment']['id']}/export"
    files = unzipped(workspace.request("GET", path, params={"format": "trec"}).content)
    return files, list(csv.DictReader(io.StringIO(workspace.request("GET", path).text)))


@pytest.mark.parametrize(("label", "file"), [("words", "01-words.trec"), ("more words", "02-more-words.trec")])
def test_ir_measures_scores_as_the_service_does(
    exported: tuple[dict[str, str], list[dict[str, str]]], label: str, file: str
) -> None:
    files, cells = exported
    judged = ir_measures.read_trec_qrels(files["qrels.txt"])
    assert {one.doc_id for one in judged} == {"the%20oak%20%2520", "pine", "willow", "birch%09tree"}
    for metric, name in METRICS.items():
        theirs = scored(files["qrels.txt"], files[file], name)
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


def run_of(workspace: Workspace, **body: Any) -> dict[str, str]:
    """Return the files of the run of searches for a set."""
    response = workspace.request("POST", "/searches/trec-runs", json={"question_set": "trees", **body})
    assert (response.status_code, response.headers["content-type"]) == (200, "application/zip"), response.text
    return unzipped(response.content)


def ranked(run: str) -> dict[str, list[str]]:
    """Return the names of documents by question, in the order of the lines."""
    found: dict[str, list[str]] = {}
    for line in run.splitlines():
        found.setdefault(line.split(" ")[0], []).append(line.split(" ")[2])
    return found


def test_plain_searches_give_what_an_experiment_gives(
    trees: Workspace, exported: tuple[dict[str, str], list[dict[str, str]]]
) -> None:
    files, _ = exported
    own = run_of(trees, setup=lexical(16))
    assert set(own) == {"inline.trec", "qrels.txt"}
    assert own["qrels.txt"] == files["qrels.txt"]
    assert own["inline.trec"] == files["01-words.trec"].replace("01-words", "inline")
    assert scored(own["qrels.txt"], own["inline.trec"], "nDCG@10") == pytest.approx(
        scored(files["qrels.txt"], files["01-words.trec"], "nDCG@10")
    )


def test_a_run_lists_documents_in_the_order_of_searches(trees: Workspace) -> None:
    run = ranked(run_of(trees, k=50)["default-version-1.trec"])
    for question in QUESTIONS:
        found = trees.found(str(question["question"]), k=50)
        names = {"the oak %20": "the%20oak%20%2520", "birch\ttree": "birch%09tree"}
        assert run[str(question["id"])] == [names.get(one, one) for one in dict.fromkeys(found)]


def test_parts_of_a_set_join_to_the_whole(trees: Workspace) -> None:
    whole = run_of(trees)
    parts = [run_of(trees, skip=0, limit=2), run_of(trees, skip=2)]
    assert whole == {name: parts[0][name] + parts[1][name] for name in whole}
    assert set(ranked(parts[1]["default-version-1.trec"])) == {"sap"}


def test_a_run_sees_what_its_principals_may_read_and_its_filter_leaves(client: TestClient) -> None:
    workspace = Workspace(client)
    workspace.send(
        {"text": "Acorns fall from oaks.", "external_id": "all", "tags": ["open"]},
        {"text": "Acorns feed pigs.", "external_id": "anns", "access": ["user:ann"]},
    )
    questions = [{"id": "q", "question": "acorns"}, {"id": "none", "question": "zebra"}]
    workspace.post("/question-sets", {"name": "trees", "questions": questions}, 201)
    setup: JsonObject = {"setup": lexical(16)}
    workspace.build(**setup)

    def found(**body: Any) -> dict[str, list[str]]:
        files = run_of(workspace, **setup, **body)
        assert files["qrels.txt"] == "", "nothing is marked"
        return ranked(files["inline.trec"])

    assert found() == {"q": ["all"]}, "and no line, not even an empty one, for what finds nothing"
    assert set(found(principals=["user:ann"])["q"]) == {"all", "anns"}
    assert found(principals=["user:ann"], filter={"all": [{"tags": ["open"]}]}) == {"q": ["all"]}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"setup": {"baseline": "no_context"}}, 422, "not_a_ranking"),
        ({"setup": {"baseline": "whole_documents"}}, 422, "not_a_ranking"),
        ({"setup": lexical(99)}, 409, "index_missing"),
        ({"question_set": "nosuch"}, 404, "question_set_not_found"),
        ({"skip": 3}, 422, "no_questions_left"),
        ({"limit": MOST_AT_ONCE + 1}, 422, "invalid_request"),
        ({"k": 0}, 422, "invalid_request"),
    ],
)
def test_what_cannot_be_exported_is_refused(trees: Workspace, body: JsonObject, status: int, code: str) -> None:
    before = trees.state()
    response = trees.request("POST", "/searches/trec-runs", json={"question_set": "trees", **body})
    expect_problem(response, status, code)
    assert trees.state() == before


def test_large_sets_are_taken_in_parts(trees: Workspace) -> None:
    questions = [{"question": f"Which tree is number {number}?"} for number in range(MOST_AT_ONCE + 1)]
    trees.post("/question-sets", {"name": "many", "questions": questions}, 201)
    for body, code in (({}, "too_many_questions"), ({"limit": MOST_AT_ONCE, "k": 201}, "run_too_large")):
        response = trees.request("POST", "/searches/trec-runs", json={"question_set": "many", **body})
        expect_problem(response, 422, code)
    assert run_of(trees, question_set="many", limit=MOST_AT_ONCE, k=1)["qrels.txt"] == ""


def test_labels_of_a_text_that_changed_are_no_judgements(client: TestClient) -> None:
    workspace = Workspace(client)
    workspace.send({"text": "Acorns fall from oaks.", "external_id": "a"})
    evidence = [{"external_id": "a", "quote": "Acorns"}]
    questions = [{"id": "fine", "question": "oaks"}, {"id": "q", "question": "acorns", "evidence": evidence}]
    workspace.post("/question-sets", {"name": "trees", "questions": questions}, 201)
    assert run_of(workspace)["qrels.txt"] == "q 0 a 1\n"
    workspace.send({"text": "Oaks have bark.", "external_id": "a"})
    response = workspace.request("POST", "/searches/trec-runs", json={"question_set": "trees"})
    expect_problem(response, 409, "stale_labels")
    assert set(ranked(run_of(workspace, limit=1)["default-version-1.trec"])) == {"fine"}
