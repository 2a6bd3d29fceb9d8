"""Examples of request bodies for question sets and comparisons; each runs as it is on the demo workspace."""

from __future__ import annotations

from typing import Any

from app.api.examples import Examples

TIES: dict[str, Any] = {
    "question": "How do you decide who comes first when two results score exactly alike?",
    "evidence": [
        {
            "document_id": "demo-searching",
            "quote": "Equal scores are ordered by document id and then by position in the document.",
        }
    ],
}
RIGHTS: dict[str, Any] = {
    "question": "A colleague with other permissions sees the pages we share in another order. Is something broken?",
    "evidence": [
        {
            "document_id": "demo-searching",
            "quote": "Two users with different rights can get different scores, and sometimes a different order, for "
            "documents that both may read. That is correct.",
        }
    ],
}

NEW_QUESTION_SETS: Examples = {
    "quotes": {
        "summary": "Answers quoted from the documents",
        "value": {
            "name": "example-searching",
            "questions": [{"id": "ties", **TIES, "tags": ["ranking"]}, {"id": "rights", **RIGHTS, "tags": ["access"]}],
        },
    },
    "spans": {
        "summary": "Answers marked by position, and a question without an answer",
        "value": {
            "name": "example-spans",
            "questions": [
                {
                    "question": "What is the page about searching called?",
                    "evidence": [{"document_id": "demo-searching", "start": 2, "end": 11}],
                },
                {"question": "Which colour has the office door?", "unanswerable": True},
            ],
        },
    },
    "documents": {
        "summary": "Whole documents as answers, graded, by their external ids; a question that must pass",
        "value": {
            "name": "example-documents",
            "questions": [
                {
                    "question": "What do I read before I choose a chunk size?",
                    "evidence": [
                        {"external_id": "cutting-documents-into-chunks.md", "grade": 3},
                        {"external_id": "embedding-texts.md"},
                    ],
                    "cluster": "chunk size",
                },
                {"id": "ties", **TIES, "pinned": True},
            ],
        },
    },
}

RELOCATIONS: Examples = {
    "move": {
        "summary": "Move stale labels into the newest versions; refused where one cannot be moved",
        "value": {"name": "example-relocated"},
    },
    "drop": {
        "summary": "Leave questions out that have a label which cannot be moved",
        "value": {"name": "example-relocated-in-part", "drop_stale": True},
    },
}

COMPARISONS: Examples = {
    "question_set": {
        "summary": "Five questions of the demo set, hybrid against words only",
        "value": {
            "question_set": "demo",
            "limit": 5,
            "strategies": [{"strategy": "default"}, {"strategy": "lexical"}],
            "k": 5,
            "budget_tokens": 1000,
        },
    },
    "questions": {
        "summary": "Own questions, one with its answer marked, and both reference lines",
        "value": {
            "questions": [TIES, {"question": "How do I restore a backup?"}],
            "strategies": [
                {"strategy": "default"},
                {"strategy": "lexical"},
                {"strategy": "no_context"},
                {"strategy": "whole_documents"},
            ],
        },
    },
    "inline": {
        "summary": "A saved strategy against a setup given inline, on the same index",
        "value": {
            "questions": [TIES, RIGHTS],
            "strategies": [
                {"strategy": "lexical"},
                {
                    "setup": {
                        "chunker": {"kind": "recursive", "size_tokens": 200},
                        "stores": [{"kind": "bm25", "k1": 0.9, "b": 0.4}],
                    }
                },
            ],
            "k": 3,
            "budget_tokens": 500,
        },
    },
}

TREC_RUNS: Examples = {
    "default": {
        "summary": "Twenty questions of the demo set with the default strategy",
        "value": {"question_set": "demo", "limit": 20},
    },
    "inline": {
        "summary": "The next ten, a setup given inline, in tagged documents only",
        "value": {
            "question_set": "demo",
            "skip": 20,
            "limit": 10,
            "setup": {
                "chunker": {"kind": "recursive", "size_tokens": 200},
                "stores": [{"kind": "bm25", "k1": 0.9, "b": 0.4}],
            },
            "filter": {"all": [{"tags": ["guide"]}]},
            "k": 50,
        },
    },
}
