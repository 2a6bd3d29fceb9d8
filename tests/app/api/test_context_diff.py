"""Diffs of contexts: who got what and why not, and nothing of what nobody named may read."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from configs.part import JsonObject
from tests.app.api.explained import made, stocked
from tests.app.api.playground import Workspace, expect_problem


@pytest.fixture(scope="module")
def library(client: TestClient) -> Workspace:
    """Return a workspace whose documents each stop at another stage; tests only read it."""
    return stocked(client)


def test_a_diff_tells_who_got_what_and_why_not(library: Workspace) -> None:
    askers = [
        {"name": "Ann", "principals": ["user:ann"]},
        {"name": "Bob", "principals": ["user:bob"]},
        {"name": "nobody"},
    ]
    roomy = {"budget_tokens": 100_000}
    body = {"question": "secret apple rule", "askers": askers, "context": roomy}
    before = library.state()
    answer = library.post("/contexts/diff", body)
    assert library.state() == before
    ann, bob, nobody = answer["askers"]
    assert [one["hidden_documents"] for one in (ann, bob, nobody)] == [0, 1, 1]
    assert "secret" in {one["external_id"] for one in ann["sources"]}
    assert "secret" not in {one["external_id"] for one in [*bob["sources"], *nobody["sources"]]}
    assert {one["cause"] for one in nobody["lacking"]} == {"access"}
    assert all(one["got_by"] == ["Ann"] for one in nobody["lacking"])
    assert bob["unique_characters"] == 0
    for asker, names in zip((ann, bob), (["user:ann"], ["user:bob"]), strict=True):
        alone = made(library, question="secret apple rule", principals=names, context=roomy)
        spans = [(one["document_id"], one["start"], one["end"]) for one in alone["citations"]]
        assert [(one["document_id"], one["start"], one["end"]) for one in asker["sources"]] == spans


def test_a_diff_between_people_without_the_right_shows_nothing_of_what_is_hidden(library: Workspace) -> None:
    askers = [{"name": "Bob", "principals": ["user:bob"]}, {"name": "nobody"}]
    response = library.request("POST", "/contexts/diff", json={"question": "secret apple rule", "askers": askers})
    answer = response.json()
    assert answer["are_equal"] is True
    assert [one["hidden_documents"] for one in answer["askers"]] == [0, 0]
    (secret,) = library.get("/documents", external_id="secret")["items"]
    assert secret["id"] not in response.text


@pytest.mark.parametrize("askers", [[], [{"name": "a"}], [{"name": "a"}, {"name": "a"}], [{"name": "a"}] * 6])
def test_a_diff_takes_two_to_five_askers_with_names_of_their_own(library: Workspace, askers: list[JsonObject]) -> None:
    response = library.request("POST", "/contexts/diff", json={"question": "apple", "askers": askers})
    expect_problem(response, 422, "invalid_request")
