"""A workspace whose documents each stop at another stage on their way into a context, and what is asked of it."""

from __future__ import annotations

from typing import Any

from starlette.testclient import TestClient

from configs.part import JsonObject
from tests.app.api.playground import Workspace

WORDS = [f"word{number}" for number in range(400)]
BUDGET = {"budget_tokens": 2_000, "answer_reserve_tokens": 100}


def section(name: str, sentences: int = 12) -> str:
    """Return a text about `name` alone, of about 12 tokens a sentence."""
    return " ".join(f"The {name} rule {number} covers the case {name}{number}." for number in range(sentences))


def by_words(size_tokens: int = 64, **settings: Any) -> JsonObject:
    """Return a lexical setup over the chunks of fixed size."""
    chunker = {"kind": "fixed", "size_tokens": size_tokens}
    return {"chunker": chunker, "context_prefix": False, "stores": [{"kind": "bm25"}], **settings}


def hybrid(**settings: Any) -> JsonObject:
    """Return a setup over both kinds of stores that needs no model, on the default strategy's index."""
    return {
        "chunker": {"kind": "recursive", "size_tokens": 200},
        "embedder": {"kind": "hashing"},
        "stores": [{"kind": "faiss_flat"}, {"kind": "bm25"}],
        "fusion": {"kind": "convex", "dense_weight": 0.3},
        **settings,
    }


def stocked(client: TestClient) -> Workspace:
    """Return the workspace; tests only read it."""
    workspace = Workspace(client)
    texts = {name: section(name) for name in ("apple", "banana", "cherry", "damson", "elder")}
    workspace.send(
        *({"text": text, "external_id": name, "tags": ["fruit"]} for name, text in texts.items()),
        {"text": section("secret apple"), "external_id": "secret", "access": ["user:ann"]},
        {"text": texts["apple"], "external_id": "apple-copy", "tags": ["fruit"]},
        {"text": " ".join(["apple", *WORDS]), "external_id": "long", "tags": ["other"]},
    )
    for size in (64, 128):
        workspace.build(setup=by_words(size))
    return workspace


def made(workspace: Workspace, **asked: Any) -> JsonObject:
    """Return a context."""
    context: JsonObject = workspace.post("/contexts", {"question": "apple rule", **asked}, 201)
    return context


def asked_why(workspace: Workspace, context: JsonObject, **target: Any) -> JsonObject:
    """Return why a target is not in a context."""
    answer: JsonObject = workspace.post(f"/contexts/{context['id']}/why-not", target)
    return answer


def stage(answer: JsonObject, name: str) -> JsonObject:
    """Return one stage of an answer."""
    found: JsonObject = next(one for one in answer["stages"] if one["stage"] == name)
    return found
