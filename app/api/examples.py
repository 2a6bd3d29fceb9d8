"""Examples of request bodies; each runs as it is on the demo workspace."""

from __future__ import annotations

from typing import Any

from app.api import examples_parents

Examples = dict[str, Any]

MARKDOWN = """# Refunds

## Within thirty days

A refund is paid within thirty days of the order. Keep the receipt; without it we look the order up by e-mail address.

| reason | who pays the return |
|---|---|
| damaged | we do |
| changed my mind | you do |

## Later

After thirty days we repair or replace. Ask support first.
"""

CHUNKERS: dict[str, dict[str, Any]] = {
    "recursive": {"kind": "recursive", "size_tokens": 200},
    "fixed": {"kind": "fixed", "size_tokens": 200, "overlap_tokens": 20},
    "heading": {"kind": "heading", "size_tokens": 200},
    "sentence": {"kind": "sentence", "size_tokens": 200, "overlap_sentences": 1},
    "table": {"kind": "table", "size_tokens": 200},
    "code": {"kind": "code", "size_tokens": 200},
    "semchunk": {"kind": "semchunk", "size_tokens": 200},
    "whole_document": {"kind": "whole_document"},
}


def _example(summary: str, value: Any) -> dict[str, Any]:
    return {"summary": summary, "value": value}


CHUNKING_PREVIEWS: Examples = {
    **{
        kind: _example(f"Chunker: {kind}", {"text": MARKDOWN, "chunkers": [chunker]})
        for kind, chunker in {**CHUNKERS, **examples_parents.CHUNKERS}.items()
    },
    "side_by_side": _example(
        "All side by side on a guide page",
        {
            "document": {"workspace_id": "demo", "document_id": "demo-searching"},
            "chunkers": [*CHUNKERS.values(), *examples_parents.CHUNKERS.values()],
            "embedder": {"kind": "sentence_transformer"},
            "max_chunks": 3,
        },
    ),
}

NEW_DOCUMENTS: Examples = {
    "text": _example(
        "One text",
        {"documents": [{"text": "The office is closed on public holidays.", "external_id": "example/office"}]},
    ),
    "markdown": _example(
        "Markdown with tags and metadata",
        {
            "documents": [
                {
                    "text": MARKDOWN,
                    "media_type": "text/markdown",
                    "external_id": "example/refunds",
                    "tags": ["example"],
                    "metadata": {"topic": "support", "position": 20},
                }
            ]
        },
    ),
    "restricted": _example(
        "Readable for one group only",
        {
            "documents": [
                {"text": "The budget is 40,000.", "external_id": "example/budget", "access": ["group:finance"]},
            ]
        },
    ),
    "csv": _example(
        "A table",
        {
            "documents": [
                {"text": "city,inhabitants\nBerlin,3850809\nBremen,569352\n", "media_type": "text/csv",
                 "external_id": "example/cities"},
            ]
        },
    ),
    "code": _example(
        "Source code, read by its file name",
        {
            "documents": [
                {"text": "def refunds(days: int) -> bool:\n    return days <= 30\n", "file_name": "example/shop.py"},
            ]
        },
    ),
}  # fmt: skip

DOCUMENT_CHANGES: Examples = {
    "tags": _example("Other tags", {"tags": ["guide", "retrieval"]}),
    "title": _example("Another shown title", {"title": "Searching"}),
}

NEW_STRATEGIES: Examples = {
    "preset": _example("From a preset", {"name": "example-lexical", "preset": "lexical"}),
    **{
        kind: _example(
            f"Chunker: {kind}",
            {
                "name": f"example-{kind.replace('_', '-')}",
                "strategy": {"retrieval": {"chunker": chunker, "stores": [{"kind": "bm25"}]}},
            },
        )
        for kind, chunker in CHUNKERS.items()
    },
    **{
        name: _example(said, {"name": f"example-{name.replace('_', '-')}", "strategy": {"retrieval": retrieval}})
        for name, (said, retrieval) in examples_parents.RETRIEVALS.items()
    },
    "hybrid": _example(
        "Hybrid with more weight on words, small contexts",
        {
            "name": "example-hybrid",
            "strategy": {
                "retrieval": {
                    "chunker": CHUNKERS["recursive"],
                    "embedder": {"kind": "sentence_transformer"},
                    "stores": [{"kind": "faiss_flat"}, {"kind": "bm25", "k1": 1.5}],
                    "fusion": {"kind": "convex", "dense_weight": 0.3},
                },
                "context": {"budget_tokens": 1500, "answer_reserve_tokens": 500, "order": "edges"},
            },
        },
    ),
}

NEW_INDEXES: Examples = {
    "strategy": _example("Of a saved strategy", {"strategy": "heading_hybrid"}),
    "setup": _example(
        "Of a setup given inline",
        {"setup": {"chunker": CHUNKERS["fixed"], "stores": [{"kind": "bm25"}]}, "maintained": False},
    ),
}

INDEX_CHANGES: Examples = {"maintained": _example("Follow uploads", {"maintained": True})}

SEARCHES: Examples = {
    "alias": _example("What the alias demo-bot answers with", {"query": "How large is a chunk?", "alias": "demo-bot"}),
    "default": _example("Default strategy", {"query": "Why do long chunks lose text in the index?", "k": 5}),
    "lexical": _example("Words only", {"query": "reciprocal rank fusion k 60", "strategy": "lexical", "k": 5}),
    "filtered": _example(
        "In some documents only",
        {
            "query": "How do I back up the service?",
            "filter": {"all": [{"field": "topic", "equal": "operations"}, {"tags": ["guide"]}]},
            "k": 5,
        },
    ),
    "inline": _example(
        "A setup given inline, on the default's index",
        {
            "query": "what does the nonce protect against",
            "setup": {
                "chunker": CHUNKERS["recursive"],
                "embedder": {"kind": "sentence_transformer"},
                "stores": [{"kind": "faiss_flat"}, {"kind": "bm25"}],
                "fusion": {"kind": "reciprocal_rank", "k": 60},
                "candidates": 50,
            },
            "k": 5,
        },
    ),
    "neighbours": _example(
        "Each found chunk with its neighbours, on the default's index",
        {"query": "How large is a chunk?", "setup": examples_parents.NEIGHBOURS, "k": 5},
    ),
    "options": _example(
        "All search options: feedback, recency, diversity, two hits a document",
        {
            "query": "how are documents cut",
            "setup": {
                "chunker": CHUNKERS["recursive"],
                "embedder": {"kind": "sentence_transformer"},
                "stores": [{"kind": "faiss_flat"}, {"kind": "bm25"}],
                "fusion": {"kind": "convex"},
                "query_expansion": {"kind": "multi_query"},
                "recency": {"half_life_days": 30, "weight": 0.1},
                "reranker": {"kind": "mmr", "relevance_weight": 0.7},
                "max_per_source": {"hits": 2},
            },
            "k": 5,
        },
    ),
}

CONTEXTS: Examples = {
    "default": _example("As text", {"question": "When should I send whole documents instead of retrieved passages?"}),
    "alias": _example(
        "Through the alias demo-bot, for Ann", {"question": "What is a canary?", "alias": "demo-bot", "user_id": "ann"}
    ),
    "messages": _example(
        "As messages for a chat model, small budget",
        {
            "question": "How large should my chunks be?",
            "context": {
                "budget_tokens": 1500,
                "answer_reserve_tokens": 500,
                "order": "edges",
                "renderer": {"kind": "openai_messages"},
            },
        },
    ),
    "for_ann": _example(
        "For Ann of the support team: her note, her profile, her memories",
        {
            "question": "How large should my chunks be?",
            "user_id": "ann",
            "context": {"renderer": {"kind": "openai_messages"}},
        },
    ),
    "for_ben": _example(
        "The same question for Ben, an engineer", {"question": "How large should my chunks be?", "user_id": "ben"}
    ),
    "for_cleo": _example(
        "The same question for Cleo, who is in no group, in German this time",
        {"question": "How large should my chunks be?", "user_id": "cleo", "preferences": {"language": "German"}},
    ),
    "nothing": _example("Nothing but the question", {"question": "What is BM25?", "strategy": "no_context"}),
    "whole_documents": _example(
        "Whole documents until the budget is full", {"question": "What is BM25?", "strategy": "whole_documents"}
    ),
}
