"""A workspace with an alias that has something active, to be made its default."""

from __future__ import annotations

from typing import Any

from starlette.testclient import TestClient

from configs.part import JsonObject
from tests.app.api.playground import Workspace, expect, expect_problem, lexical

TREES = {"oak": "The oak carries acorns. " * 9, "birch": "The birch has white bark in spring. " * 9}
BOT = "/aliases/bot"


class Served:
    """A workspace with the default strategy `default`; `small` is active for the alias `bot`, `large` is indexed."""

    def __init__(self, client: TestClient) -> None:
        self.workspace = workspace = Workspace(client)
        workspace.send(*({"text": text, "external_id": name} for name, text in TREES.items()))
        for name, size in (("small", 16), ("large", 64)):
            workspace.post("/strategies", {"name": name, "strategy": {"retrieval": lexical(size)}}, 201)
            workspace.build(strategy=name)
        expect(201, workspace.request("PUT", BOT, json={}))
        self.promote("small")

    def change(self, **body: Any) -> Any:
        """Change the workspace."""
        return expect(200, self.workspace.request("PATCH", json=body))

    def refuse(self, status: int, code: str, **body: Any) -> JsonObject:
        """Expect a change of the workspace to be refused without a trace."""
        before = self.workspace.state()
        problem = expect_problem(self.workspace.request("PATCH", json=body), status, code)
        assert self.workspace.state() == before
        return problem

    def candidate(self, strategy: str, percent: int = 0) -> None:
        """Name the candidate."""
        body = {"strategy": strategy, "canary_percent": percent}
        expect(200, self.workspace.request("PUT", f"{BOT}/candidate", json=body))

    def promote(self, strategy: str) -> None:
        """Make a strategy the candidate and promote it."""
        self.candidate(strategy)
        self.workspace.post(f"{BOT}/promotions", {"override_reason": "for the test"}, 201)

    def answers(self) -> tuple[str, JsonObject | None]:
        """Return what answers a search that names nothing, and through what."""
        found = self.workspace.post("/searches", {"query": "bark"})
        return found["strategy"], found["served_by"]

    def states(self) -> dict[str, tuple[str, bool]]:
        """Return state and `is_default` of the newest version of every strategy."""
        return {one["name"]: (one["state"], one["is_default"]) for one in self.workspace.get("/strategies")["items"]}
