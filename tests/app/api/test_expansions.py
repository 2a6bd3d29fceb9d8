"""Larger text in the place of found chunks, through the whole service: searches, contexts, receipts, refusals."""

from __future__ import annotations

import itertools

import pytest
from starlette.testclient import TestClient

from configs.part import JsonObject
from tests.app.api.playground import Workspace, expect_problem, lexical

SENTENCES = [f"Sentence {number} is about the {word}." for number, word in enumerate(
    ["heron", "badger", "otter", "kestrel", "marten", "lynx", "beaver", "stork", "weasel", "falcon"]
)]  # fmt: skip
TEXT = "# Animals\n\n" + " ".join(SENTENCES) + "\n\n# Plants\n\nNothing is said of plants here."
WINDOW = lexical(expansion={"kind": "parent"}) | {"chunker": {"kind": "sentence_window", "window_sentences": 2}}
FAMILY = {"kind": "parent_child", "child_tokens": 16, "parent_tokens": 64}


@pytest.fixture(scope="module")
def library(client: TestClient) -> Workspace:
    """Return a workspace with one index of each kind of parents; tests only read it."""
    workspace = Workspace(client)
    workspace.upload(("animals.md", TEXT.encode(), "text/markdown"))
    workspace.send({"external_id": "ann", "text": TEXT.replace("badger", "secret"), "access": ["user:ann"]})
    workspace.build(setup=WINDOW)
    workspace.build(setup=lexical(expansion={"kind": "parent"}) | {"chunker": FAMILY})
    workspace.build(setup=lexical(16))
    return workspace


def search(library: Workspace, query: str, setup: JsonObject, **body: object) -> list[JsonObject]:
    passages: list[JsonObject] = library.post("/searches", {"query": query, "setup": setup, **body})["passages"]
    return passages


def test_a_found_sentence_comes_with_its_neighbours(library: Workspace) -> None:
    (passage,) = search(library, "kestrel", WINDOW)
    assert passage["text"] == " ".join(SENTENCES[1:6]) + " "
    assert passage["text"] == TEXT[passage["start"] : passage["end"]]
    (chunk,) = passage["stands_for"]
    assert TEXT[chunk["start"] : chunk["end"]] == SENTENCES[3] + " "
    assert (chunk["rank"], chunk["score"], chunk["ordinal"]) == (1, passage["score"], 4)
    assert passage["heading_path"] == ["Animals"]
    assert passage["tokens"] > 25


def test_neighbouring_sentences_become_one_passage_without_repetition(library: Workspace) -> None:
    (passage,) = search(library, "kestrel marten", WINDOW)
    assert len(passage["stands_for"]) == 2
    near, far = search(library, "heron heron stork", WINDOW)
    assert near["end"] <= far["start"] or far["end"] <= near["start"]
    assert [one["rank"] for one in (near, far)] == [1, 2]


def test_the_most_common_words_find_everything_once(library: Workspace) -> None:
    passages = search(library, "sentence animals plants said", WINDOW)
    spans = sorted((one["start"], one["end"]) for one in passages)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))
    chunks = [chunk["start"] for one in passages for chunk in one["stands_for"] or [one]]
    assert len(chunks) == len(set(chunks)) == 13
    assert [one["rank"] for one in passages] == list(range(1, len(passages) + 1))
    few = search(library, "sentence animals plants said", WINDOW, k=1)
    assert few == passages[:1]


def test_a_parent_takes_the_place_of_more_than_half_of_its_children(library: Workspace) -> None:
    def setup(expansion: JsonObject) -> JsonObject:
        return lexical(expansion=expansion) | {"chunker": FAMILY}

    (always,) = search(library, "kestrel", setup({"kind": "parent"}))
    (child,) = search(library, "kestrel", setup({"kind": "auto_merge"}))
    assert child["stands_for"] == []
    assert len(child["text"]) < len(always["text"])
    every = search(library, "sentence", setup({"kind": "auto_merge"}))
    assert always["text"] in [one["text"] for one in every]
    whole = search(library, "sentence animals plants said", setup({"kind": "parent"}))
    (siblings,) = [len(one["stands_for"]) for one in whole if one["text"] == always["text"]]
    assert siblings > 1
    for ratio, expected in ((0.0, always), (1 / siblings - 0.01, always), (1 / siblings, child), (0.99, child)):
        assert search(library, "kestrel", setup({"kind": "auto_merge", "ratio": ratio})) == [expected], ratio


def test_neighbours_are_taken_live_from_an_index_that_knows_none(library: Workspace) -> None:
    plain = lexical(16)
    (alone,) = search(library, "kestrel", plain)
    (one,) = search(library, "kestrel", plain | {"expansion": {"kind": "neighbours", "chunks": 1}})
    (three,) = search(library, "kestrel", plain | {"expansion": {"kind": "neighbours", "chunks": 3}})
    assert three["start"] <= one["start"] < alone["start"]
    assert alone["end"] < one["end"] <= three["end"]
    assert one["score"] == alone["score"]


def test_nothing_comes_from_a_document_that_may_not_be_read(library: Workspace) -> None:
    for setup in (WINDOW, lexical(16) | {"expansion": {"kind": "neighbours", "chunks": 10}}):
        assert search(library, "secret", setup) == []
        assert {one["external_id"] for one in search(library, "sentence otter", setup)} == {"animals.md"}
        assert "secret" in search(library, "secret", setup, principals=["user:ann"])[0]["text"]


def test_a_receipt_names_the_chunks_whose_place_was_taken_and_rebuilds_the_context(library: Workspace) -> None:
    body = {"question": "kestrel marten stork", "setup": WINDOW, "budget_tokens": 240, "answer_reserve_tokens": 0}
    made = library.post("/contexts", body, 201)
    receipt = made["receipt"]
    assert receipt["tokens"]["total"] <= 240
    assert [len(one["stands_for"]) for one in receipt["candidates"]] == [2, 1]
    assert made["text"].count(SENTENCES[3]) == 1
    again = library.get(f"/contexts/{made['id']}")
    assert (again["text"], again["receipt"]) == (made["text"], receipt)


def test_why_not_knows_what_came_with_a_found_chunk(library: Workspace) -> None:
    """The otter was not found: it stands in the window of the kestrel, and is sent with it."""
    made = library.post("/contexts", {"question": "kestrel", "setup": WINDOW}, 201)
    answer = library.post(f"/contexts/{made['id']}/why-not", {"external_id": "animals.md", "quote": SENTENCES[2]})
    assert (answer["is_included"], answer["is_included_now"], answer["stopped_by"]) == (True, True, None)
    absent = library.post(f"/contexts/{made['id']}/why-not", {"external_id": "animals.md", "quote": SENTENCES[8]})
    assert (absent["is_included"], absent["stopped_by"]) == (False, "ranked")


@pytest.mark.parametrize(
    ("chunker", "expansion", "word"),
    [
        ({"kind": "recursive"}, {"kind": "parent"}, "no parents"),
        ({"kind": "recursive"}, {"kind": "auto_merge"}, "no parents in common"),
        ({"kind": "sentence_window"}, {"kind": "auto_merge"}, "no parents in common"),
        ({"kind": "sentence_window"}, None, "would not be used"),
        ({"kind": "parent_child"}, None, "would not be used"),
        ({"kind": "parent_child"}, {"kind": "neighbours"}, "would not be used"),
        ({"kind": "whole_document"}, {"kind": "neighbours"}, "no neighbours"),
        ({"kind": "parent_child", "child_tokens": 100, "parent_tokens": 100}, {"kind": "parent"}, "child_tokens 100"),
        ({"kind": "cluster_semantic", "piece_tokens": 300}, None, "piece_tokens 300"),
    ],
)
def test_what_could_not_be_honoured_is_refused(
    library: Workspace, chunker: JsonObject, expansion: JsonObject | None, word: str
) -> None:
    setup = lexical(expansion=expansion) | {"chunker": chunker}
    response = library.request("POST", "/searches", json={"query": "x", "setup": setup})
    problem = expect_problem(response, 422, "invalid_request")
    assert word in str(problem)
