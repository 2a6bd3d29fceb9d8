"""Examples of request bodies about users; each runs as it is on the demo workspace, as often as you like."""

from __future__ import annotations

from app.api.examples import Examples

USERS: Examples = {
    "user": {
        "summary": "A user with a group and preferences",
        "value": {
            "groups": ["support"],
            "preferences": {"language": "English", "verbosity": "brief", "preferred_tags": ["guide"]},
        },
    },
    "bare": {"summary": "A user of whom nothing is known", "value": {}},
}
USER_CHANGES: Examples = {
    "preferences": {
        "summary": "Other preferences; groups stay as they are",
        "value": {"preferences": {"language": "English", "verbosity": "detailed", "preferred_tags": ["guide"]}},
    },
    "consent": {"summary": "Personalise for this user", "value": {"opted_out": False}},
}
GROUPS: Examples = {
    "group": {
        "summary": "A group; documents name it as group:reviewers",
        "value": {"name": "reviewers", "description": "People who review answers"},
    },
}
FACTS: Examples = {
    "now": {
        "summary": "True from now on; what was known under this key ends now",
        "value": {"value": "Berlin", "source": "registration form", "confidence": 0.9},
    },
    "bounded": {
        "summary": "True for a while in the past",
        "value": {
            "value": "Paris", "source": "CRM", "valid_from": "2019-01-01T00:00:00Z", "valid_to": "2020-01-01T00:00:00Z",
        },
    },
}  # fmt: skip
MEMORIES: Examples = {
    "semantic": {
        "summary": "What is so",
        "value": {"text": "Runs the service on a machine without a graphics card.", "importance": 8},
    },
    "episodic": {
        "summary": "What happened, and when",
        "value": {
            "text": "Compared hybrid search with lexical search on 200 questions.",
            "kind": "episodic",
            "valid_from": "2026-03-01T09:00:00Z",
        },
    },
    "procedural": {
        "summary": "How to do something",
        "value": {"text": "Give commands for the shell, not for a notebook.", "kind": "procedural"},
    },
}
SUGGESTION_TEXTS: Examples = {
    "introduction": {
        "summary": "A message that says something about its writer",
        "value": {"text": "My name is Ann and I work on search quality. Please answer in English."},
    },
}
TURNS: Examples = {
    "question": {
        "summary": "A turn of the user, from which rules may suggest facts",
        "value": {"role": "user", "text": "I prefer short answers. How large should chunks be?", "suggest": True},
    },
    "answer": {
        "summary": "A turn of the assistant",
        "value": {"role": "assistant", "text": "Begin with 200 tokens, then measure on your own questions."},
    },
}
FEEDBACK: Examples = {
    "document": {
        "summary": "A thumb for a document",
        "value": {"signal": "thumb_up", "document_id": "demo-searching", "rank": 1},
    },
    "source": {
        "summary": "A click on a source of a context, by its label",
        "value": {"signal": "click", "context_id": "demo-context", "label": "S1"},
    },
}
PERSONALISATIONS: Examples = {
    "workspace": {
        "summary": "Instructions and defaults for every user",
        "value": {
            "workspace_instructions": "Answer from the guide of this service.",
            "notes": "Sizes of chunks are in tokens unless a page says otherwise.",
            "preferences": {"language": "English"},
            "unknown_users": "refuse",
        },
    },
}
