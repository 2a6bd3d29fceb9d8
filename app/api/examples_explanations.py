"""Examples of requests for explanations; each runs as it is on the demo workspace."""

from __future__ import annotations

from app.api.examples import Examples

TARGETS: Examples = {
    "document": {"summary": "A whole document", "value": {"document_id": "demo-running-the-service"}},
    "external_id": {"summary": "A document by your own id", "value": {"external_id": "finding-out-why.md"}},
    "span": {
        "summary": "A span of a document",
        "value": {"document_id": "demo-cutting-documents-into-chunks", "start": 2000, "end": 2200},
    },
    "quote": {
        "summary": "A quote, wherever it stands",
        "value": {"quote": "A dense search always finds something."},
    },
    "nobody_knows": {"summary": "A document that nobody here knows", "value": {"document_id": "nosuch"}},
}

DIFFS: Examples = {
    "nobody_and_two_people": {
        "summary": "The same question for two people and for nobody",
        "value": {
            "question": "How large should my chunks be?",
            "askers": [
                {"name": "Ann", "user_id": "ann"},
                {"name": "Ben", "user_id": "ben"},
                {"name": "nobody"},
            ],
        },
    },
}
