"""Vectors of chunks whose chunker has the tokens of their windows averaged: their names in the cache, and how they come
to be.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from configs.part import canonical_json
from configs.span import Span
from ingest.chunking import context_prefix
from ingest.embedders import Vectors
from ingest.recipe import IndexRecipe

MARK = b"\xff"
"""No text begins with this byte in UTF-8, so that no late vector is ever taken for the vector of a text alone."""


def lead_of(recipe: IndexRecipe, title: str) -> str:
    """Return what opens every window of a document: its title where the recipe puts prefixes, else nothing."""
    return context_prefix(title, (), recipe.chunker) if recipe.context_prefix else ""


def late_hashes(recipe: IndexRecipe, title: str, text: str, spans: Sequence[Span]) -> list[str]:
    """Return the name of each span's vector: it depends on the whole text, on what opens its windows, and on how the
    text is cut.
    """
    document = hashlib.sha256(text.encode()).hexdigest()
    names = [
        canonical_json([recipe.chunker.fingerprint, document, lead_of(recipe, title), span.start, span.end])
        for span in spans
    ]
    return [hashlib.sha256(MARK + name.encode()).hexdigest() for name in names]


def late_vectors(recipe: IndexRecipe, title: str, text: str, spans: Sequence[Span]) -> Vectors:
    """Return float32 [len(spans), dimensions]; `spans` are all chunks of the text, since they decide the windows."""
    if recipe.embedder is None:
        raise ValueError("a recipe without an embedder makes no vectors")
    return recipe.embedder.encode_spans(text, lead_of(recipe, title), spans)
