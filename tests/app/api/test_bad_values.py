"""Bad values in good JSON: each gets a clear problem document, and the workspace stays as it was."""

from __future__ import annotations

import json

import pytest

from configs.part import JsonObject
from ingest.chunkers import Chunker
from tests.app.api.playground import Workspace, expect_problem, lexical

pytestmark = pytest.mark.usefixtures("unchanged")

PREVIEW = "/v1/chunkings/preview"


@pytest.mark.parametrize("k", [0, -1, 1_001, 10**9, 10**90, 1.5, "many", None])
def test_k_has_limits(shelf: Workspace, k: object) -> None:
    questions = {"questions": [{"question": "words"}], "strategies": [{}]}
    for tail, body in (("/searches", {"query": "words", "k": k}), ("/comparisons", {**questions, "k": k})):
        problem = expect_problem(shelf.request("POST", tail, json=body), 422, "invalid_request")
        assert problem["errors"][0]["location"] == "body.k"


@pytest.mark.parametrize("candidates", [0, 1_001, 10**9])
def test_candidates_have_limits(shelf: Workspace, candidates: int) -> None:
    body = {"query": "words", "setup": lexical(candidates=candidates)}
    problem = expect_problem(shelf.request("POST", "/searches", json=body), 422, "invalid_request")
    assert problem["errors"][0]["location"].endswith("candidates")


@pytest.mark.parametrize("kind", ["nosuch", "", "x" * 5_000, None, 3])
def test_an_unknown_kind_lists_those_there_are(shelf: Workspace, kind: object) -> None:
    response = shelf.client.post(PREVIEW, json={"text": "a", "chunkers": [{"kind": kind}]})
    problem = expect_problem(response, 422, "invalid_request")
    assert all(repr(known) in problem["detail"] for known in Chunker.members())
    assert len(response.content) < 2_000
    setup = {"chunker": {"kind": "fixed"}, "stores": [{"kind": kind}]}
    response = shelf.request("POST", "/searches", json={"query": "a", "setup": setup})
    assert "'bm25'" in expect_problem(response, 422, "invalid_request")["detail"]


def test_a_missing_kind_is_told(shelf: Workspace) -> None:
    response = shelf.client.post(PREVIEW, json={"text": "a", "chunkers": [{}]})
    assert "kind" in expect_problem(response, 422, "invalid_request")["detail"]


@pytest.mark.parametrize(
    "chunker",
    [
        {"kind": "fixed", "size_tokens": 20, "overlap_tokens": 20},
        {"kind": "fixed", "size_tokens": 20, "overlap_tokens": 100},
        {"kind": "fixed", "size_tokens": 0},
        {"kind": "fixed", "size_tokens": 10**9},
        {"kind": "fixed", "overlap_tokens": -1},
        {"kind": "fixed", "no_such_setting": 1},
        {"kind": "fixed", "tokenizer": ""},
    ],
)
def test_settings_of_a_chunker_have_limits(shelf: Workspace, chunker: JsonObject) -> None:
    setup = {"chunker": chunker, "stores": [{"kind": "bm25"}]}
    for response in (
        shelf.client.post(PREVIEW, json={"text": "a", "chunkers": [chunker]}),
        shelf.request("POST", "/strategies", json={"name": "s", "strategy": {"retrieval": setup}}),
        shelf.request("POST", "/indexes", json={"setup": setup}),
    ):
        problem = expect_problem(response, 422, "invalid_request")
        assert any(name in problem["detail"] for name in chunker if name != "kind")


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        ({"budget_tokens": 64, "answer_reserve_tokens": 0}, "budget_too_small"),
        ({"budget_tokens": 500, "answer_reserve_tokens": 500}, "budget_too_small"),
        ({"budget_tokens": 63}, "invalid_request"),
        ({"budget_tokens": 10**12}, "invalid_request"),
        ({"context": {"budget_tokens": 500, "answer_reserve_tokens": 500}}, "invalid_request"),
    ],
)
def test_a_budget_has_to_hold_the_question(shelf: Workspace, policy: JsonObject, code: str) -> None:
    response = shelf.request("POST", "/contexts", json={"question": "Which words are there? " * 30, **policy})
    problem = expect_problem(response, 422, code)
    assert any(name in json.dumps(problem) for name in ("budget_tokens", "answer_reserve_tokens"))


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ({"field": "no_such_field", "equal": 1}, "unknown_filter_field"),
        ({"field": "x" * 5_000, "equal": 1}, "unknown_filter_field"),
        ({"field": "team"}, "invalid_request"),
        ({"field": "team", "equal": "a", "in": ["a"]}, "invalid_request"),
        ({"field": "team", "range": {}}, "invalid_request"),
        ({"field": "team", "range": {"gte": 1, "lt": "b"}}, "invalid_request"),
        ({"field": "team", "like": "a%"}, "invalid_request"),
        ({"equal": 1}, "invalid_request"),
        ({"tags": []}, "invalid_request"),
    ],
)
def test_a_filter_that_cannot_be_applied_is_refused(shelf: Workspace, condition: JsonObject, code: str) -> None:
    for tail, body in (
        ("/searches", {"query": "words"}),
        ("/contexts", {"question": "words"}),
        ("/comparisons", {"questions": [{"question": "words"}], "strategies": [{}]}),
    ):
        response = shelf.request("POST", tail, json={**body, "filter": {"all": [condition]}})
        expect_problem(response, 422, code)
        assert len(response.content) < 2_000


def test_a_document_may_not_stand_twice_in_a_request(shelf: Workspace) -> None:
    body = {"documents": [{"text": "one", "external_id": "twice"}, {"text": "two", "external_id": "twice"}]}
    problem = expect_problem(shelf.request("POST", "/documents", json=body), 422, "repeated_external_id")
    assert "'twice'" in problem["detail"]
    files = [("files", ("twice.txt", text, "")) for text in (b"one", b"two")]
    expect_problem(shelf.request("POST", "/documents/files", files=files), 422, "repeated_external_id")


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"text": ""}, "invalid_request"),
        ({"text": " \n\t"}, "empty_file"),
        ({"text": "{", "media_type": "application/json"}, "invalid_json"),
        ({"text": "a", "media_type": "image/png"}, "invalid_request"),
        ({"text": "a", "tags": [""]}, "invalid_request"),
        ({"text": "a", "external_id": ""}, "invalid_request"),
        ({"text": "a", "title": "x" * 501}, "invalid_request"),
        ({"text": "a", "metadata": {str(number): 1 for number in range(101)}}, "invalid_request"),
        ({"text": "a", "acess": []}, "invalid_request"),
    ],
)
def test_one_bad_document_refuses_the_request(shelf: Workspace, document: JsonObject, code: str) -> None:
    response = shelf.request("POST", "/documents", json={"documents": [{"text": "fine"}, document]})
    assert "documents.1" in expect_problem(response, 422, code)["detail"]
