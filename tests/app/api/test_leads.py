"""From an upload to a context: the header of a cut table and the signature of a class go with what was cut off."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from configs.part import JsonObject
from tests.app.api.playground import Workspace, expect

HEADER = "| animal | legs |\n|--|--|\n"
TABLE = "# Animals\n\n" + HEADER + "".join(f"| beast-{number} | {number} |\n" for number in range(60))
CODE = "# Listing\n\n```python\nclass Étendue(Base):\n" + "".join(
    f"    def method_{number}(self):\n        return 'needle-{number}'\n\n" for number in range(20)
) + "```\n"  # fmt: skip


def setup(kind: str) -> JsonObject:
    return {"chunker": {"kind": kind, "size_tokens": 80}, "stores": [{"kind": "bm25"}]}


@pytest.fixture(scope="module")
def library(client: TestClient) -> Workspace:
    """Return a workspace with a table and a listing, cut by the chunkers that are meant for them."""
    workspace = Workspace(client)
    workspace.send(
        {"text": TABLE, "media_type": "text/markdown", "external_id": "table"},
        {"text": CODE, "media_type": "text/markdown", "external_id": "code"},
    )
    for kind in ("table", "code"):
        workspace.build(setup=setup(kind))
    return workspace


@pytest.mark.parametrize(
    ("kind", "question", "lead"),
    [("table", "beast 47", HEADER), ("code", "needle 17", "class Étendue(Base):\n")],
)
def test_what_was_cut_off_is_found_and_sent_with_what_it_needs(
    library: Workspace, kind: str, question: str, lead: str
) -> None:
    found = library.post("/searches", {"query": question, "setup": setup(kind), "k": 1})["passages"][0]
    assert found["lead"] == lead
    assert question.split()[1] in found["text"]
    assert lead not in found["text"]
    policy = {"budget_tokens": 400, "answer_reserve_tokens": 0, "merge_adjacent": False}
    made = library.post("/contexts", {"question": question, "setup": setup(kind), "context": policy}, 201)
    assert lead + found["text"] in made["text"]
    (source,) = [one for one in made["receipt"]["sources"] if one["start"] == found["start"]]
    text = TABLE if kind == "table" else CODE
    assert "".join(text[start:end] for start, end in source["lead"]) == lead
    assert library.get(f"/contexts/{made['id']}")["text"] == made["text"]


def test_the_preview_shows_leads_and_remarks(client: TestClient) -> None:
    body = {"text": TABLE, "chunkers": [{"kind": kind, "size_tokens": 80} for kind in ("table", "code", "recursive")]}
    table, code, recursive = expect(200, client.post("/v1/chunkings/preview", json=body))["chunkings"]
    assert {chunk["lead"] for chunk in table["chunks"]} == {"", HEADER}
    assert all(chunk["prefix"].endswith(chunk["lead"]) for chunk in table["chunks"])
    assert (table["remarks"], recursive["remarks"]) == ([], [])
    assert code["remarks"] == ["the document has no code: it is cut as by `recursive`"]
    assert {chunk["lead"] for chunk in code["chunks"]} == {""}
