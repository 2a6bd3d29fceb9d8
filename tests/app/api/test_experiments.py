"""Experiments through the API: from a dry run to a report; what cannot be run is refused and changes nothing."""

from __future__ import annotations

import csv
import io
import threading
import zipfile
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.evaluation.experiments import run
from app.evaluation.experiments.pins import pinned_view
from configs.part import JsonObject
from indexes.view import IndexView
from tests.app.api.playground import JOB_SECONDS, Workspace, expect, expect_problem

TREES = {
    "oak": "The oak carries acorns. Ships were built of it for centuries.",
    "birch": "The birch has white bark. Its sap tastes sweet in spring.",
    "willow": "The willow drinks much water. Baskets are woven from its rods.",
}
QUESTIONS: list[JsonObject] = [
    {"question": "What was built of it?", "evidence": [{"external_id": "oak", "quote": "Ships were built of it"}]},
    {"question": "What tastes sweet?", "evidence": [{"external_id": "birch", "quote": "Its sap tastes sweet"}]},
    {"question": "What is woven?", "evidence": [{"external_id": "willow", "quote": "Baskets are woven"}]},
    {"question": "Who wrote Faust?", "unanswerable": True},
]


def words(size_tokens: int, **more: Any) -> JsonObject:
    """Return a strategy that searches words in fixed chunks."""
    chunker = {"kind": "fixed", "size_tokens": size_tokens}
    return {"label": f"words {size_tokens}", "setup": {"chunker": chunker, "stores": [{"kind": "bm25"}]}, **more}


def asked(*strategies: JsonObject, **fields: Any) -> JsonObject:
    """Return an experiment on the set `trees`."""
    return {"name": "Trees", "question_set": "trees", "latency_requests": 0, "strategies": list(strategies), **fields}


@pytest.fixture(scope="module")
def trees(client: TestClient) -> Workspace:
    """Return a workspace with documents and questions; tests leave them as they are."""
    workspace = Workspace(client)
    workspace.send(*({"text": text, "external_id": name} for name, text in TREES.items()))
    workspace.post("/question-sets", {"name": "trees", "questions": QUESTIONS}, 201)
    documents = [{"question": "Which tree?", "evidence": [{"external_id": "oak"}]}]
    workspace.post("/question-sets", {"name": "documents", "questions": documents}, 201)
    workspace.post("/question-sets", {"name": "unlabelled", "questions": [{"question": "Which?"}]}, 201)
    return workspace


@pytest.fixture(scope="module")
def finished(trees: Workspace) -> str:
    """Return the id of a finished experiment."""
    started = trees.post("/experiments", asked(words(16), words(64)), 202)
    assert trees.wait(started["job"]["id"])["state"] == "succeeded"
    return str(started["experiment"]["id"])


@pytest.fixture
def hold(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Hold experiments before their first index, until the event is set."""
    release = threading.Event()

    def held(*arguments: Any) -> Generator[None, None, IndexView]:
        assert release.wait(JOB_SECONDS)
        return (yield from pinned_view(*arguments))

    monkeypatch.setattr(run, "pinned_view", held)
    yield release
    release.set()


def test_a_dry_run_says_what_it_takes_and_does_nothing(trees: Workspace) -> None:
    before = trees.state()
    grid = {"settings": {"chunker.size_tokens": [16, 32, 64], "stores.0.k1": [0.9, 1.5]}}
    plan = trees.post("/experiments/dry-runs", asked(words(16, grid=grid)))
    assert plan["plan"]["strategies"] == 6
    assert (plan["plan"]["chunkings"], plan["plan"]["indexes"], plan["plan"]["cells"]) == (3, 3, 24)
    assert plan["strategies"][0] == "words 16, chunker.size_tokens=16, stores.0.k1=0.9"
    assert trees.state() == before
    assert trees.get("/experiments")["items"] == []


def test_it_runs_and_shows_what_decided(trees: Workspace, finished: str) -> None:
    view = trees.get(f"/experiments/{finished}")
    assert view["cells_finished"] == 8
    assert view["metric"] == "recall_at_tokens@1000"
    assert view["look"] == 1
    assert len(view["pins"]) == 3
    assert view["findings"]["questions"]["decided"] == 3
    (pair,) = view["findings"]["analysis"]["pairs"]
    assert {pair["first"], pair["second"]} == {"words 16", "words 64"}
    assert pair["verdict"] == "too_close_to_call"
    assert [one["id"] for one in trees.get("/experiments")["items"]] == [finished]


def test_cells_are_shown_by_strategy(trees: Workspace, finished: str) -> None:
    cells = trees.get(f"/experiments/{finished}/cells", strategy="words 64")["items"]
    assert [cell["question_id"] for cell in cells] == ["q1", "q2", "q3", "q4"]
    assert cells[3]["scores"]["recall_at_tokens@1000"] is None
    assert len(trees.get(f"/experiments/{finished}/cells", first=6)["items"]) == 2
    response = trees.request("GET", f"/experiments/{finished}/cells", params={"strategy": "nobody"})
    expect_problem(response, 404, "strategy_not_found")


def test_cells_are_exported(trees: Workspace, finished: str) -> None:
    table = trees.request("GET", f"/experiments/{finished}/export").text
    rows = list(csv.DictReader(io.StringIO(table)))
    assert len(rows) == 8
    assert rows[0]["strategy"] == "words 16"
    assert 0 <= float(rows[0]["recall_at_tokens@1000"]) <= 1
    archive = trees.request("GET", f"/experiments/{finished}/export", params={"format": "trec"}).content
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        assert files.namelist() == ["01-words-16.trec", "02-words-64.trec", "qrels.txt"]
        for line in files.read("01-words-16.trec").decode().splitlines():
            question, zero, document, rank, score, tag = line.split(" ")
            assert (question[0], zero, tag) == ("q", "Q0", "01-words-16")
            assert document in TREES
            assert float(score) == pytest.approx(1 / int(rank), abs=1e-6)


@pytest.mark.parametrize(("file_format", "begin"), [("html", "<!doctype html>"), ("markdown", "# Trees")])
def test_the_report_is_read(trees: Workspace, finished: str, file_format: str, begin: str) -> None:
    response = trees.request("GET", f"/experiments/{finished}/report", params={"format": file_format})
    assert response.status_code == 200
    assert response.text.startswith(begin)
    assert f"text/{file_format}" in response.headers["content-type"]


def test_an_unknown_model_has_an_unknown_price(trees: Workspace, finished: str) -> None:
    parameters = {"format": "markdown", "model": "no-such-model"}
    report = trees.request("GET", f"/experiments/{finished}/report", params=parameters).text
    assert "price unknown" in report
    assert "$0" not in report.replace("$0.", "")


def test_a_choice_within_limits(trees: Workspace, finished: str) -> None:
    free = trees.post(f"/experiments/{finished}/recommendations", {})
    assert free["label"] in ("words 16", "words 64")
    none = trees.post(f"/experiments/{finished}/recommendations", {"constraints": {"max_tokens": 1}})
    assert none["label"] is None
    assert all("over the limit of 1" in one["reasons"][0] for one in none["options"])
    timed = trees.post(f"/experiments/{finished}/recommendations", {"constraints": {"max_p95_ms": 1000}})
    assert all("not measured" in one["reasons"][0] for one in timed["options"])


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (asked(words(16)), 422, "too_few_strategies"),
        (asked(words(16), {"label": "nothing", "setup": {"baseline": "no_context"}}), 422, "too_few_strategies"),
        (asked(words(16), words(16)), 422, "repeated_strategy"),
        (asked(words(16), words(16, label="the same")), 422, "repeated_strategy"),
        (asked(words(16), words(64), baseline="words 32"), 422, "unknown_baseline"),
        (asked(words(16), words(64), question_set="nosuch"), 404, "question_set_not_found"),
        (asked(words(16), words(64), question_set="unlabelled"), 422, "no_usable_questions"),
        (asked(words(16), {"strategy": "nosuch"}), 404, "strategy_not_found"),
        (asked(words(16), words(64), limits={"cells": 7}), 422, "experiment_too_large"),
        (
            asked(words(16), words(64), question_set="documents", metrics=[{"kind": "span_recall", "k": 5}]),
            422,
            "metric_needs_other_labels",
        ),
        (
            asked(words(16), words(64), metrics=[{"kind": "redundancy", "budget_tokens": 500}]),
            422,
            "metric_cannot_decide",
        ),
        (asked(words(16, grid={"settings": {"chunker.nonsense": [1]}}), words(64)), 422, "invalid_grid"),
        (
            asked(words(16, grid={"settings": {"candidates": list(range(1, 1001)), "stores.0.b": [0.1] * 1000}})),
            422,
            "invalid_request",
        ),
    ],
)
def test_what_cannot_be_run_is_refused(
    trees: Workspace, finished: str, body: JsonObject, status: int, code: str
) -> None:
    before = trees.state()
    expect_problem(trees.request("POST", "/experiments", json=body), status, code)
    assert trees.state() == before
    assert [one["id"] for one in trees.get("/experiments")["items"]] == [finished]


def test_document_labels_decide_by_documents(trees: Workspace) -> None:
    dry = trees.post("/experiments/dry-runs", asked(words(16), words(64), question_set="documents"))
    assert dry["metrics"][0] == "ndcg_linear@10"


def test_users_questions_are_tried_with_other_profiles(trees: Workspace) -> None:
    for user in ("ann", "ben"):
        expect(201, trees.request("PUT", f"/users/{user}", json={"preferences": {"preferred_sources": ["birch"]}}))
    questions = [{**QUESTIONS[0], "id": user, "user_id": user} for user in ("ann", "ben")]
    trees.post("/question-sets", {"name": "theirs", "questions": questions}, 201)
    body = asked(words(16), words(64), question_set="theirs", metrics=[{"kind": "mrr", "k": 10}])
    assert trees.post("/experiments/dry-runs", body)["plan"]["lent_answers"] == 2 * 2 * 2
    started = trees.post("/experiments", body, 202)
    assert trees.wait(started["job"]["id"])["state"] == "succeeded"
    tail = f"/experiments/{started['experiment']['id']}"
    anns, bens = trees.get(f"{tail}/cells", strategy="words 16")["items"]
    for cell, lender in ((anns, "ben"), (bens, "ann")):
        personal = cell["personal"]
        assert personal["anonymous"] == cell["scores"]["mrr@10"] == 1.0
        assert personal["placebos"] == [[lender, 1.0]]
        assert personal["failures"] == 0
    findings = trees.get(tail)["findings"]["personalisation"]
    assert [one["label"] for one in findings] == ["words 16", "words 64"]
    assert findings[0]["findings"]["conclusion"] == "not_enough_users"
    assert "Not enough users: 2 took part" in trees.request("GET", f"{tail}/report").text


def test_users_who_are_not_there_and_clicks_are_refused(trees: Workspace) -> None:
    strangers = [{**QUESTIONS[0], "user_id": "zoe"}]
    trees.post("/question-sets", {"name": "strangers", "questions": strangers}, 201)
    response = trees.request("POST", "/experiments", json=asked(words(16), words(64), question_set="strangers"))
    assert expect_problem(response, 422, "unknown_user")["users"] == ["zoe"]
    clicked = {"question": "Which tree?", "evidence": [{"external_id": "oak", "source": "click"}]}
    response = trees.request("POST", "/question-sets", json={"name": "clicked", "questions": [clicked]})
    expect_problem(response, 422, "click_labels")


def test_while_it_runs_there_is_no_report_and_no_deleting(trees: Workspace, hold: threading.Event) -> None:
    started = trees.post("/experiments", asked(words(16), words(33)), 202)
    identifier = started["experiment"]["id"]
    expect_problem(trees.request("GET", f"/experiments/{identifier}/report"), 409, "experiment_unfinished")
    expect_problem(
        trees.request("POST", f"/experiments/{identifier}/recommendations", json={}), 409, "experiment_unfinished"
    )
    expect_problem(trees.request("DELETE", f"/experiments/{identifier}"), 409, "experiment_running")
    assert trees.get(f"/experiments/{identifier}")["findings"] is None
    hold.set()
    assert trees.wait(started["job"]["id"])["state"] == "succeeded"
    assert trees.request("DELETE", f"/experiments/{identifier}").status_code == 204
    expect_problem(trees.request("GET", f"/experiments/{identifier}"), 404, "experiment_not_found")
    assert trees.request("DELETE", f"/experiments/{identifier}").status_code == 204


def test_a_cancelled_experiment_keeps_its_cells_and_has_no_findings(trees: Workspace, hold: threading.Event) -> None:
    started = trees.post("/experiments", asked(words(16), words(48)), 202)
    trees.client.post(f"/v1/jobs/{started['job']['id']}/cancel")
    hold.set()
    assert trees.wait(started["job"]["id"])["state"] == "cancelled"
    assert trees.get(f"/experiments/{started['experiment']['id']}")["findings"] is None
    trees.request("DELETE", f"/experiments/{started['experiment']['id']}")


def test_a_strategy_that_is_deleted_meanwhile_goes_on(trees: Workspace, hold: threading.Event) -> None:
    strategy = {"retrieval": words(20)["setup"]}
    trees.post("/strategies", {"name": "fleeting", "strategy": strategy}, 201)
    started = trees.post("/experiments", asked({"strategy": "fleeting"}, words(64)), 202)
    assert trees.request("DELETE", "/strategies/fleeting").status_code == 204
    hold.set()
    assert trees.wait(started["job"]["id"])["state"] == "succeeded"
    view = trees.get(f"/experiments/{started['experiment']['id']}")
    assert view["contestants"][0]["strategy"]["retrieval"]["chunker"]["size_tokens"] == 20
    trees.request("DELETE", f"/experiments/{started['experiment']['id']}")


def test_a_grown_set_is_another_look(client: TestClient) -> None:
    workspace = Workspace(client)
    workspace.send(*({"text": text, "external_id": name} for name, text in TREES.items()))
    for name, questions in (("trees", QUESTIONS[:2]), ("grown", QUESTIONS)):
        workspace.post("/question-sets", {"name": name, "questions": questions}, 201)
    looks, alphas = [], []
    for question_set in ("trees", "trees", "grown"):
        started = workspace.post("/experiments", asked(words(16), words(64), question_set=question_set), 202)
        workspace.wait(started["job"]["id"])
        view = workspace.get(f"/experiments/{started['experiment']['id']}")
        looks.append(view["look"])
        alphas.append(view["findings"]["analysis"]["alpha_used"])
    assert looks == [1, 1, 2]
    assert alphas[2] == pytest.approx(alphas[0] / 4)


def test_stale_labels_are_left_out_and_named(client: TestClient) -> None:
    workspace = Workspace(client)
    workspace.send(*({"text": text, "external_id": name} for name, text in TREES.items()))
    workspace.post("/question-sets", {"name": "trees", "questions": QUESTIONS}, 201)
    workspace.send({"text": "The oak is another tree now.", "external_id": "oak"})
    dry = workspace.post("/experiments/dry-runs", asked(words(16), words(64)))
    assert (dry["questions"], dry["stale_questions"]) == (3, ["q1"])
