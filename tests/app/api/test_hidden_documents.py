"""Random askers look for documents that they may not read: every answer is the one for a document that is not there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from configs.part import JsonObject
from tests.app.api.explained import BUDGET, made, section
from tests.app.api.playground import Workspace
from tests.indexes.access_worlds import draw_access, draw_names

DOCUMENTS, ASKERS, LOOKED_FOR = 24, 6, 2
TOPICS = ("apple", "banana", "cherry")
SETUPS: list[JsonObject] = [{}, {"setup": {"baseline": "whole_documents"}}]


class Library:
    """Documents with random access lists, by name; each text has a word of its own."""

    def __init__(self, client: TestClient) -> None:
        random = np.random.default_rng(7)
        self.access = {f"shelf{number:02d}": draw_access(random) for number in range(DOCUMENTS)}
        self.workspace = Workspace(client)
        self.workspace.send(
            *(
                {
                    "text": f"{section(TOPICS[number % 3], 4)} The mark is {name}x.", "external_id": name,
                    "tags": [TOPICS[number % 3]], **({} if access is None else {"access": list(access)}),
                }
                for number, (name, access) in enumerate(self.access.items())
            )
        )  # fmt: skip
        documents = self.workspace.get("/documents", limit=DOCUMENTS)["items"]
        self.ids = {one["external_id"]: one["id"] for one in documents}

    def hidden_from(self, names: frozenset[str]) -> list[str]:
        """Return the documents that somebody of these names may not read."""
        return [name for name, access in self.access.items() if access is not None and names.isdisjoint(access)]


@pytest.fixture(scope="module")
def library(client: TestClient) -> Library:
    return Library(client)


def targets(identifier: str, name: str, mark: str) -> list[JsonObject]:
    """Return ways to ask for a document: by either id, for a span or a quote of it, or for a quote alone."""
    by_id = {"document_id": identifier}
    return [
        by_id, {"external_id": name}, {**by_id, "start": 2, "end": 9}, {**by_id, "start": 2, "end": 90_000},
        {**by_id, "quote": f"The mark is {mark}."}, {"quote": f"The mark is {mark}."},
    ]  # fmt: skip


def answered(library: Library, context: JsonObject, target: JsonObject, names: list[str]) -> tuple[int, str]:
    """Return status and text of a why-not, with all that the request itself said taken out."""
    body: dict[str, Any] = {**target, "principals": names}
    response = library.workspace.request("POST", f"/contexts/{context['id']}/why-not", json=body)
    text = response.text.replace(response.headers["x-request-id"], "?")
    for value in target.values():
        text = text.replace(str(value), "?") if isinstance(value, str) else text
    return response.status_code, text


@pytest.mark.parametrize("asker", range(ASKERS))
def test_what_is_hidden_is_answered_like_what_is_not_there(library: Library, asker: int) -> None:
    random = np.random.default_rng([11, asker])
    names = draw_names(random)
    filters: list[JsonObject] = [{}, {"filter": {"all": [{"tags": [TOPICS[random.integers(3)]]}]}}]
    context = made(
        library.workspace, question=f"{TOPICS[random.integers(3)]} rule", principals=sorted(names),
        **SETUPS[random.integers(2)], **BUDGET, **filters[random.integers(2)],
    )  # fmt: skip
    shown = {source["document_id"] for source in context["receipt"]["candidates"]}
    hidden = library.hidden_from(names)
    assert hidden
    assert shown
    assert shown.isdisjoint(library.ids[name] for name in hidden)
    for name in random.permutation(hidden)[:LOOKED_FOR].tolist():
        unknown = targets("document_never_seen", "shelf99", "shelf99x")
        for target, other in zip(targets(library.ids[name], name, f"{name}x"), unknown, strict=True):
            said = [answered(library, context, one, sorted(names)) for one in (target, other)]
            assert said[0] == said[1], target
            assert name not in said[0][1]


def test_what_may_be_read_is_answered_otherwise(library: Library) -> None:
    """Else the answers above could be equal because nothing is ever found."""
    (open_to_all, *_) = [name for name, access in library.access.items() if access is None]
    context = made(library.workspace, **BUDGET)
    for target in targets(library.ids[open_to_all], open_to_all, f"{open_to_all}x"):
        status, text = answered(library, context, target, [])
        assert status == (422 if target.get("end") == 90_000 else 200)
        assert "unknown_document" not in text
