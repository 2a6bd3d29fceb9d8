"""Aliases through the API: what prototypes call, and the way of a strategy from a draft to them."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from app.context.aliases.serving import is_in_canary
from configs.part import JsonObject
from tests.app.api.playground import Workspace, expect, expect_problem, lexical

TREES = {
    "oak": "The oak carries acorns. Ships were built of it for centuries.",
    "birch": "The birch has white bark. Its sap tastes sweet in spring.",
    "willow": "The willow drinks much water. Baskets are woven from its rods.",
}
QUESTIONS: list[JsonObject] = [
    {"question": "What was built of it?", "evidence": [{"external_id": "oak", "quote": "Ships were built of it"}]},
    {
        "question": "What is woven?",
        "evidence": [{"external_id": "willow", "quote": "Baskets are woven"}],
        "pinned": True,
    },
]
BOT = "/aliases/bot"
USERS = [f"user-{number}" for number in range(30)]


class Bot:
    """A workspace with an alias `bot`: `small` is active, `large` is saved and indexed."""

    def __init__(self, client: TestClient) -> None:
        self.workspace = workspace = Workspace(client)
        workspace.send(*({"text": text, "external_id": name} for name, text in TREES.items()))
        workspace.post("/question-sets", {"name": "trees", "questions": QUESTIONS}, 201)
        for name, size in (("small", 16), ("large", 64)):
            workspace.post("/strategies", {"name": name, "strategy": {"retrieval": lexical(size)}}, 201)
            workspace.build(strategy=name)
        expect(201, workspace.request("PUT", BOT, json={"limits": {"least_questions": 1}}))
        self.candidate(strategy="small")
        self.promote(override_reason="to begin with")

    def candidate(self, status: int = 200, **body: Any) -> Any:
        """Name the candidate."""
        return expect(status, self.workspace.request("PUT", f"{BOT}/candidate", json=body))

    def promote(self, status: int = 201, **body: Any) -> Any:
        """Promote the candidate."""
        return self.workspace.post(f"{BOT}/promotions", body, status)

    def compare(self) -> str:
        """Run an experiment on both strategies and return its id."""
        strategies = [{"strategy": name} for name in ("small", "large")]
        body = {"name": "e", "question_set": "trees", "latency_requests": 0, "strategies": strategies}
        started = self.workspace.post("/experiments", body, 202)
        assert self.workspace.wait(started["job"]["id"])["state"] == "succeeded"
        return str(started["experiment"]["id"])

    def search(self) -> str:
        """Return the label of the strategy that answers a search."""
        return str(self.workspace.post("/searches", {"query": "bark", "alias": "bot"})["strategy"])

    def ask(self, question: str = "What is woven?", **body: Any) -> Any:
        """Assemble a context through the alias."""
        return self.workspace.post("/contexts", {"question": question, "alias": "bot", **body}, 201)


@pytest.fixture
def bot(client: TestClient) -> Bot:
    return Bot(client)


@pytest.fixture(scope="module")
def shown(client: TestClient) -> Bot:
    """Return a bot that no test changes."""
    return Bot(client)


def test_an_alias_is_made_shown_changed_and_deleted(workspace: Workspace) -> None:
    body = {"description": "help desk", "limits": {"p95_seconds": 0.5}}
    made = expect(201, workspace.request("PUT", BOT, json=body))
    assert (made["active"], made["candidate"], made["previous"], made["canary_percent"]) == (None, None, None, 0)
    assert (made["limits"]["margin"], made["limits"]["least_questions"]) == (0.05, 20)
    assert expect(200, workspace.request("PUT", BOT, json=body)) == made
    assert workspace.get("/aliases")["items"] == [workspace.get(BOT)] == [made]
    expect_problem(workspace.request("POST", "/searches", json={"query": "x", "alias": "bot"}), 409, "nothing_active")
    for _ in range(2):
        expect(204, workspace.request("DELETE", BOT))
    expect_problem(workspace.request("GET", BOT), 404, "alias_not_found")


def test_searches_contexts_and_comparisons_take_the_alias(bot: Bot) -> None:
    found = bot.workspace.post("/searches", {"query": "bark", "alias": "bot"})
    assert (found["strategy"], found["served_by"]) == ("small version 1", {"alias": "bot", "role": "active"})
    context = bot.ask()
    assert (context["strategy"], context["served_by"]) == ("small version 1", {"alias": "bot", "role": "active"})
    assert bot.workspace.get(f"/contexts/{context['id']}")["served_by"] == context["served_by"]
    body = {"questions": [{"question": "bark?"}], "strategies": [{"alias": "bot"}, {"strategy": "large"}]}
    compared = bot.workspace.post("/comparisons", body)
    assert [one["strategy"] for one in compared["strategies"]] == ["small version 1", "large version 1"]
    assert bot.workspace.post("/searches", {"query": "bark", "strategy": "small"})["served_by"] is None


@pytest.mark.parametrize("more", [{"strategy": "small"}, {"setup": lexical()}, {"version": 1}])
def test_an_alias_goes_with_no_other_choice(shown: Bot, more: JsonObject) -> None:
    response = shown.workspace.request("POST", "/searches", json={"query": "x", "alias": "bot", **more})
    expect_problem(response, 422, "invalid_request")


def test_a_promotion_counts_at_once_and_is_rolled_back_exactly(bot: Bot) -> None:
    bot.workspace.post("/strategies", {"name": "small", "strategy": {"retrieval": lexical(17)}}, 201)
    assert bot.search() == "small version 1", "a newer version of the name changes nothing"
    bot.candidate(strategy="large", reason="try it")
    assert bot.search() == "small version 1"
    bot.promote(override_reason="because")
    assert bot.search() == "large version 1"
    back = bot.workspace.post(f"{BOT}/rollbacks", {"reason": "oh no"}, 201)
    assert (back["kind"], back["strategy"], back["version"], back["reason"]) == ("rolled_back", "small", 1, "oh no")
    assert bot.search() == "small version 1"
    response = bot.workspace.request("POST", f"{BOT}/rollbacks", json={})
    expect_problem(response, 409, "nothing_before")


def test_a_refused_promotion_lists_every_figure_and_changes_nothing(bot: Bot) -> None:
    experiment_id = bot.compare()
    bot.candidate(strategy="large")
    bot.workspace.send({"text": "The elm has rough leaves.", "external_id": "elm"})
    before = bot.workspace.get(BOT), bot.workspace.get(f"{BOT}/changes")
    response = bot.workspace.request("POST", f"{BOT}/promotions", json={"experiment_id": experiment_id})
    problem = expect_problem(response, 409, "promotion_refused")
    checked = bot.workspace.get(f"{BOT}/promotions/check", experiment_id=experiment_id)
    assert problem["unmet"] == [one for one in checked["conditions"] if not one["is_met"]]
    assert {"documents", "no_regression"} <= {one["name"] for one in problem["unmet"]}
    assert (bot.workspace.get(BOT), bot.workspace.get(f"{BOT}/changes")) == before
    change = bot.promote(experiment_id=experiment_id, override_reason="the elm is the reason")
    assert change["evidence"]["override"]["reason"] == "the elm is the reason"
    assert bot.workspace.get(f"{BOT}/changes", limit=1)["items"] == [change]


def test_a_first_promotion_goes_by_on_fresh_evidence(bot: Bot) -> None:
    experiment_id = bot.compare()
    expect(201, bot.workspace.request("PUT", "/aliases/new", json={}))
    expect(200, bot.workspace.request("PUT", "/aliases/new/candidate", json={"strategy": "large"}))
    response = bot.workspace.request("POST", "/aliases/new/promotions", json={"experiment_id": experiment_id})
    (few,) = expect_problem(response, 409, "promotion_refused")["unmet"]
    assert (few["name"], few["measured"], few["limit"]) == ("questions", 2, 20)
    expect(200, bot.workspace.request("PUT", "/aliases/new", json={"limits": {"least_questions": 2}}))
    change = bot.workspace.post("/aliases/new/promotions", {"experiment_id": experiment_id}, 201)
    assert (change["evidence"]["override"], change["evidence"]["experiment_id"]) == (None, experiment_id)


def test_the_check_has_the_upgrade_report(bot: Bot) -> None:
    experiment_id = bot.compare()
    bot.candidate(strategy="large")
    checked = bot.workspace.get(f"{BOT}/promotions/check", experiment_id=experiment_id)
    report = checked["report"]
    assert (report["active"]["strategy"], report["candidate"]["strategy"]) == ("small version 1", "large version 1")
    assert (report["won"], report["lost"]) == (checked["verdict"]["wins"], checked["verdict"]["losses"])
    assert report["candidate"]["index_bytes"] > 0
    assert bot.workspace.get(f"{BOT}/promotions/check")["report"] is None


def test_states_go_from_draft_over_candidate_to_active(bot: Bot) -> None:
    bot.candidate(strategy="large")
    states = {one["strategy"]: one["state"] for one in bot.workspace.get(f"{BOT}/strategies")["items"]}
    assert (states["small"], states["large"], states["default"]) == ("active", "candidate", "draft")
    expect(204, bot.workspace.request("DELETE", f"{BOT}/candidate"))
    assert bot.workspace.get(BOT)["candidate"] is None
    kinds = [one["kind"] for one in bot.workspace.get(f"{BOT}/changes")["items"]]
    assert kinds == ["candidate_dropped", "candidate", "promoted", "candidate", "created"]
    assert bot.workspace.get(f"{BOT}/changes", before=3)["items"][0]["number"] == 2


def test_canary_users_get_the_candidate_and_are_told(bot: Bot) -> None:
    expect(200, bot.workspace.request("PUT", "/personalisation", json={"unknown_users": "create"}))
    bot.candidate(strategy="large", canary_percent=50)
    for user in USERS[:12]:
        context = bot.ask(user_id=user)
        in_canary = is_in_canary("bot", user, 50)
        assert context["strategy"] == ("large version 1" if in_canary else "small version 1")
        assert context["served_by"]["role"] == ("canary" if in_canary else "active")
    assert bot.ask()["served_by"]["role"] == "active"
    assert bot.search() == "small version 1"


def test_nothing_is_built_silently(bot: Bot) -> None:
    bot.workspace.post("/strategies", {"name": "far", "strategy": {"retrieval": lexical(99)}}, 201)
    response = bot.workspace.request("PUT", f"{BOT}/candidate", json={"strategy": "far", "canary_percent": 5})
    build = expect_problem(response, 409, "index_missing")["build"]
    bot.candidate(strategy="far")
    for tail, body in (("promotions", {"override_reason": "whatever"}), ("shadowings", {})):
        expect_problem(bot.workspace.request("POST", f"{BOT}/{tail}", json=body), 409, "index_missing")
    assert len(bot.workspace.get("/indexes")["items"]) == 3
    started = expect(202, bot.workspace.client.request(build["method"], build["path"], json=build["body"]))
    bot.workspace.wait(started["job"]["id"])
    bot.promote(override_reason="built beside")
    assert bot.search() == "far version 1"


def test_what_an_alias_needs_is_not_deleted(bot: Bot) -> None:
    bot.candidate(strategy="large")
    for name in ("small", "large"):
        expect_problem(bot.workspace.request("DELETE", f"/strategies/{name}"), 409, "strategy_in_use")
    used = bot.workspace.post("/searches", {"query": "bark", "alias": "bot"})["index_id"]
    expect_problem(bot.workspace.request("DELETE", f"/indexes/{used}"), 409, "index_in_use")
    expect(204, bot.workspace.request("DELETE", BOT))
    expect(204, bot.workspace.request("DELETE", f"/indexes/{used}"))
    expect(204, bot.workspace.request("DELETE", "/strategies/small"))


def test_an_index_that_answers_users_goes_on_following_uploads(bot: Bot) -> None:
    used = bot.workspace.post("/searches", {"query": "bark", "alias": "bot"})["index_id"]
    response = bot.workspace.request("PATCH", f"/indexes/{used}", json={"maintained": False})
    expect_problem(response, 409, "index_in_use")
    assert bot.workspace.get(f"/indexes/{used}")["maintained"]
    expect(204, bot.workspace.request("DELETE", BOT))
    expect(200, bot.workspace.request("PATCH", f"/indexes/{used}", json={"maintained": False}))


def test_users_are_answered_from_every_document(bot: Bot) -> None:
    bot.workspace.send({"text": "The elm has rough leaves.", "external_id": "elm"})
    response = bot.workspace.request("PUT", f"{BOT}/candidate", json={"strategy": "large", "canary_percent": 50})
    assert expect_problem(response, 409, "index_behind")["missing_documents"] == 1
    bot.candidate(strategy="large")
    change = bot.promote(override_reason="the elm")
    assert bot.workspace.wait(change["details"]["build_job"])["state"] == "succeeded"
    found = bot.workspace.post("/searches", {"query": "rough leaves", "alias": "bot", "require_fresh": True})
    assert (found["strategy"], found["passages"][0]["external_id"]) == ("large version 1", "elm")
    bot.workspace.send({"text": "The ash has winged seeds.", "external_id": "ash"})
    assert bot.workspace.found("winged seeds", alias="bot", require_fresh=True)[0] == "ash"


def test_an_index_built_for_what_answers_follows_uploads(bot: Bot) -> None:
    assert bot.workspace.build(strategy="small", maintained=False)["maintained"]
    assert not bot.workspace.build(strategy="large", maintained=False)["maintained"]


def test_recent_questions_are_shadowed_for_whom_they_belong_to(bot: Bot) -> None:
    for user in ("ann", "ben"):
        expect(201, bot.workspace.request("PUT", f"/users/{user}", json={}))
    bot.candidate(strategy="large")
    for question, body in (
        ("What is woven?", {}), ("What is woven?", {}), ("Ann's?", {"user_id": "ann"}),
        ("Finance's?", {"principals": ["group:finance"]}),
    ):  # fmt: skip
        bot.ask(question, **body)

    def shadowed(**body: Any) -> list[str]:
        found = bot.workspace.post(f"{BOT}/shadowings", body)
        return [one["question"] for one in found["questions"]]

    contexts = bot.workspace.post(f"{BOT}/shadowings", {})
    assert contexts["active"]["strategy"] == "small version 1"
    assert shadowed() == ["What is woven?"] == shadowed(user_id="ben")
    assert shadowed(user_id="ann") == ["Ann's?", "What is woven?"]
    assert shadowed(principals=["group:finance"], questions=1) == ["Finance's?"]
    expect(200, bot.workspace.request("PUT", "/users/ben", json={"opted_out": True}))
    opted_out = bot.ask("Ben's?", user_id="ben")
    assert opted_out["served_by"]["alias"] == "bot"
    assert "Ben's?" not in shadowed(user_id="ben", principals=["user:ben"])
    erased = bot.workspace.post("/erasures", {"user_id": "ann"}, 202)
    assert bot.workspace.wait(erased["job"]["id"])["state"] == "succeeded"
    assert shadowed(principals=["user:ann"]) == ["What is woven?"]


def test_the_history_shows_runs(bot: Bot) -> None:
    expect_problem(bot.workspace.request("GET", f"{BOT}/history"), 404, "experiment_not_found")
    runs = [bot.compare(), bot.compare()]
    found = bot.workspace.get(f"{BOT}/history", question_set="trees")
    (line,) = found["lines"]
    assert (line["strategy"], line["state"], line["trend"], line["change"]) == ("small", "active", "steady", 0)
    assert [run["experiment_id"] for run in line["runs"]] == runs


@pytest.mark.parametrize(
    ("method", "tail", "body"),
    [
        ("PUT", "", {"limits": {"margin": 0}}),
        ("PUT", "", {"limits": {"p95_seconds": -1}}),
        ("PUT", "", {"limits": {"least_questions": 0}}),
        ("PUT", "", {"limits": {"least_score": 1.01}}),
        ("PUT", "/candidate", {"strategy": "large", "canary_percent": 51}),
        ("PUT", "/candidate", {}),
        ("POST", "/promotions", {"override_reason": " "}),
        ("POST", "/shadowings", {"questions": 0}),
        ("POST", "/rollbacks", {"to": 1}),
    ],
)
def test_bad_input_is_refused_and_changes_nothing(shown: Bot, method: str, tail: str, body: JsonObject) -> None:
    before = shown.workspace.state()
    expect_problem(shown.workspace.request(method, BOT + tail, json=body), 422, "invalid_request")
    assert shown.workspace.state() == before


@pytest.mark.parametrize(("tail", "body"), [("promotions", {}), ("shadowings", {})])
def test_without_a_candidate_there_is_nothing_to_do(shown: Bot, tail: str, body: JsonObject) -> None:
    expect_problem(shown.workspace.request("POST", f"{BOT}/{tail}", json=body), 409, "no_candidate")
