"""Comparisons over HTTP: strategies side by side on the same questions, for one principal, with nothing saved."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from configs.part import JsonObject
from tests.app.api.playground import Workspace, expect_problem, lexical

WORDS = ("refunds", "shipping", "privacy", "billing")
SMALL = lexical(16)
STRATEGIES = [{}, {"setup": SMALL}, {"setup": {"baseline": "no_context"}}, {"setup": {"baseline": "whole_documents"}}]


@pytest.fixture(scope="module")
def library(client: TestClient) -> tuple[Workspace, dict[str, str]]:
    """Return a workspace with a document for each word, one for Ann alone, and their ids by word."""
    workspace = Workspace(client)
    sent = workspace.send(
        *(
            {
                "text": " ".join(f"Rule {number} on {word} says case {number}." for number in range(30)),
                "external_id": word,
                "access": ["user:ann"] if word == "billing" else None,
            }
            for word in WORDS
        )
    )
    workspace.build(setup=SMALL)
    return workspace, {one["external_id"]: str(one["document_id"]) for one in sent}


def marked(ids: dict[str, str], word: str) -> JsonObject:
    """Return a question whose answer is a quote of the word's document."""
    quote = f"Rule 7 on {word} says case 7."
    return {"question": f"What does rule 7 say on {word}?", "evidence": [{"document_id": ids[word], "quote": quote}]}


def test_strategies_stand_side_by_side(library: tuple[Workspace, dict[str, str]]) -> None:
    workspace, ids = library
    before = workspace.state()
    body = {"questions": [marked(ids, "refunds"), {"question": "Anything?"}], "strategies": STRATEGIES, "k": 4}
    answer = workspace.post("/comparisons", body)
    assert workspace.state() == before
    labels = ["default version 1", "inline", "inline (2)", "inline (3)"]
    assert [one["strategy"] for one in answer["strategies"]] == labels
    assert (answer["questions_scored"], answer["significance_test"]) == (1, "none")
    scored, unmarked = answer["questions"]
    assert (scored["marked"], unmarked["marked"]) == ("scored", "none")
    by_label = {one["strategy"]: one for one in scored["strategies"]}
    assert by_label["inline"]["span_recall"] == 1.0
    assert 0 < by_label["inline"]["span_precision"] < 1
    assert (by_label["inline (2)"]["hits"], by_label["inline (2)"]["span_recall"]) == ([], 0.0)
    for one in scored["strategies"]:
        assert len(one["hits"]) <= 4
        assert one["sent_tokens"] <= answer["budget_tokens"]
        for hit in one["hits"]:
            text = workspace.get(f"/documents/{hit['document_id']}/text")["text"]
            assert text[hit["start"] : hit["end"]].startswith(hit["text"])


def test_equal_strategies_agree_wholly(library: tuple[Workspace, dict[str, str]]) -> None:
    workspace, _ = library
    body = {"questions": [{"question": "rule on privacy"}], "strategies": [{"setup": SMALL}, {"setup": SMALL}]}
    answer = workspace.post("/comparisons", body)
    assert [one["rank_biased_overlap"] for one in answer["agreements"]] == [pytest.approx(1.0)]
    first, second = answer["questions"][0]["strategies"]
    assert first["hits"] == second["hits"]
    assert first["unique"] == second["unique"] == []
    assert {hit["group"] for hit in first["hits"]} == set(answer["questions"][0]["shared"])


@pytest.mark.parametrize("principals", [[], ["user:ann"]])
def test_only_readable_documents_are_compared(library: tuple[Workspace, dict[str, str]], principals: list[str]) -> None:
    workspace, ids = library
    body = {"questions": [{"question": "rule on billing"}], "strategies": STRATEGIES, "principals": principals}
    for one in workspace.post("/comparisons", {**body, "k": 100})["questions"][0]["strategies"]:
        found = {hit["document_id"] for hit in one["hits"]}
        assert (ids["billing"] in found) == (principals == ["user:ann"] and one["strategy"] != "inline (2)")


def test_evidence_that_may_not_be_read_does_not_exist(library: tuple[Workspace, dict[str, str]]) -> None:
    workspace, ids = library
    body = {"questions": [marked(ids, "billing")], "strategies": STRATEGIES}
    expect_problem(workspace.request("POST", "/comparisons", json=body), 404, "document_not_found")
    scored = workspace.post("/comparisons", {**body, "principals": ["user:ann"]})
    assert scored["questions_scored"] == 1


def test_a_saved_set_is_stale_once_its_document_changed(workspace: Workspace) -> None:
    (one,) = workspace.send({"text": "Refunds take ten days.", "external_id": "a"})
    ids = {"document_id": one["document_id"], "quote": "ten days"}
    workspace.post("/question-sets", {"name": "s", "questions": [{"question": "How long?", "evidence": [ids]}]}, 201)
    body = {"question_set": "s", "strategies": [{}]}
    fresh = workspace.post("/comparisons", body)
    assert (fresh["questions_scored"], fresh["questions_stale"]) == (1, 0)
    assert fresh["question_set"]["content_hash"] == workspace.get("/question-sets/s")["content_hash"]
    workspace.send({"text": "Refunds take five days.", "external_id": "a"})
    stale = workspace.post("/comparisons", body)
    assert (stale["questions_scored"], stale["questions_stale"]) == (0, 1)
    assert stale["questions"][0]["strategies"][0]["span_recall"] is None
    workspace.request("DELETE", f"/documents/{one['document_id']}")
    gone = workspace.post("/comparisons", body)
    assert (gone["questions_stale"], gone["questions"][0]["strategies"][0]["hits"]) == (1, [])


def test_what_is_not_there_is_named(library: tuple[Workspace, dict[str, str]]) -> None:
    workspace, _ = library
    questions = [{"question": "Anything?"}]
    for body, code in (
        ({"questions": questions, "strategies": [{"strategy": "nosuch"}]}, "strategy_not_found"),
        ({"question_set": "nosuch", "strategies": [{}]}, "question_set_not_found"),
    ):
        problem = expect_problem(workspace.request("POST", "/comparisons", json=body), 404, code)
        assert "nosuch" in problem["detail"]
    unbuilt = {"questions": questions, "strategies": [{}, {"setup": lexical(99)}]}
    problem = expect_problem(workspace.request("POST", "/comparisons", json=unbuilt), 409, "index_missing")
    assert "inline" in problem["detail"]
