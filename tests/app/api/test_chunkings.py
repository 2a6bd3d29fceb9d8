"""Chunking previews: what chunkers would make of a text, with nothing written."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from app.api.examples import CHUNKERS, MARKDOWN
from configs.part import JsonObject
from tests.app.api.playground import Workspace, expect, expect_problem

PREVIEW = "/v1/chunkings/preview"


def preview(client: TestClient, **body: object) -> JsonObject:
    """Return the answer to a preview that must succeed."""
    answer: JsonObject = expect(200, client.post(PREVIEW, json=body))
    return answer


def test_every_chunker_is_tried_on_the_same_text(client: TestClient) -> None:
    answer = preview(client, text=MARKDOWN, chunkers=list(CHUNKERS.values()), embedder={"kind": "hashing"})
    assert (answer["characters"], answer["title"], answer["window_tokens"]) == (len(MARKDOWN), "Refunds", None)
    assert [one["chunker"]["kind"] for one in answer["chunkings"]] == list(CHUNKERS)
    for chunking in answer["chunkings"]:
        assert chunking["sizes"]["count"] == len(chunking["chunks"]) == sum(b["chunks"] for b in chunking["histogram"])
        assert chunking["coverage"] == 1.0
        for chunk in chunking["chunks"]:
            assert chunk["text"] == MARKDOWN[chunk["start"] : chunk["end"]]
            assert chunk["prefix"].startswith("Refunds")


def test_chunks_shown_are_limited_but_counted(client: TestClient) -> None:
    chunker = {"kind": "fixed", "size_tokens": 16, "overlap_tokens": 4}
    whole = preview(client, text=MARKDOWN, chunkers=[chunker])["chunkings"][0]
    short = preview(client, text=MARKDOWN, chunkers=[chunker], max_chunks=1)["chunkings"][0]
    assert (len(short["chunks"]), short["sizes"]) == (1, whole["sizes"])
    assert whole["duplicated"] > 0
    assert whole["cut_tables"] == 1


def test_a_stored_document_is_cut_as_its_index_does(workspace: Workspace) -> None:
    (one,) = workspace.send({"text": MARKDOWN, "media_type": "text/markdown", "external_id": "a"})
    document = {"workspace_id": workspace.id, "document_id": one["document_id"]}
    before = workspace.state()
    answer = preview(workspace.client, document=document, chunkers=[{"kind": "recursive"}])
    assert workspace.state() == before
    stored = workspace.get(f"/documents/{one['document_id']}/chunks")["chunks"]
    shown = answer["chunkings"][0]["chunks"]
    without = {"parent_start": None, "parent_end": None}
    assert shown == [{name: value for name, value in chunk.items() if name != "ordinal"} | without for chunk in stored]


@pytest.mark.parametrize(
    "body",
    [
        {"chunkers": [{"kind": "fixed"}]},
        {"text": "a", "document": {"workspace_id": "a", "document_id": "b"}, "chunkers": [{"kind": "fixed"}]},
        {"text": "a", "chunkers": []},
        {"text": "", "chunkers": [{"kind": "fixed"}]},
        {"text": "a", "chunkers": [{"kind": "fixed"}] * 21},
        {"text": "a", "chunkers": [{"kind": "fixed"}], "max_chunks": 1001},
    ],
)
def test_a_preview_needs_one_text_and_a_few_chunkers(client: TestClient, body: JsonObject) -> None:
    expect_problem(client.post(PREVIEW, json=body), 422, "invalid_request")


def test_a_document_without_text_or_place_is_told(workspace: Workspace) -> None:
    (bad,) = workspace.upload(("bad.pdf", b"%PDF-1.4 cut off", ""))["documents"]
    chunkers = [{"kind": "fixed"}]
    for document, status, code in (
        ({"workspace_id": "nosuch", "document_id": "b"}, 404, "workspace_not_found"),
        ({"workspace_id": workspace.id, "document_id": "nosuch"}, 404, "document_not_found"),
        ({"workspace_id": workspace.id, "document_id": bad["document_id"]}, 409, "no_text"),
    ):
        response = workspace.client.post(PREVIEW, json={"document": document, "chunkers": chunkers})
        expect_problem(response, status, code)


def test_a_text_of_white_space_is_empty(client: TestClient) -> None:
    response = client.post(PREVIEW, json={"text": " \n ", "chunkers": [{"kind": "fixed"}]})
    expect_problem(response, 422, "empty_file")


def test_parents_and_windows_are_shown(client: TestClient) -> None:
    text = "One is here. Two is here. Three is here. Four is here. Five is here. " * 3
    chunkers = [
        {"kind": "sentence_window", "window_sentences": 1},
        {"kind": "parent_child", "child_tokens": 16, "parent_tokens": 48},
        {"kind": "fixed", "size_tokens": 16},
    ]
    body = {"text": text, "media_type": "text/plain", "chunkers": chunkers}
    windows, families, plain = [
        one["chunks"] for one in client.post("/v1/chunkings/preview", json=body).json()["chunkings"]
    ]
    for number, one in enumerate(windows):
        around = windows[max(0, number - 1) : number + 2]
        assert (one["parent_start"], one["parent_end"]) == (around[0]["start"], around[-1]["end"])
    parents = {(one["parent_start"], one["parent_end"]) for one in families}
    assert 1 < len(parents) < len(families)
    assert all(one["parent_start"] <= one["start"] < one["end"] <= one["parent_end"] for one in families)
    assert {(one["parent_start"], one["parent_end"]) for one in plain} == {(None, None)}


def test_pasted_source_code_is_read_by_its_file_name(client: TestClient) -> None:
    text = "def one():\n    return 1\n\n\ndef two():\n    return 2\n" * 8
    body: JsonObject = {"text": text, "chunkers": [{"kind": "code", "size_tokens": 32}]}
    named, unnamed = preview(client, **body, file_name="app/counting.py"), preview(client, **body)
    assert all("counting.py" in one["prefix"] for one in named["chunkings"][0]["chunks"])
    assert (named["chunkings"][0]["remarks"], len(unnamed["chunkings"][0]["remarks"])) == ([], 1)
    for wrong in ({"media_type": "text/plain"}, {"text": None, "document": {"workspace_id": "a", "document_id": "b"}}):
        response = client.post(PREVIEW, json={**body, "file_name": "a.py", **wrong})
        expect_problem(response, 422, "invalid_request")
    for unreadable in ("a.pdf", "a.docx", "a.unknown", "Makefile"):
        expect_problem(client.post(PREVIEW, json={**body, "file_name": unreadable}), 415, "unsupported_media_type")
