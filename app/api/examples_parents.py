"""Examples of chunkers whose chunks stand for more than themselves, and of what takes the place of found chunks."""

from __future__ import annotations

from typing import Any

PARENT = {"kind": "parent"}

CHUNKERS: dict[str, dict[str, Any]] = {
    "sentence_window": {"kind": "sentence_window", "window_sentences": 2},
    "parent_child": {"kind": "parent_child", "child_tokens": 100, "parent_tokens": 600},
    "semantic": {"kind": "semantic", "embedder": {"kind": "hashing"}, "percentile": 90},
    "cluster_semantic": {"kind": "cluster_semantic", "embedder": {"kind": "hashing"}, "size_tokens": 200},
    "late": {"kind": "late", "size_tokens": 100},
}
"""For previews; the two that measure meaning do it without a model here, so that an answer takes no time."""

RETRIEVALS: dict[str, tuple[str, dict[str, Any]]] = {
    "sentence_window": (
        "Sentences that bring their neighbours",
        {"chunker": CHUNKERS["sentence_window"], "stores": [{"kind": "bm25"}], "expansion": PARENT},
    ),
    "auto_merge": (
        "Children that give way to their parent where more than half are found",
        {
            "chunker": CHUNKERS["parent_child"],
            "stores": [{"kind": "bm25"}],
            "candidates": 40,
            "expansion": {"kind": "auto_merge", "ratio": 0.5},
        },
    ),
    "semantic": (
        "Cut where neighbouring sentences differ most",
        {"chunker": CHUNKERS["semantic"], "stores": [{"kind": "bm25"}]},
    ),
    "cluster_semantic": (
        "Neighbours joined into the chunks that hold together best",
        {"chunker": CHUNKERS["cluster_semantic"], "stores": [{"kind": "bm25"}]},
    ),
    "late": (
        "Vectors that know the text around the chunk",
        {
            "chunker": CHUNKERS["late"],
            "embedder": {"kind": "sentence_transformer"},
            "stores": [{"kind": "faiss_flat"}],
        },
    ),
}

NEIGHBOURS: dict[str, Any] = {
    "chunker": {"kind": "recursive", "size_tokens": 200},
    "embedder": {"kind": "sentence_transformer"},
    "stores": [{"kind": "faiss_flat"}, {"kind": "bm25"}],
    "fusion": {"kind": "convex", "dense_weight": 0.5},
    "expansion": {"kind": "neighbours", "chunks": 1},
}
"""On the default strategy's index: expansion is live."""
