"""Examples of requests about aliases; each runs as it is on the demo workspace."""

from __future__ import annotations

from app.api.examples import Examples

ALIASES: Examples = {
    "limits": {
        "summary": "At most 4,000 tokens and half a second",
        "value": {
            "description": "what the demo's help desk calls",
            "limits": {"request_tokens": 4000, "p95_seconds": 0.5},
        },
    }
}
CANDIDATES: Examples = {
    "canary": {
        "summary": "Word search for a tenth of the users",
        "value": {"strategy": "lexical", "canary_percent": 10, "reason": "Are exact words enough?"},
    }
}
SHADOWINGS: Examples = {
    "recent": {"summary": "The last ten questions that anybody asked", "value": {"questions": 10}},
}
PROMOTIONS: Examples = {
    "override": {
        "summary": "With an experiment as evidence, and a reason for whatever it does not show",
        "value": {
            "experiment_id": "demo-experiment",
            "reason": "Tried in the demo",
            "override_reason": "The demo's questions are few; nobody depends on this alias",
        },
    }
}
ROLLBACKS: Examples = {"back": {"summary": "To the version before", "value": {"reason": "Trying the way back"}}}
