"""Searches: which strategy answers, for whom, in which documents, with what scores."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from configs.part import JsonObject
from tests.app.api.playground import Workspace, expect_problem, lexical

DOCUMENTS: tuple[JsonObject, ...] = (
    {"external_id": "open", "text": "alpha words for all", "metadata": {"team": "support", "year": 2023}},
    {"external_id": "ann", "text": "alpha words of ann", "access": ["user:ann"], "metadata": {"team": "sales"}},
    {"external_id": "finance", "text": "alpha budget alpha", "access": ["group:finance"], "metadata": {"secret": True}},
    {"external_id": "both", "text": "alpha of two", "access": ["user:ann", "group:finance"], "tags": ["x", "y"]},
    {"external_id": "nobody", "text": "alpha alpha alpha", "access": []},
)


@pytest.fixture(scope="module")
def library(client: TestClient) -> Workspace:
    """Return a workspace with documents for different readers; tests only read it."""
    workspace = Workspace(client)
    workspace.send(*DOCUMENTS)
    return workspace


@pytest.mark.parametrize(
    ("principals", "readable"),
    [
        ([], {"open"}),
        (["user:bob"], {"open"}),
        (["user:ann"], {"open", "ann", "both"}),
        (["group:finance"], {"open", "finance", "both"}),
        (["group:finance", "user:ann"], {"open", "ann", "finance", "both"}),
        (["user:an"], {"open"}),
    ],
)
def test_only_readable_documents_are_found(library: Workspace, principals: list[str], readable: set[str]) -> None:
    for setup in (None, {"baseline": "whole_documents"}):
        assert set(library.found("alpha", principals=principals, setup=setup)) == readable


def test_scores_do_not_depend_on_what_may_not_be_read(library: Workspace, client: TestClient) -> None:
    alone = Workspace(client)
    alone.send(DOCUMENTS[0])
    answers = [one.post("/searches", {"query": "alpha words"})["passages"] for one in (library, alone)]
    scores = [[(one["external_id"], one["score"], one["stores"]) for one in answer] for answer in answers]
    assert scores[0] == scores[1]


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ([], {"open", "ann", "finance", "both"}),
        ([{"field": "team", "equal": "support"}], {"open"}),
        ([{"field": "team", "in": ["support", "sales"]}], {"open", "ann"}),
        ([{"field": "year", "range": {"gte": 2023, "lt": 2024}}], {"open"}),
        ([{"field": "year", "range": {"gt": 2023}}], set()),
        ([{"field": "secret", "equal": True}], {"finance"}),
        ([{"tags": ["x", "y"]}], {"both"}),
        ([{"tags": ["x", "z"]}], set()),
        ([{"field": "team", "equal": "support"}, {"tags": ["x"]}], set()),
    ],
)
def test_filters_restrict_what_is_found(library: Workspace, conditions: list[JsonObject], found: set[str]) -> None:
    principals = ["user:ann", "group:finance"]
    for setup in (None, {"baseline": "whole_documents"}):
        assert set(library.found("alpha", principals=principals, filter={"all": conditions}, setup=setup)) == found


def test_an_unknown_field_is_refused_with_the_readable_ones(library: Workspace) -> None:
    for setup in (None, {"baseline": "whole_documents"}):
        body = {"query": "alpha", "filter": {"all": [{"field": "secret", "equal": True}]}, "setup": setup}
        problem = expect_problem(library.request("POST", "/searches", json=body), 422, "unknown_filter_field")
        assert "team" in problem["hint"]
        assert "secret" not in problem["hint"]


def test_a_passage_is_its_span_with_its_scores(library: Workspace) -> None:
    answer = library.post("/searches", {"query": "budget alpha", "principals": ["group:finance"]})
    assert answer["strategy"] == "default version 1"
    assert answer["missing_documents"] == 0
    assert {"database", "embedding", "faiss_flat", "bm25", "fusion", "total"} <= set(answer["seconds"])
    assert [one["rank"] for one in answer["passages"]] == [1, 2, 3]
    assert answer["passages"][0]["external_id"] == "finance"
    scores = [one["score"] for one in answer["passages"]]
    assert scores == sorted(scores, reverse=True)
    for one in answer["passages"]:
        text = library.get(f"/documents/{one['document_id']}/text", version_id=one["version_id"])["text"]
        assert one["text"] == text[one["start"] : one["end"]]
        assert set(one["stores"]) == {"faiss_flat", "bm25"}


def test_k_limits_the_answer(library: Workspace) -> None:
    everyone = ["user:ann", "group:finance"]
    whole = library.found("alpha", principals=everyone, k=1000)
    assert len(whole) == 4
    for k in (1, 2, 3):
        assert library.found("alpha", principals=everyone, k=k) == whole[:k]


def test_the_same_question_has_the_same_answer(library: Workspace) -> None:
    answers = [library.post("/searches", {"query": "alpha words", "principals": ["user:ann"]}) for _ in range(3)]
    assert answers[0]["passages"] == answers[1]["passages"] == answers[2]["passages"]


def test_strategy_version_and_setup_are_told_apart(library: Workspace) -> None:
    library.post("/strategies", {"name": "told", "preset": "no_context"}, 201)
    library.post("/strategies", {"name": "told", "preset": "whole_documents"}, 201)
    assert library.post("/searches", {"query": "x", "strategy": "told"})["strategy"] == "told version 2"
    first = library.post("/searches", {"query": "x", "strategy": "told", "version": 1})
    assert (first["strategy"], first["passages"], first["index_id"]) == ("told version 1", [], None)
    setup = {"baseline": "whole_documents"}
    assert library.post("/searches", {"query": "x", "setup": setup})["strategy"] == "inline"
    for wrong in ({"strategy": "told", "setup": setup}, {"version": 1}, {"version": 1, "setup": setup}):
        response = library.request("POST", "/searches", json={"query": "x", **wrong})
        expect_problem(response, 422, "invalid_request")
    for unknown in ({"strategy": "nosuch"}, {"strategy": "told", "version": 3}):
        response = library.request("POST", "/searches", json={"query": "x", **unknown})
        expect_problem(response, 404, "strategy_not_found")


def test_a_setup_of_a_part_of_an_index_is_served_by_it(library: Workspace) -> None:
    parts = {"chunker": {"kind": "recursive"}, "stores": [{"kind": "bm25", "k1": 0.4}]}
    answer = library.post("/searches", {"query": "alpha", "setup": parts})
    assert answer["index_id"] == library.get("/indexes")["items"][0]["id"]
    assert [one["external_id"] for one in answer["passages"]] == ["open"]
    response = library.request("POST", "/searches", json={"query": "alpha", "setup": lexical(17)})
    expect_problem(response, 409, "index_missing")


def test_access_that_changes_takes_effect_at_once(workspace: Workspace) -> None:
    (one,) = workspace.send({"text": "alpha", "external_id": "a"})
    assert workspace.found("alpha") == ["a"]
    workspace.request("PATCH", f"/documents/{one['document_id']}", json={"access": ["user:ann"]})
    assert workspace.found("alpha") == []
    assert workspace.found("alpha", principals=["user:ann"]) == ["a"]
    workspace.request("PATCH", f"/documents/{one['document_id']}", json={"access": None})
    assert workspace.found("alpha") == ["a"]


def test_missing_documents_count_only_what_the_principal_may_read(workspace: Workspace) -> None:
    workspace.build(setup=lexical())
    workspace.send({"text": "secret", "external_id": "a", "access": ["user:ann"]})
    body = {"query": "secret", "setup": lexical(), "require_fresh": True}
    assert workspace.post("/searches", body)["missing_documents"] == 0
    response = workspace.request("POST", "/searches", json={**body, "principals": ["user:ann"]})
    assert expect_problem(response, 409, "index_behind")["missing_documents"] == 1
