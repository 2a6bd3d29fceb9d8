"""Search options over HTTP: what answers and receipts tell, what is refused, and nothing learnt of what is hidden."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from configs.part import JsonObject
from tests.app.api.explained import asked_why, hybrid, stage
from tests.app.api.playground import Workspace, expect_problem

DOCUMENTS: tuple[JsonObject, ...] = (
    *(
        {"text": f"The apple tree bears fruit.{' Green leaf.' * number}", "external_id": f"tree-{number}",
         "metadata": {"orchard": number % 2, "written": f"20{10 + number}-01-01"}}
        for number in range(8)
    ),
    {"text": " ".join(["apple orchard rules apply"] * 300), "external_id": "long", "metadata": {"orchard": 5}},
    {"text": "Pears bear fruit in autumn.", "external_id": "pear"},
)  # fmt: skip
HIDDEN: JsonObject = {
    "text": "apple apple tree zebra fruit zebra", "external_id": "hidden", "access": ["user:ann"],
    "metadata": {"secret": "2020-01-01"},
}  # fmt: skip
EXPANSIONS = [{"kind": kind, "least_lead": 0} for kind in ("rocchio", "rm3")] + [{"kind": "multi_query"}]
OPTIONS: list[JsonObject] = [
    *({"query_expansion": one} for one in EXPANSIONS),
    {"recency": {"weight": 0.9, "date_field": "written"}},
    {"reranker": {"kind": "mmr"}},
    {"max_per_source": {"hits": 1}},
    {"max_per_source": {"hits": 2, "field": "orchard"}},
    {
        "query_expansion": EXPANSIONS[2], "recency": {"date_field": "written"}, "reranker": {"kind": "mmr"},
        "max_per_source": {"hits": 1},
    },
]  # fmt: skip


@pytest.fixture(scope="module")
def orchard(client: TestClient) -> Workspace:
    """Return a workspace with one document that only Ann may read; tests only read it."""
    workspace = Workspace(client)
    workspace.send(*DOCUMENTS, HIDDEN)
    return workspace


@pytest.fixture(scope="module")
def bare(client: TestClient) -> Workspace:
    """Return a workspace without the hidden document."""
    workspace = Workspace(client)
    workspace.send(*DOCUMENTS)
    return workspace


def searched(workspace: Workspace, options: JsonObject, **asked: Any) -> JsonObject:
    """Return the answer of a search."""
    answer: JsonObject = workspace.post(
        "/searches", {"query": "which apple tree is it", "setup": hybrid(**options), "k": 50, **asked}
    )
    return answer


def told(answer: JsonObject) -> Any:
    """Return all that an answer tells but ids and times."""
    names = {one["document_id"]: one["external_id"] for one in answer["passages"]}
    passages = [
        {key: value for key, value in one.items() if key not in ("document_id", "version_id")}
        for one in answer["passages"]
    ]
    options = answer["options"] or {"capped": []}
    capped = [(names.get(one["document_id"]), one["rank"], one["score"], one["steps"]) for one in options["capped"]]
    return passages, {**options, "capped": capped, "moment": None}


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_what_is_hidden_changes_nothing(orchard: Workspace, bare: Workspace, options: JsonObject) -> None:
    mine, theirs = searched(orchard, options), searched(bare, options)
    assert "zebra" not in str(mine)
    first, second = told(mine), told(theirs)
    for one in (*first[0], *second[0]):  # ages move between two requests by less than the rounding shows
        for step in one["steps"]:
            step["details"].pop("age_days", None)
            step["details"].pop("factor", None)
            step["score"] = None if step["score"] is None else round(step["score"], 6)
        one["score"] = round(one["score"], 6)
    assert [one["external_id"] for one in first[0]] == [one["external_id"] for one in second[0]]
    if "recency" not in options:
        assert first == second


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_filter_bounds_what_is_read_and_found(orchard: Workspace, options: JsonObject) -> None:
    only = {"all": [{"field": "orchard", "equal": 1}]}
    answer = searched(orchard, options, filter=only)
    found = {one["external_id"] for one in answer["passages"]}
    assert found
    assert found <= {"tree-1", "tree-3", "tree-5", "tree-7"}
    words = {"appl", "tree", "bear", "fruit", "green", "leaf"}  # stems of theirs alone
    assert {one["term"] for one in answer["options"]["added_terms"]} <= words


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_context_tells_of_every_step_and_comes_again(orchard: Workspace, options: JsonObject) -> None:
    body = {"question": "which apple tree is it", "setup": hybrid(**options)}
    context = orchard.post("/contexts", body, 201)
    receipt = context["receipt"]
    assert receipt["search"] is not None
    steps = {step["stage"] for one in receipt["candidates"] for step in one["steps"]}
    wanted = {"max_per_source": "source_cap"}
    assert {wanted.get(name, name) for name in options} <= steps
    ranks = [one["rank"] for one in receipt["candidates"]]
    assert sorted(ranks) == list(range(1, len(ranks) + 1))
    for one in receipt["candidates"]:
        assert set(one) >= {"reason", "included", "steps"}
    capped = [one for one in receipt["candidates"] if one["reason"] == "max_per_source"]
    assert len(capped) == (receipt["search"]["dropped_by_cap"] or 0)
    assert bool(capped) == ("max_per_source" in options)
    again = orchard.get(f"/contexts/{context['id']}")
    assert (again["text"], again["receipt"]) == (context["text"], receipt)
    why = asked_why(orchard, context, external_id="tree-1")
    assert why["documents_changed"] is False


def test_why_not_names_the_cap_and_what_would_help(orchard: Workspace) -> None:
    setup = hybrid(max_per_source={"hits": 1, "field": "orchard"})
    context = orchard.post("/contexts", {"question": "apple tree", "setup": setup}, 201)
    lost = next(one for one in context["receipt"]["candidates"] if one["reason"] == "max_per_source")
    target = {"document_id": lost["document_id"], "start": lost["start"], "end": lost["end"]}
    why = asked_why(orchard, context, **target)
    assert (why["stopped_by"], why["code"]) == ("options", "max_per_source")
    assert "1 better hit" in why["sentence"]
    assert stage(why, "unique")["verdict"] == "not_reached"
    plan = orchard.post(f"/contexts/{context['id']}/counterfactuals", target)
    assert "retrieval.max_per_source" in str(plan)


REFUSED: list[tuple[JsonObject, str]] = [
    ({"query_expansion": {"kind": "rm3"}, "stores": [{"kind": "faiss_flat"}], "fusion": None}, "lexical store"),
    (
        {"query_expansion": {"kind": "rocchio"}, "stores": [{"kind": "bm25"}], "fusion": None, "embedder": None},
        "dense store",
    ),
    ({"query_expansion": {"kind": "rm3"}, "candidates": 8}, "least_lead"),
    ({"query_expansion": {"kind": "rocchio", "passages": 20, "least_lead": 0.001}, "candidates": 20}, "least_lead"),
    ({"query_expansion": {"kind": "multi_query", "feedback_weight": 0, "passages": 4}}, "passages"),
    (
        {"query_expansion": {"kind": "multi_query", "terms": 4}, "stores": [{"kind": "faiss_flat"}], "fusion": None},
        "terms",
    ),
    ({"reranker": {"kind": "mmr", "depth": 60}, "candidates": 59}, "lower depth"),
    ({"reranker": {"kind": "mmr"}, "candidates": 20}, "lower depth"),
    ({"reranker": {"kind": "cross_encoder"}}, "model"),
    ({"reranker": {"kind": "nonsense"}}, "cross_encoder"),
    ({"query_expansion": {"kind": "hyde"}}, "multi_query"),
    ({"recency": {"half_life_days": 0}}, "half_life_days"),
    ({"recency": {"half_lives": 3}}, "half_lives"),
    ({"max_per_source": {"hits": 0}}, "hits"),
]


@pytest.mark.parametrize(("options", "said"), REFUSED, ids=str)
def test_what_a_setup_cannot_honour_is_refused(orchard: Workspace, options: JsonObject, said: str) -> None:
    problem = expect_problem(
        orchard.request("POST", "/searches", json={"query": "apple", "setup": hybrid(**options)}),
        422,
        "invalid_request",
    )
    assert said in str(problem)


@pytest.mark.parametrize(
    "options", [{"recency": {"date_field": "secret"}}, {"max_per_source": {"field": "secret"}}], ids=str
)
def test_a_field_that_only_hidden_documents_have_is_unknown(orchard: Workspace, options: JsonObject) -> None:
    body = {"query": "apple", "setup": hybrid(**options)}
    problem = expect_problem(orchard.request("POST", "/searches", json=body), 422, "unknown_metadata_field")
    assert "orchard" in problem["hint"]
    assert "secret" not in problem["hint"]
    assert searched(orchard, options, principals=["user:ann"])["passages"]


@pytest.mark.parametrize("path", ["orchard.x", "written.year", "nosuch.x"])
@pytest.mark.parametrize(("option", "name"), [("recency", "date_field"), ("max_per_source", "field")])
def test_a_path_that_leads_nowhere_is_unknown(orchard: Workspace, option: str, name: str, path: str) -> None:
    body = {"query": "apple", "setup": hybrid(**{option: {name: path}})}
    expect_problem(orchard.request("POST", "/searches", json=body), 422, "unknown_metadata_field")
    filtered = {"query": "apple", "filter": {"conditions": [{"field": path, "equal": 1}]}}
    expect_problem(orchard.request("POST", "/searches", json=filtered), 422, "unknown_filter_field")


def test_a_date_field_without_a_date_is_refused(orchard: Workspace) -> None:
    """Every document would count as infinitely old, and the order stay as it was."""
    body = {"query": "apple", "setup": hybrid(recency={"date_field": "orchard"})}
    problem = expect_problem(orchard.request("POST", "/searches", json=body), 422, "no_dates")
    assert "ISO 8601" in problem["hint"]


def test_a_cross_encoder_that_is_not_here_is_refused_wherever_it_is_named(orchard: Workspace) -> None:
    setup = hybrid(reranker={"kind": "cross_encoder", "model": "/no/such/model"})
    before = orchard.get("/strategies")
    for path, body in (
        ("/searches", {"query": "apple", "setup": setup}),
        ("/contexts", {"question": "apple", "setup": setup}),
        ("/strategies", {"name": "crossed", "strategy": {"retrieval": setup}}),
    ):
        problem = expect_problem(orchard.request("POST", path, json=body), 422, "model_not_on_this_machine")
        assert "PLAYGROUND_MODEL_FOLDER" in problem["hint"]
    assert orchard.get("/strategies") == before


def test_comparisons_show_the_rank_without_the_expansion(orchard: Workspace) -> None:
    strategies = [
        {"setup": hybrid()},
        {"setup": hybrid(query_expansion={"kind": "rm3", "least_lead": 0})},
    ]
    body = {"questions": [{"question": "apple tree"}], "strategies": strategies, "k": 10}
    (question,) = orchard.post("/comparisons", body)["questions"]
    off, on = question["strategies"]
    without = {(one["document_id"], one["start"]): one["rank"] for one in off["hits"]}
    assert not any(one["steps"] for one in off["hits"])
    for one in on["hits"]:
        place = one["document_id"], one["start"]
        assert place not in without or one["steps"][0]["rank"] == without[place]


def test_the_catalog_lists_the_families(client: TestClient) -> None:
    families = {one["family"]: one["members"] for one in client.get("/v1/catalog").json()["families"]}
    assert [one["kind"] for one in families["queryexpansion"]] == ["multi_query", "rm3", "rocchio"]
    assert [one["kind"] for one in families["reranker"]] == ["cross_encoder", "mmr"]
    for member in (*families["queryexpansion"], *families["reranker"]):
        assert {one["applies"] for one in member["settings"]} == {"live"}
