"""Contexts for users through the API: three people get three contexts, and nobody gets what nobody got before."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from configs.part import JsonObject
from tests.app.api.playground import Workspace, expect, expect_problem

QUESTION = "Which tea is served?"


@pytest.fixture(scope="module")
def house(client: TestClient) -> Workspace:
    """Return a workspace with a finance group, two users and documents for all, for finance and for Ben."""
    workspace = Workspace(client)
    workspace.post("/groups", {"name": "finance"}, 201)
    workspace.send(
        {"text": "Which tea is served: green tea in the hall.", "external_id": "hall", "tags": ["public"]},
        {"text": "Which tea is served: black tea in the cellar.", "external_id": "cellar", "tags": ["public"]},
        {"text": "Which tea is served: mint tea, only to finance.", "external_id": "mint", "access": ["group:finance"]},
        {"text": "Which tea is served: herbal tea, only to Ben.", "external_id": "ben", "access": ["user:ben"]},
    )
    expect(201, workspace.request("PUT", "/users/ann", json={"groups": ["finance"]}))
    expect(201, workspace.request("PUT", "/users/ben", json={}))
    return workspace


def fresh(house: Workspace, name: str, **body: Any) -> str:
    """Create a user of a test's own."""
    expect(201, house.request("PUT", f"/users/{name}", json={"groups": ["finance"], **body}))
    return name


def ask(house: Workspace, user_id: str | None = None, status: int = 201, **body: Any) -> JsonObject:
    """Assemble a context for a user."""
    content = {"question": QUESTION, **({} if user_id is None else {"user_id": user_id}), **body}
    context: JsonObject = house.post("/contexts", content, status)
    return context


def sources(house: Workspace, context: JsonObject) -> set[str]:
    """Return the external ids of a context's sources."""
    known = {one["id"]: one["external_id"] for one in house.get("/documents")["items"]}
    return {known[one["document_id"]] for one in context["citations"]}


def without_nonce(context: JsonObject) -> str:
    return str(context["text"]).replace(context["receipt"]["nonce"], "NONCE")


def test_rights_are_those_of_the_user_and_what_the_request_adds(house: Workspace) -> None:
    assert sources(house, ask(house)) == {"hall", "cellar"}
    assert sources(house, ask(house, "ann")) == {"hall", "cellar", "mint"}
    assert sources(house, ask(house, "ben")) == {"hall", "cellar", "ben"}
    assert sources(house, ask(house, "ben", principals=["group:finance"])) == {"hall", "cellar", "ben", "mint"}


def test_facts_memories_and_turns_enter_and_come_back(house: Workspace) -> None:
    name = fresh(house, "carl", preferences={"language": "German", "verbosity": "brief"})
    house.request("PUT", f"/users/{name}/facts/city", json={"value": "Berlin"})
    house.post(f"/users/{name}/memories", {"text": "Carl drinks only green tea."}, 201)
    house.post(f"/users/{name}/turns", {"role": "user", "text": "Hello there."}, 201)
    context = ask(house, name)
    for said in ("language of answers: German", "city: Berlin", "- Carl drinks only green tea.", "User: Hello there."):
        assert said in context["text"]
    items = {(one["section"], one["reason"]) for one in context["receipt"]["items"]}
    assert items == {("profile", "sent"), ("memories", "sent"), ("history", "sent")}
    again = house.get(f"/contexts/{context['id']}", user_id=name)
    assert (again["text"], again["user_id"]) == (context["text"], name)
    house.request("PUT", f"/users/{name}/facts/city", json={"value": "Rome"})
    assert house.get(f"/contexts/{context['id']}", user_id=name)["text"] == context["text"]
    newer = ask(house, name)
    assert "city: Rome" in newer["text"]
    assert "Berlin" not in newer["text"]
    assert "city: Berlin" in ask(house, name, as_of=context["created_at"])["text"]


def test_a_replay_without_the_rights_is_refused_and_one_of_what_was_deleted_is_gone(house: Workspace) -> None:
    name = fresh(house, "dora")
    memory = house.post(f"/users/{name}/memories", {"text": "Dora likes mint."}, 201)
    context = ask(house, name)
    for others in ({}, {"principals": ["group:finance", "everyone"]}, {"user_id": "ann"}):
        expect_problem(house.request("GET", f"/contexts/{context['id']}", params=others), 404, "context_not_found")
    body = {"external_id": "hall", "user_id": "ann"}
    expect_problem(house.request("POST", f"/contexts/{context['id']}/why-not", json=body), 404, "context_not_found")
    assert house.request("DELETE", f"/users/{name}/memories/{memory['id']}").status_code == 204
    gone = house.request("GET", f"/contexts/{context['id']}", params={"user_id": name})
    expect_problem(gone, 410, "content_deleted")
    assert "Dora likes" not in ask(house, name)["text"]


def test_who_opted_out_and_who_is_new_get_what_nobody_gets(house: Workspace) -> None:
    name = fresh(house, "erik", preferences={"language": "German"})
    house.request("PUT", f"/users/{name}/facts/city", json={"value": "Berlin"})
    expect(200, house.request("PATCH", f"/users/{name}", json={"opted_out": True}))
    assert without_nonce(ask(house, name)) == without_nonce(ask(house))
    new = fresh(house, "fay", groups=[])
    assert without_nonce(ask(house, new)) == without_nonce(ask(house))
    expect_problem(house.request("POST", "/contexts", json={"question": "?", "user_id": "none"}), 404, "unknown_user")


def test_bans_and_feedback_change_the_order_and_say_so(house: Workspace) -> None:
    name = fresh(house, "gina")
    before = ask(house, name, context={"order": "relevance"})
    last = before["citations"][-1]["document_id"]
    expect(200, house.request("PATCH", f"/users/{name}", json={"preferences": {"banned_sources": ["hall"]}}))
    banned = ask(house, name, context={"order": "relevance"})
    assert "hall" not in sources(house, banned)
    assert "banned_source" in [one["reason"] for one in banned["receipt"]["candidates"]]
    house.post(f"/users/{name}/feedback", {"signal": "thumb_up", "document_id": last}, 201)
    lifted = ask(house, name, context={"order": "relevance"})
    boosts = {one["document_id"]: one["boost"] for one in lifted["receipt"]["candidates"]}
    assert 0 < boosts[last]["own_feedback"] <= 0.2
    switched_off = {"preferences": False, "feedback": False, "order": "relevance"}
    order = switched_off.pop("order")
    plain = ask(house, name, context={"order": order, "personalisation": switched_off})
    assert plain["citations"] == before["citations"]


def test_the_preferences_of_the_request_come_first(house: Workspace) -> None:
    name = fresh(house, "hugo", preferences={"language": "German", "verbosity": "brief"})
    text = ask(house, name, preferences={"language": "French"})["text"]
    assert "language of answers: French" in text
    assert "length of answers: brief" in text


def test_turns_share_their_beginning_and_a_new_fact_ends_it_at_the_static_part(house: Workspace) -> None:
    name = fresh(house, "ida")
    house.request("PUT", f"/users/{name}/facts/city", json={"value": "Berlin"})
    house.post(f"/users/{name}/turns", {"role": "user", "text": "Good morning, I have a question about tea."}, 201)
    first = ask(house, name)
    assert first["prompt_cache"]["common_prefix_tokens"] is None
    house.post(f"/users/{name}/turns", {"role": "assistant", "text": "Please ask."}, 201)
    second = ask(house, name)
    use = first["receipt"]["tokens"]
    shared = second["prompt_cache"]["common_prefix_tokens"]
    assert shared >= use["instructions"] + use["profile"] + use["history"]
    assert second["prompt_cache"]["stable_prefix_tokens"] == use["instructions"] + use["profile"]
    house.request("PUT", f"/users/{name}/facts/aaa", json={"value": "first in the profile"})
    third = ask(house, name)
    assert use["instructions"] <= third["prompt_cache"]["common_prefix_tokens"] < shared
    priced = ask(house, name, context={"model": "claude-sonnet-4-5"})["prompt_cache"]
    assert priced["saved_usd_per_request"] > 0
    assert priced["break_even_uses"] == pytest.approx((1.25 - 0.1) / (1 - 0.1))


def test_workspace_instructions_and_notes_are_for_everybody(client: TestClient) -> None:
    workspace = Workspace(client)
    workspace.send({"text": "Which tea is served: green tea."})
    settings = {"workspace_instructions": "Speak of tea alone.", "notes": "Tools: a kettle."}
    expect(200, workspace.request("PUT", "/personalisation", json=settings))
    context = ask(workspace, context={"renderer": {"kind": "openai_messages"}})
    assert context["messages"][0]["content"].endswith("Speak of tea alone.\n\nTools: a kettle.")
    workspace.request("PUT", "/personalisation", json={})
    assert workspace.get(f"/contexts/{context['id']}")["messages"] == context["messages"]


def test_explanations_and_differences_know_the_user(house: Workspace) -> None:
    name = fresh(house, "jana", preferences={"banned_sources": ["cellar"]})
    context = ask(house, name)
    told = house.post(f"/contexts/{context['id']}/why-not", {"external_id": "cellar", "user_id": name})
    assert "banned" in str(told)
    assert not told["documents_changed"]
    askers = [{"name": "Jana", "user_id": name}, {"name": "Ben", "user_id": "ben"}, {"name": "nobody"}]
    diff = house.post("/contexts/diff", {"question": QUESTION, "askers": askers})
    causes = {view["name"]: {one["cause"] for one in view["lacking"]} for view in diff["askers"]}
    assert causes == {"Jana": {"preference", "access"}, "Ben": {"access"}, "nobody": {"access"}}


def test_as_of_needs_a_user(house: Workspace) -> None:
    body = {"question": "?", "as_of": "2026-01-01T00:00:00Z"}
    expect_problem(house.request("POST", "/contexts", json=body), 422, "invalid_request")


def test_erasing_the_user_takes_the_context_with_it(house: Workspace) -> None:
    name = fresh(house, "kai")
    house.request("PUT", f"/users/{name}/facts/city", json={"value": "Atlantis"})
    context = ask(house, name)
    (exported,) = house.get(f"/users/{name}/export")["held"]["contexts"]
    assert (exported["id"], exported["receipt"]["question"]) == (context["id"], QUESTION)
    erasure = house.post("/erasures", {"user_id": name}, 202)
    house.wait(erasure["job"]["id"])
    gone = house.request("GET", f"/contexts/{context['id']}", params={"principals": ["group:finance"]})
    expect_problem(gone, 410, "content_erased")
