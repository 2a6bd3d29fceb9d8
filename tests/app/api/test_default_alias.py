"""The workspace's default alias: requests that name nothing are answered as if they had named it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from app.context.aliases.serving import is_in_canary
from app.evaluation.workspace_files.entries import MANIFEST
from configs.part import JsonObject
from tests.app.api.playground import Workspace, expect, expect_problem, lexical
from tests.app.api.served import BOT, Served
from tests.app.evaluation.workspace_files.zips import unzipped

QUESTION: JsonObject = {"question": "What has bark?", "evidence": [{"external_id": "birch"}]}
KEY = "the-key-of-the-environment"
ACTIVE = {"alias": "bot", "role": "active"}


def expect_zip(workspace: Workspace, body: JsonObject) -> bytes:
    """Return the TREC run of a request."""
    response = workspace.request("POST", "/searches/trec-runs", json=body)
    assert response.status_code == 200, response.text
    return response.content


@pytest.fixture
def served(client: TestClient) -> Served:
    return Served(client)


@pytest.fixture(scope="module")
def shown(client: TestClient) -> Served:
    """Return a workspace whose default is the alias, which no test changes."""
    made = Served(client)
    made.change(default_alias="bot")
    return made


def test_the_alias_answers_from_the_switch_on_and_the_strategy_when_it_is_dropped(served: Served) -> None:
    assert served.answers() == ("default version 1", None)
    changed = served.change(default_alias="bot")
    assert (changed["default_alias"], changed["default_strategy"]) == ("bot", "default")
    assert served.answers() == ("small version 1", ACTIVE)
    assert served.change(name="Renamed")["default_alias"] == "bot", "left out is not null"
    served.promote("large")
    assert served.answers() == ("large version 1", ACTIVE)
    served.workspace.post(f"{BOT}/rollbacks", {}, 201)
    assert served.answers() == ("small version 1", ACTIVE)
    assert served.change(default_alias=None)["default_alias"] is None
    assert served.answers() == ("default version 1", None)
    assert served.change(default_strategy="large")["default_strategy"] == "large"
    assert served.answers() == ("large version 1", None)


def test_a_new_version_of_the_active_name_is_a_draft_until_it_is_promoted(served: Served) -> None:
    served.change(default_alias="bot")
    body = {"name": "small", "strategy": {"retrieval": lexical(17)}}
    saved = served.workspace.post("/strategies", body, 201)
    assert (saved["version"], saved["state"], saved["is_default"]) == (2, "draft", False)
    assert served.answers() == ("small version 1", ACTIVE)
    versions = served.workspace.get("/strategies/small/versions")["items"]
    assert [(one["version"], one["state"], one["is_default"]) for one in versions] == [
        (1, "active", True), (2, "draft", False),
    ]  # fmt: skip


def test_strategies_tell_their_state_as_the_default(served: Served) -> None:
    default = {"default": ("active", True), "small": ("draft", False), "large": ("draft", False)}
    served.candidate("large")
    assert served.states() == default, "an alias that is not the default says nothing"
    before = served.workspace.request("GET", "/strategies/small")
    served.change(default_alias="bot")
    assert served.states() == {"default": ("draft", False), "small": ("active", True), "large": ("candidate", False)}
    known = {"If-None-Match": before.headers["ETag"]}
    assert served.workspace.request("GET", "/strategies/small", headers=known).status_code == 200


def test_every_request_that_names_nothing_is_answered_as_if_it_had_named_the_alias(shown: Served) -> None:
    workspace = shown.workspace
    context = workspace.post("/contexts", {"question": "bark?"}, 201)
    assert (context["strategy"], context["served_by"]) == ("small version 1", ACTIVE)
    assert workspace.get(f"/contexts/{context['id']}")["served_by"] == ACTIVE
    body = {"questions": [{"question": "bark?"}], "strategies": [{}, {"strategy": "large"}]}
    compared = workspace.post("/comparisons", body)
    assert [one["strategy"] for one in compared["strategies"]] == ["small version 1", "large version 1"]
    asked = {"question": "bark?", "askers": [{"name": "a"}, {"name": "b"}]}
    named, unnamed, other = (
        [one["sources"] for one in workspace.post("/contexts/diff", {**asked, **choice})["askers"]]
        for choice in ({"alias": "bot"}, {}, {"strategy": "default"})
    )
    assert named == unnamed != other
    (document,) = workspace.get("/documents", external_id="birch")["items"][:1]
    chunks = workspace.get(f"/documents/{document['id']}/chunks")
    assert chunks["strategy"] == "small"
    assert workspace.get(f"/documents/{document['id']}/chunks", strategy="large")["strategy"] == "large"


def test_what_is_named_answers_as_ever(shown: Served) -> None:
    for choice, label in (
        ({"strategy": "large"}, "large version 1"), ({"strategy": "default", "version": 1}, "default version 1"),
        ({"setup": lexical(16)}, "inline"),
    ):  # fmt: skip
        found = shown.workspace.post("/searches", {"query": "bark", **choice})
        assert (found["strategy"], found["served_by"]) == (label, None)


def test_an_index_for_nothing_named_is_that_of_the_active_version(shown: Served) -> None:
    index_id = shown.workspace.post("/searches", {"query": "bark"})["index_id"]
    assert shown.workspace.build()["id"] == index_id


def test_a_trec_run_names_what_answered(served: Served) -> None:
    served.change(default_alias="bot")
    served.workspace.post("/question-sets", {"name": "trees", "questions": [QUESTION]}, 201)
    unnamed, small, default = (
        unzipped(expect_zip(served.workspace, {"question_set": "trees", **choice}))
        for choice in ({}, {"strategy": "small"}, {"strategy": "default"})
    )
    assert unnamed == small != default


def test_its_canary_is_that_of_the_default(served: Served) -> None:
    served.change(default_alias="bot")
    expect(200, served.workspace.request("PUT", "/personalisation", json={"unknown_users": "create"}))
    served.candidate("large", percent=50)
    seen = set()
    for user in (f"user-{number}" for number in range(8)):
        role = "canary" if is_in_canary("bot", user, 50) else "active"
        context = served.workspace.post("/contexts", {"question": "bark?", "user_id": user}, 201)
        assert context["served_by"] == {"alias": "bot", "role": role}
        assert context["strategy"] == ("large version 1" if role == "canary" else "small version 1")
        seen.add(role)
    assert seen == {"canary", "active"}
    assert served.answers() == ("small version 1", ACTIVE)


def test_its_questions_are_the_aliass_recent_ones(served: Served) -> None:
    served.change(default_alias="bot")
    served.candidate("large")
    served.workspace.post("/contexts", {"question": "Asked by default?"}, 201)
    served.workspace.post("/contexts", {"question": "Asked otherwise?", "strategy": "large"}, 201)
    shadowed = served.workspace.post(f"{BOT}/shadowings", {})["questions"]
    assert [one["question"] for one in shadowed] == ["Asked by default?"]


def test_only_an_alias_with_something_active_can_be_the_default(served: Served) -> None:
    expect(201, served.workspace.request("PUT", "/aliases/empty", json={}))
    served.refuse(404, "alias_not_found", default_alias="nosuch", name="Half")
    problem = served.refuse(409, "nothing_active", default_alias="empty", name="Half")
    assert "promotions" in problem["hint"]
    assert served.answers() == ("default version 1", None)


@pytest.mark.parametrize("value", ["", "a b", "../x", 7, True, ["bot"], {"name": "bot"}, "x" * 65])
def test_what_is_no_name_is_refused(shown: Served, value: Any) -> None:
    shown.refuse(422, "invalid_request", default_alias=value)


@pytest.mark.parametrize("value", ["bot\0", "\ud800"])
def test_what_is_no_text_is_refused(shown: Served, value: str) -> None:
    before = shown.workspace.state()
    content = json.dumps({"default_alias": value})
    response = shown.workspace.request("PATCH", content=content, headers={"Content-Type": "application/json"})
    expect_problem(response, 422, "invalid_text")
    assert shown.workspace.state() == before


def test_a_default_strategy_alone_is_refused_with_what_to_do(shown: Served) -> None:
    for name in ("large", "default"):
        problem = shown.refuse(409, "default_alias_set", default_strategy=name, name="Half")
        assert f"{BOT}/promotions" in problem["hint"]
    assert shown.answers() == ("small version 1", ACTIVE)


def test_both_in_one_request_change_what_answers_later(served: Served) -> None:
    served.change(default_alias="bot")
    assert served.change(default_alias="bot", default_strategy="large")["default_strategy"] == "large"
    assert served.answers() == ("small version 1", ACTIVE)
    expect(204, served.workspace.request("DELETE", "/strategies/default"))
    served.refuse(404, "strategy_not_found", default_alias=None, default_strategy="nosuch")
    assert served.change(default_alias=None, default_strategy="small")["default_strategy"] == "small"
    assert served.answers() == ("small version 1", None)


def test_what_the_default_needs_is_not_deleted(served: Served) -> None:
    served.change(default_alias="bot")
    before = served.workspace.state()
    for tail, code in ((BOT, "default_alias"), ("/strategies/small", "strategy_in_use"),
                       ("/strategies/default", "default_strategy")):  # fmt: skip
        assert expect_problem(served.workspace.request("DELETE", tail), 409, code)["hint"]
    index_id = served.workspace.post("/searches", {"query": "bark"})["index_id"]
    expect_problem(served.workspace.request("DELETE", f"/indexes/{index_id}"), 409, "index_in_use")
    assert served.workspace.state() == before
    served.change(default_alias=None)
    expect(204, served.workspace.request("DELETE", BOT))
    expect_problem(served.workspace.request("PATCH", json={"default_alias": "bot"}), 404, "alias_not_found")


def test_the_audit_log_has_the_switch_with_before_and_after(served: Served) -> None:
    served.change(default_alias="bot")
    served.change(default_alias=None)
    changes = [entry["changes"] for entry in served.workspace.get("/audit", limit=200)["items"][-2:]]
    row = f"workspaces/{served.workspace.id}"
    assert changes == [
        [{"row": row, "before": {"default_alias": None}, "after": {"default_alias": "bot"}}],
        [{"row": row, "before": {"default_alias": "bot"}, "after": {"default_alias": None}}],
    ]


def test_an_archive_names_what_answered_and_a_default_alias_is_not_pushed_aside(served: Served) -> None:
    served.change(default_alias="bot")
    content = served.workspace.request("GET", "/export").content
    assert json.loads(unzipped(content)[MANIFEST])["default_strategy"] == "small"
    plain, aliased = Workspace(served.workspace.client), Workspace(served.workspace.client)
    expect(201, aliased.request("PUT", BOT, json={}))
    expect(200, aliased.request("PUT", f"{BOT}/candidate", json={"strategy": "default"}))
    aliased.post(f"{BOT}/promotions", {"override_reason": "nothing is here yet"}, 201)
    expect(200, aliased.request("PATCH", json={"default_alias": "bot"}))
    for target, takes_default, label in ((plain, True, "small version 1"), (aliased, False, "default version 1")):
        files = {"archive": ("a.zip", content, "application/zip")}
        accepted = expect(202, target.request("POST", "/imports", files=files))
        assert accepted["takes_default"] is takes_default
        assert target.wait(accepted["job"]["id"])["state"] == "succeeded"
        assert target.post("/searches", {"query": "bark"})["strategy"] == label


def test_a_workspace_of_a_used_id_begins_without_an_alias(served: Served) -> None:
    served.change(default_alias="bot")
    workspace = served.workspace
    expect(204, workspace.request("DELETE"))
    body = {"id": workspace.id, "name": "Anew", "preset": "model_free"}
    while (made := workspace.client.post("/v1/workspaces", json=body)).status_code == 409:
        expect_problem(made, 409, "workspace_exists")
    assert expect(201, made)["default_alias"] is None


def test_only_an_admin_sets_or_drops_it(other_service: Callable[..., TestClient]) -> None:
    client = other_service(api_key=SecretStr(KEY))
    client.headers["Authorization"] = f"Bearer {KEY}"
    served = Served(client)
    headers = {}
    for role in ("viewer", "editor", "admin"):
        member = expect(201, client.post("/v1/members", json={"name": f"{role} {secrets.token_hex(4)}"}))
        expect(200, served.workspace.request("PUT", f"/members/{member['id']}", json={"role": role}))
        made = expect(201, client.post("/v1/keys", json={"name": "k", "member_id": member["id"]}))
        headers[role] = {"Authorization": f"Bearer {made['key']}"}
    for value in ("bot", None):
        for role in ("viewer", "editor"):
            before = served.workspace.get()
            body = {"default_alias": value, "name": "Half", "default_strategy": "large"}
            response = served.workspace.request("PATCH", json=body, headers=headers[role])
            expect_problem(response, 403, "forbidden")
            assert served.workspace.get() == before
        body = {"default_alias": value}
        expect(200, served.workspace.request("PATCH", json=body, headers=headers["admin"]))
        renamed = served.workspace.request("PATCH", json={"name": "Renamed"}, headers=headers["editor"])
        assert expect(200, renamed)["default_alias"] == value
        response = served.workspace.request("PATCH", json={"default_strategy": "large"}, headers=headers["editor"])
        if value is None:
            assert expect(200, response)["default_strategy"] == "large"
        else:
            expect_problem(response, 409, "default_alias_set")
