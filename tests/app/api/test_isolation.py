"""Isolation: through no operation does a workspace see, change or learn of what belongs to another one."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from configs.part import JsonObject
from tests.app.api.operations import Operation, operations
from tests.app.api.playground import Workspace, expect, expect_problem, lexical

SCOPED = [operation for operation in operations() if "workspace_id" in operation.path_parameters]
CREATING = {
    "PUT /v1/workspaces/{workspace_id}/users/{user_id}",
    "PUT /v1/workspaces/{workspace_id}/aliases/{alias}",
    "PUT /v1/workspaces/{workspace_id}/members/{member_id}",
}
"""Operations that make an object, or give a role to a member, under the id they are given, in the workspace that is
asked.
"""
OF_AN_OBJECT = [
    operation
    for operation in SCOPED
    if operation.path_parameters != ["workspace_id"] and str(operation) not in CREATING
]
OF_A_COLLECTION = [operation for operation in SCOPED if operation.path_parameters == ["workspace_id"]]
SECRET = "zanzibar"
FOREIGN_NAME = f"only-{SECRET}"
NAMING_NOTHING = (
    "/documents", "/documents/files", "/groups", "/imports", "/question-sets/imports", "/strategies",
    "/strategies/files",
)  # fmt: skip
"""Collections whose requests name no object."""
ASKERS = [{"name": "a"}, {"name": "b"}]


class Neighbours:
    """A workspace that is asked, and another one whose objects it is asked for."""

    def __init__(self, client: TestClient) -> None:
        self.mine, self.theirs = Workspace(client), Workspace(client)
        self.mine.send({"text": "mine", "external_id": "mine"})
        (document,) = self.theirs.send(
            {"text": f"{SECRET} is secret", "external_id": SECRET, "title": SECRET, "metadata": {SECRET: SECRET}}
        )
        self.theirs.post("/strategies", {"name": FOREIGN_NAME, "strategy": {"retrieval": lexical(33)}}, 201)
        index = self.theirs.build(strategy=FOREIGN_NAME)
        evidence = {"document_id": document["document_id"], "quote": SECRET}
        questions = [{"question": SECRET, "evidence": [evidence]}]
        self.theirs.post("/question-sets", {"name": FOREIGN_NAME, "questions": questions}, 201)
        context = self.theirs.post("/contexts", {"question": SECRET}, 201)
        comparing = {"name": SECRET, "question_set": FOREIGN_NAME, "latency_requests": 0}
        strategies = [{"strategy": FOREIGN_NAME}, {"strategy": "default"}]
        started = self.theirs.post("/experiments", {**comparing, "strategies": strategies}, 202)
        assert self.theirs.wait(started["job"]["id"])["state"] == "succeeded"
        (passing,) = self.theirs.send({"text": "passing", "external_id": FOREIGN_NAME})
        erased = self.theirs.post("/erasures", {"document_id": passing["document_id"]}, 202)
        assert self.theirs.wait(erased["job"]["id"])["state"] == "succeeded"
        self.version_id: str = document["version_id"]
        self.evidence = {"document_id": document["document_id"], "start": 0, "end": 3}
        self.foreign = {
            "document_id": document["document_id"],
            "strategy_name": FOREIGN_NAME,
            "index_id": index["id"],
            "question_set": FOREIGN_NAME,
            "context_id": context["id"],
            "experiment_id": started["experiment"]["id"],
            "erasure_id": erased["erasure"]["id"],
            "alias": self._foreign_alias(),
            "member_id": self._foreign_member(),
            **self._foreign_user(),
        }

    def _foreign_alias(self) -> str:
        """Add an alias with something active and a candidate to their workspace; return its name."""
        alias = f"/aliases/{FOREIGN_NAME}"
        expect(201, self.theirs.request("PUT", alias, json={"description": SECRET}))
        for strategy in (FOREIGN_NAME, "default"):
            expect(200, self.theirs.request("PUT", f"{alias}/candidate", json={"strategy": strategy}))
            if strategy == FOREIGN_NAME:
                self.theirs.post(f"{alias}/promotions", {"override_reason": SECRET}, 201)
        return FOREIGN_NAME

    def _foreign_member(self) -> str:
        """Give somebody a role in their workspace; return the member's id."""
        member = expect(201, self.theirs.client.post("/v1/members", json={"name": f"member of {self.theirs.id}"}))
        expect(200, self.theirs.request("PUT", f"/members/{member['id']}", json={"role": "viewer"}))
        return str(member["id"])

    def _foreign_user(self) -> dict[str, str]:
        """Add a user to their workspace; return what the path names of it."""
        self.theirs.post("/groups", {"name": FOREIGN_NAME}, 201)
        user = f"/users/{FOREIGN_NAME}"
        expect(201, self.theirs.request("PUT", user, json={"groups": [FOREIGN_NAME]}))
        expect(201, self.theirs.request("PUT", f"{user}/facts/{FOREIGN_NAME}", json={"value": SECRET}))
        memory = self.theirs.post(f"{user}/memories", {"text": SECRET}, 201)
        (suggestion,) = self.theirs.post(f"{user}/suggestions", {"text": f"I live in {SECRET}"}, 201)["suggestions"]
        names = dict.fromkeys(("user_id", "group_name", "fact_key"), FOREIGN_NAME)
        return {**names, "memory_id": memory["id"], "suggestion_id": suggestion["id"]}

    def bodies(self, path: str) -> list[JsonObject]:
        """Return requests to a collection of mine that name objects of theirs; KeyError for a new collection."""
        saved: list[JsonObject] = [{"strategy": FOREIGN_NAME}, {"strategy": FOREIGN_NAME, "version": 1}]
        by_name = [*saved, {"alias": FOREIGN_NAME}]
        marked: JsonObject = {"question": "mine?", "evidence": [self.evidence]}
        experiments: list[JsonObject] = [
            {
                "name": "e",
                "question_set": FOREIGN_NAME,
                "strategies": [{"strategy": "default"}, {"setup": lexical(34)}],
            },
            {"name": "e", "question_set": "s", "strategies": saved},
        ]
        bodies: dict[str, list[JsonObject]] = {
            **{tail: [] for tail in NAMING_NOTHING},
            "/indexes": by_name,
            "/searches": [{"query": SECRET, **choice} for choice in by_name],
            "/searches/trec-runs": [{"question_set": FOREIGN_NAME}, *({"question_set": "s", **one} for one in by_name)],
            "/contexts": [{"question": SECRET, **choice} for choice in by_name],
            "/contexts/diff": [{"question": SECRET, "askers": ASKERS, **choice} for choice in by_name],
            "/question-sets": [{"name": "s", "questions": [marked]}],
            "/experiments": experiments,
            "/screenings": [
                {"strategies": saved},
                {"question_set": FOREIGN_NAME, "strategies": [{"strategy": "default"}, {"setup": lexical(34)}]},
            ],
            "/experiments/dry-runs": experiments,
            "/erasures": [
                {"document_id": self.foreign["document_id"]},
                {"external_id": FOREIGN_NAME},
                {"user_id": FOREIGN_NAME},
                {"user_id": FOREIGN_NAME, "memory_id": self.foreign["memory_id"]},
            ],
            "/comparisons": [
                *({"questions": [{"question": "mine?"}], "strategies": [{}, choice]} for choice in by_name),
                {"questions": [marked], "strategies": [{}]},
                {"question_set": FOREIGN_NAME, "strategies": [{}]},
            ],
        }
        return bodies[path.removeprefix("/v1/workspaces/{workspace_id}")]


@pytest.fixture(scope="module")
def neighbours(client: TestClient) -> Neighbours:
    """Return two workspaces; tests leave both as they are."""
    return Neighbours(client)


def test_the_description_has_scoped_operations() -> None:
    assert len(OF_AN_OBJECT) >= 15
    assert len(OF_A_COLLECTION) >= 12


@pytest.mark.parametrize("operation", OF_AN_OBJECT, ids=str)
def test_an_object_of_another_workspace_is_not_there(neighbours: Neighbours, operation: Operation) -> None:
    before = neighbours.mine.state(), neighbours.theirs.state()
    url = operation.url(workspace_id=neighbours.mine.id, **neighbours.foreign)
    for body in operation.examples().values() or [None]:
        response = neighbours.mine.client.request(operation.method, url, json=body)
        if operation.method == "delete":
            assert (response.status_code, response.content) == (204, b"")
        else:
            assert response.status_code == 404, response.text
            assert SECRET not in response.text.replace(FOREIGN_NAME, "")
    assert (neighbours.mine.state(), neighbours.theirs.state()) == before


@pytest.mark.parametrize("operation", OF_A_COLLECTION, ids=str)
def test_a_collection_neither_shows_nor_takes_what_is_of_another(neighbours: Neighbours, operation: Operation) -> None:
    before = neighbours.mine.state(), neighbours.theirs.state()
    if operation.method == "get":
        response = neighbours.mine.client.get(operation.url(workspace_id=neighbours.mine.id))
        assert response.status_code == 200
        assert SECRET not in response.text
    elif operation.method == "post":
        for body in neighbours.bodies(operation.path):
            response = neighbours.mine.client.post(operation.url(workspace_id=neighbours.mine.id), json=body)
            assert response.status_code == 404, (body, response.text)
            assert SECRET not in response.text.replace(FOREIGN_NAME, "")
    assert (neighbours.mine.state(), neighbours.theirs.state()) == before


@pytest.mark.parametrize("operation", SCOPED, ids=str)
def test_nothing_answers_in_a_workspace_that_is_not_there(neighbours: Neighbours, operation: Operation) -> None:
    url = operation.url(workspace_id="nosuch", **neighbours.foreign)
    sendings: list[dict[str, Any]] = [{"json": body} for body in operation.examples().values()] or [{}]
    if "multipart/form-data" in operation.bodies:
        parts = [(part, ("a.txt", b"words", "text/plain")) for part in ("files", "questions", "archive", "strategy")]
        sendings = [{"files": parts, "data": {"format": "jsonl", "name": "s"}}]
    for sending in sendings:
        response = neighbours.mine.client.request(operation.method, url, **sending)
        if operation.method == "delete" and operation.path_parameters == ["workspace_id"]:
            assert response.status_code == 204
        else:
            expect_problem(response, 404, "workspace_not_found")


def test_a_version_of_another_workspace_is_not_read(neighbours: Neighbours) -> None:
    mine = neighbours.mine.get("/documents")["items"][0]["id"]
    for tail in ("text", "chunks"):
        parameters = {"version_id": neighbours.version_id}
        response = neighbours.mine.request("GET", f"/documents/{mine}/{tail}", params=parameters)
        expect_problem(response, 404, "version_not_found")


def test_a_preview_does_not_read_another_workspaces_document(neighbours: Neighbours) -> None:
    reference = {"workspace_id": neighbours.mine.id, "document_id": neighbours.foreign["document_id"]}
    body = {"document": reference, "chunkers": [{"kind": "recursive"}]}
    expect_problem(neighbours.mine.client.post("/v1/chunkings/preview", json=body), 404, "document_not_found")


def test_a_strategy_of_another_workspace_cannot_be_the_default(neighbours: Neighbours) -> None:
    response = neighbours.mine.request("PATCH", json={"default_strategy": FOREIGN_NAME})
    expect_problem(response, 404, "strategy_not_found")


def test_an_alias_of_another_workspace_cannot_be_the_default(neighbours: Neighbours) -> None:
    before = neighbours.mine.state()
    response = neighbours.mine.request("PATCH", json={"default_alias": FOREIGN_NAME})
    expect_problem(response, 404, "alias_not_found")
    assert neighbours.mine.state() == before


def test_a_default_alias_is_each_workspaces_own(neighbours: Neighbours) -> None:
    expect(200, neighbours.theirs.request("PATCH", json={"default_alias": FOREIGN_NAME}))
    assert neighbours.mine.get()["default_alias"] is None
    assert neighbours.mine.post("/searches", {"query": "x"})["served_by"] is None
    assert neighbours.theirs.post("/searches", {"query": "x"})["served_by"]["alias"] == FOREIGN_NAME
    expect(200, neighbours.theirs.request("PATCH", json={"default_alias": None}))


def test_searches_find_only_their_own(neighbours: Neighbours) -> None:
    assert neighbours.mine.found(SECRET) == ["mine"]
    assert neighbours.theirs.found(SECRET) == [SECRET]
    body = {"query": "x", "filter": {"all": [{"field": SECRET, "equal": SECRET}]}}
    problem = expect_problem(neighbours.mine.request("POST", "/searches", json=body), 422, "unknown_filter_field")
    assert SECRET not in problem["hint"]


def test_ids_of_another_workspace_can_be_used_as_external_ids(client: TestClient) -> None:
    one, two = Workspace(client), Workspace(client)
    for workspace in (one, two):
        (document,) = workspace.send({"text": "the same text", "external_id": "the same id"})
        assert document["status"] == "created"
    one.request("DELETE", f"/documents/{one.get('/documents')['items'][0]['id']}")
    assert two.found("text") == ["the same id"]


def test_jobs_of_a_workspace_are_listed_alone(neighbours: Neighbours) -> None:
    ids = {job["id"] for job in neighbours.mine.jobs()}
    assert {job["workspace_id"] for job in neighbours.mine.jobs()} == {neighbours.mine.id}
    assert not ids & {job["id"] for job in neighbours.theirs.jobs()}
    assert expect(200, neighbours.mine.client.get("/v1/jobs", params={"workspace_id": "nosuch"}))["items"] == []
