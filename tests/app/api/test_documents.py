"""Documents: listed with their state, read by span, changed without embedding again, and deleted at once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from starlette.testclient import TestClient

from indexes.database.tables import ChunkRow, Vector
from tests.app.api.conftest import app_of
from tests.app.api.playground import Workspace, expect, expect_problem

MARKDOWN = """# Größe

Der erste Absatz. 😀 Zwei Sätze.

## Tabelle

| a | b |
|---|---|
| 1 | 2 |
"""


def rows_written(client: TestClient) -> tuple[int, int]:
    """Return how many chunks and vectors the service holds."""
    with app_of(client).state.service.database.read() as session:
        chunks, vectors = (session.scalar(select(func.count()).select_from(table)) for table in (ChunkRow, Vector))
    return chunks, vectors


def test_pages_hold_every_document_once(workspace: Workspace) -> None:
    sent = workspace.send(*({"text": f"text {number}", "external_id": f"d{number}"} for number in range(7)))
    listed: list[str] = []
    parameters: dict[str, str] = {}
    while True:
        page = workspace.get("/documents", limit=3, **parameters)
        listed += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        assert len(page["items"]) == 3
        parameters = {"cursor": page["next_cursor"]}
    assert sorted(listed) == sorted(one["document_id"] for one in sent)
    assert len(set(listed)) == 7


def test_a_page_goes_on_where_the_one_before_ended_though_documents_come_and_go(workspace: Workspace) -> None:
    workspace.send(*({"text": f"text {number}", "external_id": f"d{number}"} for number in range(4)))
    ids = [item["id"] for item in workspace.get("/documents")["items"]]
    page = workspace.get("/documents", limit=2)
    workspace.request("DELETE", f"/documents/{page['items'][0]['id']}")
    workspace.send({"text": "later", "external_id": "later"})
    rest = workspace.get("/documents", cursor=page["next_cursor"])["items"]
    assert [item["id"] for item in page["items"]] + [item["id"] for item in rest[:2]] == ids
    assert [item["external_id"] for item in rest[2:]] == ["later"]


def test_listings_can_be_narrowed(workspace: Workspace) -> None:
    workspace.upload(("good.txt", b"words", ""), ("bad.pdf", b"%PDF-1.4 cut off", ""))
    assert [one["external_id"] for one in workspace.get("/documents", state="failed")["items"]] == ["bad.pdf"]
    assert [one["external_id"] for one in workspace.get("/documents", state="ready")["items"]] == ["good.txt"]
    assert workspace.get("/documents", state="queued")["items"] == []
    assert [one["state"] for one in workspace.get("/documents", external_id="bad.pdf")["items"]] == ["failed"]
    assert workspace.get("/documents", external_id="bad")["items"] == []
    expect_problem(workspace.request("GET", "/documents", params={"state": "lost"}), 422, "invalid_request")


@pytest.fixture(scope="module")
def written(client: TestClient) -> tuple[Workspace, str]:
    """Return a workspace with one Markdown document, and the document's id."""
    workspace = Workspace(client)
    (one,) = workspace.send({"text": MARKDOWN, "media_type": "text/markdown", "external_id": "m"})
    return workspace, str(one["document_id"])


@settings(max_examples=25)
@given(start=st.integers(0, len(MARKDOWN) + 5), length=st.integers(1, len(MARKDOWN) + 5))
def test_text_is_read_by_code_points(written: tuple[Workspace, str], start: int, length: int) -> None:
    workspace, document_id = written
    answer = workspace.get(f"/documents/{document_id}/text", start=start, length=length)
    assert (answer["text"], answer["characters"]) == (MARKDOWN[start : start + length], len(MARKDOWN))


def test_chunks_are_the_text_of_their_spans(written: tuple[Workspace, str]) -> None:
    workspace, document_id = written
    workspace.post("/strategies", {"name": "small", "strategy": {"retrieval": small_chunks()}}, 201)
    assert workspace.get(f"/documents/{document_id}/chunks", strategy="small")["chunks"] == []
    workspace.build(strategy="small")
    chunks = workspace.get(f"/documents/{document_id}/chunks", strategy="small")["chunks"]
    assert len(chunks) > 1
    for number, chunk in enumerate(chunks):
        assert chunk["ordinal"] == number
        assert chunk["text"] == MARKDOWN[chunk["start"] : chunk["end"]]
    covered = {place for chunk in chunks for place in range(chunk["start"], chunk["end"])}
    assert all(place in covered for place, character in enumerate(MARKDOWN) if not character.isspace())


def small_chunks() -> dict[str, object]:
    """Return a setup that cuts every few words."""
    return {"chunker": {"kind": "fixed", "size_tokens": 16}, "stores": [{"kind": "bm25"}]}


def test_chunks_come_in_pages(written: tuple[Workspace, str]) -> None:
    workspace, document_id = written
    workspace.post("/strategies", {"name": "paged", "strategy": {"retrieval": small_chunks()}}, 201)
    workspace.build(strategy="paged")
    whole = workspace.get(f"/documents/{document_id}/chunks", strategy="paged")
    assert whole["next_first"] is None
    paged, first = [], 0
    while first is not None:
        page = workspace.get(f"/documents/{document_id}/chunks", strategy="paged", first=first, limit=1)
        paged += page["chunks"]
        first = page["next_first"]
    assert paged == whole["chunks"]


def test_a_baseline_makes_no_chunks(written: tuple[Workspace, str]) -> None:
    workspace, document_id = written
    workspace.post("/strategies", {"name": "nothing", "preset": "no_context"}, 201)
    response = workspace.request("GET", f"/documents/{document_id}/chunks", params={"strategy": "nothing"})
    expect_problem(response, 409, "no_chunks")


def test_a_version_of_another_document_is_not_read(workspace: Workspace) -> None:
    one, two = workspace.send({"text": "one", "external_id": "1"}, {"text": "two", "external_id": "2"})
    for tail in ("text", "chunks"):
        response = workspace.request(
            "GET", f"/documents/{one['document_id']}/{tail}", params={"version_id": two["version_id"]}
        )
        expect_problem(response, 404, "version_not_found")


def test_changes_show_at_once_and_embed_nothing_again(workspace: Workspace) -> None:
    (one,) = workspace.send({"text": "some words", "external_id": "a", "metadata": {"team": "old"}})
    rows, jobs = rows_written(workspace.client), workspace.jobs()
    change = {"title": "Other", "tags": ["new"], "metadata": {"team": "new", "year": 2025}}
    changed = expect(200, workspace.request("PATCH", f"/documents/{one['document_id']}", json=change))
    assert {name: changed[name] for name in change} == change
    assert (changed["version"], changed["state"]) == (1, "ready")
    by_team = {"all": [{"field": "team", "equal": "new"}, {"tags": ["new"]}, {"field": "year", "range": {"gte": 2025}}]}
    assert workspace.found("words", filter=by_team) == ["a"]
    assert workspace.found("words", filter={"all": [{"field": "team", "equal": "old"}]}) == []
    assert rows_written(workspace.client) == rows
    assert workspace.jobs() == jobs


def test_a_change_leaves_the_rest_as_it_is(workspace: Workspace) -> None:
    (one,) = workspace.send({"text": "words", "external_id": "a", "tags": ["t"], "access": ["user:ann"]})
    path = f"/documents/{one['document_id']}"
    shown = expect(200, workspace.request("PATCH", path, json={"metadata": {"n": 1}}))
    assert (shown["tags"], shown["access"], shown["metadata"]) == (["t"], ["user:ann"], {"n": 1})
    assert expect(200, workspace.request("PATCH", path, json={"access": None}))["access"] is None


@pytest.mark.parametrize("change", [{}, {"title": None}, {"tags": None}, {"metadata": None}, {"text": "new"}])
def test_a_change_that_says_nothing_is_refused(written: tuple[Workspace, str], change: dict[str, object]) -> None:
    workspace, document_id = written
    before = workspace.state()
    response = workspace.request("PATCH", f"/documents/{document_id}", json=change)
    expect_problem(response, 422, "invalid_request")
    assert workspace.state() == before


def test_a_deleted_document_is_gone_from_everything_at_once(workspace: Workspace) -> None:
    gone, kept = workspace.send(
        {"text": "shared words", "external_id": "gone"}, {"text": "shared", "external_id": "kept"}
    )
    for name in ("whole_documents", "lexical"):
        workspace.post("/strategies", {"name": name, "preset": name}, 201)
    strategies = [{"strategy": name} for name in ("default", "whole_documents", "lexical")]
    assert workspace.request("DELETE", f"/documents/{gone['document_id']}").status_code == 204
    for choice in strategies:
        assert workspace.found("shared words", **choice) == ["kept"]
        context = workspace.post("/contexts", {"question": "shared words?", **choice}, 201)
        assert {one["document_id"] for one in context["receipt"]["candidates"]} == {kept["document_id"]}
        assert "shared words\n" not in context["text"]
    body = {"questions": [{"question": "shared words"}], "strategies": strategies}
    for answer in workspace.post("/comparisons", body)["questions"][0]["strategies"]:
        assert {hit["document_id"] for hit in answer["hits"]} == {kept["document_id"]}
    for tail in ("", "/text", "/chunks"):
        response = workspace.request("GET", f"/documents/{gone['document_id']}{tail}")
        expect_problem(response, 404, "document_not_found")
    assert [item["external_id"] for item in workspace.get("/documents")["items"]] == ["kept"]
    assert workspace.get()["documents"] == {"ready": 1}


def test_deleting_twice_or_what_is_not_there_changes_nothing(workspace: Workspace) -> None:
    (one,) = workspace.send({"text": "words", "external_id": "a"})
    assert workspace.request("DELETE", f"/documents/{one['document_id']}").status_code == 204
    before = workspace.state()
    for document_id in (one["document_id"], "never-was"):
        assert workspace.request("DELETE", f"/documents/{document_id}").status_code == 204
    assert workspace.state() == before


def test_the_external_id_of_a_deleted_document_is_free_again(workspace: Workspace) -> None:
    (old,) = workspace.send({"text": "words", "external_id": "a"})
    workspace.request("DELETE", f"/documents/{old['document_id']}")
    (new,) = workspace.send({"text": "words", "external_id": "a"})
    assert (new["status"], new["document_id"] != old["document_id"]) == ("created", True)
    assert workspace.found("words") == ["a"]
