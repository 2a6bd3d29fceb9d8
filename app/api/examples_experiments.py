"""Examples of experiments; each runs as it is on the demo workspace, in a few seconds."""

from __future__ import annotations

from app.api.examples import Examples

EXPERIMENTS: Examples = {
    "three": {
        "summary": "Hybrid, dense and lexical search of one index, and both reference lines",
        "value": {
            "name": "Does hybrid search pay?",
            "question_set": "demo",
            "strategies": [
                {"strategy": "default"},
                {"strategy": "dense"},
                {"strategy": "lexical"},
                {"strategy": "no_context"},
                {"strategy": "whole_documents"},
            ],
            "latency_requests": 0,
        },
    },
    "grid": {
        "summary": "A grid over live settings: no index is built",
        "value": {
            "name": "How much weight on meaning?",
            "question_set": "demo",
            "strategies": [
                {
                    "strategy": "default",
                    "label": "hybrid",
                    "grid": {"settings": {"fusion.dense_weight": [0.2, 0.5, 0.8]}},
                },
                {"strategy": "lexical"},
            ],
            "metrics": [
                {"kind": "recall_at_tokens", "budget_tokens": 1000},
                {"kind": "context_recall", "budget_tokens": 1000},
            ],
            "margin": 0.03,
            "latency_requests": 0,
        },
    },
    "chunk_sizes": {
        "summary": "A grid over chunk sizes, word search only; missing indexes are made for the experiment",
        "value": {
            "name": "How long should chunks be?",
            "question_set": "demo",
            "strategies": [
                {
                    "label": "words",
                    "setup": {"chunker": {"kind": "recursive", "size_tokens": 200}, "stores": [{"kind": "bm25"}]},
                    "grid": {"settings": {"chunker.size_tokens": [100, 200, 400]}},
                }
            ],
            "latency_requests": 0,
        },
    },
}

SCREENINGS: Examples = {
    "weights": {
        "summary": "Eight fusion weights; the demo's labelled questions calibrate",
        "value": {
            "strategies": [
                {
                    "strategy": "default",
                    "label": "hybrid",
                    "grid": {"settings": {"fusion.dense_weight": [0, 0.1, 0.3, 0.4, 0.5, 0.6, 0.8, 1]}},
                }
            ],
            "question_set": "demo",
            "settings": {"questions_per_kind": 10},
        },
    },
    "four": {
        "summary": "Four strategies, no labels at all",
        "value": {
            "strategies": [
                {"strategy": "default"},
                {"strategy": "dense"},
                {"strategy": "lexical"},
                {
                    "label": "mostly words",
                    "strategy": "default",
                    "grid": {"settings": {"fusion.dense_weight": [0.2]}},
                },
            ],
            "settings": {"questions_per_kind": 10},
        },
    },
}

RECOMMENDATIONS: Examples = {
    "cheapest": {"summary": "The cheapest safe choice, without limits", "value": {}},
    "limits": {
        "summary": "At most 300 ms and 4,000 tokens",
        "value": {
            "constraints": {"max_p95_ms": 300, "max_tokens": 4000},
            "economy": {"model": "gpt-5-mini", "requests_per_day": 5000},
        },
    },
}
