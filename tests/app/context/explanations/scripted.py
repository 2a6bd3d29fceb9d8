"""A rerun that follows a rule instead of searching: what a setup and a policy admit is known beforehand."""

from __future__ import annotations

from collections.abc import Callable

from app.context.assembled import Assembled
from app.context.explanations.asked import Asked, Rerun, Setup
from app.context.explanations.places import KnownDocument, Place
from app.context.policy import ContextPolicy
from app.context.receipt import receipt_of
from app.context.retrieve import Request
from app.context.strategy import SearchSetup
from configs.span import Span
from indexes.access import Principal
from indexes.database.engine import now
from tests.app.context.library import Library
from tests.app.evaluation.world import lexical

LIBRARY = Library({"a-1": "What is looked for stands here.", "b-1": "Something else altogether."})
WANTED = KnownDocument(id="a", external_id="a", access=None, tags=(), metadata={}, ready_version_id="a-1")
PLACE = Place(document=WANTED, version_id="a-1", span=Span(0, 23), text="What is looked for stan")
WORDS = lexical()
HYBRID = SearchSetup.model_validate(
    {
        "chunker": {"kind": "fixed", "size_tokens": 16},
        "embedder": {"kind": "hashing", "dimensions": 64},
        "stores": [{"kind": "faiss_flat"}, {"kind": "bm25"}],
        "fusion": {"kind": "convex", "dense_weight": 0.5},
        "candidates": 10,
    }
)

Rule = Callable[[Setup, ContextPolicy], bool]
WITH = LIBRARY.assemble(ContextPolicy(), [LIBRARY.candidate(1, "a-1"), LIBRARY.candidate(2, "b-1")])
WITHOUT = LIBRARY.assemble(ContextPolicy(), [LIBRARY.candidate(1, "b-1")])


class Scripted(Rerun):
    """Answers with a context that holds PLACE where the rule holds; with a nonce of its own also where `costly` does.

    `asked_for` lists the nonces it was asked for.
    """

    def __init__(self, rule: Rule, costly: Rule | None = None) -> None:
        self._rule = rule
        self._costly_rule = costly or rule
        self.asked_for: list[str] = []

    def assembled(self, setup: Setup, policy: ContextPolicy, nonce: str = "") -> Assembled:
        self.asked_for.append(nonce)
        rule = self._costly_rule if nonce else self._rule
        return WITH if rule(setup, policy) else WITHOUT


def asked_by(setup: Setup = WORDS) -> Asked:
    """Return a saved context of nothing, found by the setup."""
    return Asked(
        id="c", setup=setup, receipt=receipt_of(WITHOUT), user_id=None, as_of=now(), preferences=None,
        request=Request(workspace_id="w", question="What stands here?", principal=Principal.of([])),
    )  # fmt: skip
