"""Examples of erasures and retention; each runs as it is on the demo workspace, on what exists to be erased."""

from __future__ import annotations

from app.api.examples import Examples

ERASURES: Examples = {
    "document": {
        "summary": "A document with all its versions",
        "value": {"document_id": "demo-disposable", "request": "ticket 4711"},
    },
    "source": {
        "summary": "A source: every document that ever had this id of yours",
        "value": {"external_id": "disposable.txt"},
    },
    "memory": {
        "summary": "One memory of a user",
        "value": {"user_id": "ann", "memory_id": "demo-disposable-memory"},
    },
    "user": {
        "summary": "A user with everything held on it",
        "value": {"user_id": "disposable"},
    },
}

RETENTIONS: Examples = {
    "a_year": {
        "summary": "Conversations for a quarter, receipts and feedback for a year",
        "value": {"history_days": 90, "contexts_days": 365, "feedback_days": 365},
    },
    "keep": {"summary": "Keep everything", "value": {}},
}
