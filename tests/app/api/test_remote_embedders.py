"""Embedders on other machines through the API: refused, priced, advised, failing and coming back, the key unseen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from app.evaluation.report.content import Economy
from configs.errors import DatabaseUnavailableError
from configs.part import JsonObject
from ingest.charges import CHARGED
from ingest.remote_endpoints import allow_endpoints
from tests.app.api.playground import Workspace, expect
from tests.app.api.test_quotas import limit, used
from tests.ingest.embedders.stand_in import DIMENSIONS, KEY_VARIABLE, StandIn, half, stand_in, status

KEY = "sk-seen-by-nobody-at-all"
OPENAI = "https://api.openai.com/v1"
TEXTS = [{"text": f"The number {number} stands in this document.", "external_id": f"d{number}"} for number in range(6)]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    monkeypatch.setattr("ingest.remote_endpoints.FIRST_PAUSE_SECONDS", 0.001)
    with stand_in(key=True) as running:
        yield running


@pytest.fixture
def openai_allowed() -> Iterator[None]:
    """Let setups name OpenAI's endpoint; nothing here calls it."""
    allow_endpoints({OPENAI: "OPENAI_API_KEY"})
    yield
    allow_endpoints({})


def dense(url: str, model: str = "stand-in", **settings: Any) -> JsonObject:
    embedder = {"kind": "openai_compatible", "base_url": url, "model": model, **settings}
    chunker = {"kind": "fixed", "size_tokens": 64}
    return {"chunker": chunker, "embedder": embedder, "stores": [{"kind": "faiss_flat"}]}


def save(workspace: Workspace, setup: JsonObject, code: int = 201) -> Any:
    return workspace.post("/strategies", {"name": "remote", "strategy": {"retrieval": setup}}, code)


def build(workspace: Workspace, setup: JsonObject) -> JsonObject:
    started = workspace.post("/indexes", {"setup": setup}, 202)
    return workspace.wait(started["job"]["id"])


def test_an_address_that_is_not_listed_is_refused_and_not_called(workspace: Workspace, server: StandIn) -> None:
    for url in ("http://169.254.169.254/latest", server.url + "/other", "http://127.0.0.1:1/v1"):
        setup = dense(url, model_dimensions=DIMENSIONS)
        problem = save(workspace, setup, 422)
        assert problem["code"] == "endpoint_not_allowed"
        assert "PLAYGROUND_EMBEDDER_URLS" in problem["hint"]
        assert workspace.post("/indexes", {"setup": setup}, 422)["code"] == "endpoint_not_allowed"
        assert workspace.post("/searches", {"query": "x", "setup": setup}, 409)["code"] == "index_missing"
    assert "remote" not in [one["name"] for one in workspace.get("/strategies")["items"]]
    assert server.requests == []


def test_a_length_that_nobody_knows_is_asked_for(workspace: Workspace, server: StandIn) -> None:
    problem = save(workspace, dense(server.url), 422)
    assert "give model_dimensions" in str(problem)
    problem = save(workspace, dense(server.url, model_dimensions=8, dimensions=9), 422)
    assert "the model's vectors have 8 numbers" in str(problem)


def test_documents_are_indexed_and_found_and_the_job_says_what_it_cost(workspace: Workspace, server: StandIn) -> None:
    workspace.send(*TEXTS)
    setup = dense(server.url, model_dimensions=DIMENSIONS)
    needed = save(workspace, setup)["requires_reindex"]
    assert (needed["texts_to_embed"], needed["embedding_cost_usd"]) == (6, None)
    assert needed["tokens_to_embed"] > 20
    assert server.requests == []
    job = build(workspace, setup)
    assert job["state"] == "succeeded"
    charged = job["result"][CHARGED]
    assert (charged["calls"], charged["cost_usd"], charged["price"]) == (1, None, "price unknown")
    assert charged["tokens"] == sum(len(text.split()) for request in server.requests for text in request["input"])
    assert workspace.found("number 4", strategy="remote")[0] == "d4"
    expected = {"calls": 1, "tokens": 2, "cost_usd": None}
    assert workspace.post("/searches", {"query": "number 4", "strategy": "remote"})["embedding"] == expected
    context = workspace.post("/contexts", {"question": "number 4", "strategy": "remote"}, 201)
    assert workspace.get(f"/contexts/{context['id']}")["receipt"]["embedding"] == expected
    here = {"calls": 0, "tokens": 0, "cost_usd": 0.0}
    assert workspace.post("/searches", {"query": "number 4"})["embedding"] == here
    assert set(server.keys) == {f"Bearer {KEY}"}


def semantic(url: str, **settings: Any) -> JsonObject:
    embedder = {"kind": "openai_compatible", "base_url": url, "model": "stand-in", "model_dimensions": DIMENSIONS}
    return {"kind": "semantic", "embedder": embedder, **settings}


def test_what_cutting_costs_is_estimated_and_counted(workspace: Workspace, server: StandIn) -> None:
    workspace.send(*({**one, "text": f"{one['text']} Cats sleep all day. Rain falls."} for one in TEXTS))
    setup = {"chunker": semantic(server.url), "stores": [{"kind": "bm25"}]}
    needed = save(workspace, setup)["requires_reindex"]
    assert (needed["tokens_to_embed"], needed["embedding_cost_usd"]) == (0, None)
    assert needed["tokens_to_cut"] > 100
    assert build(workspace, setup)["result"][CHARGED]["calls"] == len(server.requests) == 6


def test_a_preview_tells_what_its_calls_cost_and_is_bounded(workspace: Workspace, server: StandIn) -> None:
    body = {"text": "Cats sleep. Rain falls. Odd it is.", "chunkers": [semantic(server.url), {"kind": "fixed"}]}
    calls = expect(200, workspace.client.post("/v1/chunkings/preview", json=body))["embedding_calls"]
    assert (calls["calls"], calls["cost_usd"], calls["price"]) == (1, None, "price unknown")
    assert calls["tokens"] == sum(len(text.split()) for request in server.requests for text in request["input"])
    body["text"] = "Cats sleep all day. " * 5_001
    response = workspace.client.post("/v1/chunkings/preview", json=body)
    assert expect(422, response)["code"] == "text_too_long_to_encode"
    body["chunkers"] = [{"kind": "fixed"}]
    answer = expect(200, workspace.client.post("/v1/chunkings/preview", json=body))
    assert answer["embedding_calls"] is None
    assert len(server.requests) == 1


def test_a_preview_counts_as_tokens_of_the_day(workspace: Workspace, server: StandIn) -> None:
    (sent,) = workspace.send({"text": "Cats sleep. Rain falls. Odd it is.", "external_id": "a"})
    limit(workspace, tokens_per_day=5)
    document = {"workspace_id": workspace.id, "document_id": sent["document_id"]}
    body = {"document": document, "chunkers": [semantic(server.url)]}
    tokens = expect(200, workspace.client.post("/v1/chunkings/preview", json=body))["embedding_calls"]["tokens"]
    assert used(workspace) == {"tokens_per_day": tokens}
    assert tokens > 5
    response = workspace.client.post("/v1/chunkings/preview", json=body)
    assert expect(429, response)["code"] == "quota_exceeded"
    assert len(server.requests) == 1


def test_what_requests_send_counts_as_tokens_of_the_day(workspace: Workspace, server: StandIn) -> None:
    workspace.send(*TEXTS)
    setup = dense(server.url, model_dimensions=DIMENSIONS)
    save(workspace, setup)
    build(workspace, setup)
    questions = [{"question": "two words", "evidence": [{"external_id": "d4"}]}]
    workspace.post("/question-sets", {"name": "s", "questions": questions}, 201)
    limit(workspace, tokens_per_day=1_000_000)

    def sent() -> int:
        return sum(len(text.split()) for request in server.requests for text in request["input"])

    asked: list[tuple[str, JsonObject]] = [
        ("/searches", {"query": "one", "strategy": "remote"}),
        ("/comparisons", {"questions": questions, "strategies": [{"strategy": "remote"}]}),
        ("/searches/trec-runs", {"question_set": "s", "strategy": "remote"}),
        ("/contexts", {"question": "three words here", "strategy": "remote"}),
    ]
    counted = 0
    for tail, body in asked:
        before, answer = sent(), workspace.request("POST", tail, json=body)
        assert answer.status_code in (200, 201), answer.text
        assert sent() > before, tail
        counted += sent() - before
        counted += answer.json()["receipt"]["tokens"]["total"] if tail == "/contexts" else 0
        assert used(workspace) == {"tokens_per_day": counted}, tail
    limit(workspace, tokens_per_day=counted)
    calls = len(server.requests)
    for tail, body in asked:
        assert expect(429, workspace.request("POST", tail, json=body))["code"] == "quota_exceeded"
    assert (len(server.requests), used(workspace)) == (calls, {"tokens_per_day": counted})
    assert workspace.post("/searches", {"query": "number 4"})["passages"], "an embedder here sends nothing"
    limit(workspace, tokens_per_day=counted + 1)
    workspace.post("/searches", {"query": "passes the limit", "strategy": "remote"})
    assert used(workspace) == {"tokens_per_day": counted + 3}


def test_jobs_go_on_where_no_tokens_are_left(workspace: Workspace, server: StandIn) -> None:
    workspace.send(*TEXTS)
    setup = dense(server.url, model_dimensions=DIMENSIONS)
    save(workspace, setup)
    limit(workspace, tokens_per_day=1)
    assert build(workspace, setup)["result"][CHARGED]["tokens"] > 20
    assert used(workspace) == {"tokens_per_day": 0}
    workspace.post("/searches", {"query": "passes the limit", "strategy": "remote"})
    workspace.send({"text": "a text that was never sent", "external_id": "new"})
    assert build(workspace, setup)["result"][CHARGED]["tokens"] > 0
    assert used(workspace) == {"tokens_per_day": 3}


def test_what_was_sent_counts_whatever_becomes_of_the_answer(
    workspace: Workspace, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.send(*TEXTS)
    setup = dense(server.url, model_dimensions=DIMENSIONS)
    save(workspace, setup)
    build(workspace, setup)
    limit(workspace, tokens_per_day=100)

    def fail(*_: object, **__: object) -> None:
        raise DatabaseUnavailableError("it is away", hint="wait")

    monkeypatch.setattr("app.api.routers.searches.view_of", fail)
    assert expect(503, workspace.request("POST", "/searches", json={"query": "a b c", "strategy": "remote"}))
    assert used(workspace) == {"tokens_per_day": 3}


def test_an_endpoint_that_fails_fails_the_search_and_the_job_and_both_come_back(
    workspace: Workspace, server: StandIn
) -> None:
    workspace.send(*TEXTS)
    setup = dense(server.url, model_dimensions=DIMENSIONS)
    save(workspace, setup)
    server.always = half
    job = build(workspace, setup)
    assert (job["state"], job["error"]["code"]) == ("failed", "endpoint_answer_invalid")
    server.always = None
    assert build(workspace, setup)["state"] == "succeeded"
    for manner, code in (
        (status(401, f'{{"error": {{"message": "{KEY}"}}}}'.encode()), "endpoint_refused"),
        (status(429), "endpoint_rate_limited"),
        (status(500), "endpoint_failed"),
        (half, "endpoint_answer_invalid"),
    ):
        server.always = manner
        response = workspace.request("POST", "/searches", json={"query": "number 4", "strategy": "remote"})
        problem = expect(503, response)
        assert problem["code"] == code
        assert problem["hint"]
        assert KEY not in response.text
        assert "Retry-After" in response.headers
    server.always = None
    assert workspace.found("number 4", strategy="remote")[0] == "d4"
    allow_endpoints({})
    problem = workspace.post("/searches", {"query": "number 4", "strategy": "remote"}, 422)
    assert problem["code"] == "endpoint_not_allowed"
    assert KEY not in expect_text(workspace, "/strategies") + expect_text(workspace, "/indexes")


def expect_text(workspace: Workspace, tail: str) -> str:
    response = workspace.request("GET", tail)
    expect(200, response)
    return response.text


@pytest.mark.usefixtures("openai_allowed")
def test_a_known_price_is_estimated_beforehand(workspace: Workspace) -> None:
    workspace.send(*TEXTS)
    saved = save(workspace, dense(OPENAI, "text-embedding-3-small"))
    needed = saved["requires_reindex"]
    assert needed["embedding_cost_usd"] == pytest.approx(needed["tokens_to_embed"] * 0.02e-6)
    assert needed["seconds"] > 0
    assert saved["strategy"]["retrieval"]["embedder"]["model_dimensions"] == 1536
    local = {**dense(OPENAI), "embedder": {"kind": "hashing"}}
    assert save(workspace, local)["requires_reindex"]["embedding_cost_usd"] == 0


@pytest.mark.usefixtures("openai_allowed")
def test_a_dry_run_adds_the_prices_up_or_says_that_one_is_unknown(workspace: Workspace, server: StandIn) -> None:
    sent = workspace.send(*TEXTS)
    allow_endpoints({OPENAI: "OPENAI_API_KEY", server.url: KEY_VARIABLE})
    question = {"question": "Where is number 4?", "evidence": [{"document_id": sent[4]["document_id"]}]}
    workspace.post("/question-sets", {"name": "set", "questions": [question]}, 201)
    small, large = ({"label": name, "setup": dense(OPENAI, f"text-embedding-3-{name}")} for name in ("small", "large"))
    own = {"label": "own", "setup": dense(server.url, model_dimensions=DIMENSIONS)}
    body = {"name": "Prices", "question_set": "set"}
    plan = workspace.post("/experiments/dry-runs", {**body, "strategies": [small, large]})["plan"]
    tokens = plan["tokens_to_embed"] / 2
    assert plan["embedding_cost_usd"] == pytest.approx(tokens * (0.02e-6 + 0.13e-6))
    plan = workspace.post("/experiments/dry-runs", {**body, "strategies": [small, own]})["plan"]
    assert plan["embedding_cost_usd"] is None
    assert server.requests == []


@pytest.mark.usefixtures("openai_allowed")
def test_a_strategy_shows_what_its_model_was_trained_with(workspace: Workspace) -> None:
    assert save(workspace, dense(OPENAI, "text-embedding-3-small"))["advice"] == []
    advice = save(workspace, dense(OPENAI, "text-embedding-3-small", dimensions=64))["advice"]
    assert ["no less than 256" in sentence for sentence in advice] == [True]
    assert workspace.get("/strategies/remote")["advice"] == advice
    advice = save(workspace, dense(OPENAI, "intfloat/e5-base-v2"))["advice"]
    assert len(advice) == 2
    assert workspace.post("/strategies", {"name": "words", "preset": "lexical"}, 201)["advice"] == []


def test_a_report_charges_each_strategy_by_its_embedder_unless_told_otherwise() -> None:
    assert Economy().embedding_usd_per_million_tokens is None
    assert Economy(embedding_usd_per_million_tokens=0).embedding_usd_per_million_tokens == 0
