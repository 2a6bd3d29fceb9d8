"""The people of the demo: three users with different rights, profiles and wishes, so that one question has three
contexts; and disposable ones for the examples that delete.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.context.users.conversation import add_turn
from app.context.users.facts import NewFact, record_fact
from app.context.users.feedback import NewFeedback, record_feedback
from app.context.users.known import Preferences
from app.context.users.registration import add_group, put_user
from app.context.users.suggestions import add_suggestions
from app.context.users.tables import MemoryRow, SuggestionRow, UserRow
from indexes.database.engine import now

WORKSPACE = "demo"
GROUPS = {"support": "answers customers", "engineering": "builds the product", "disposable": "to be deleted"}
USERS: dict[str, tuple[list[str], Preferences]] = {
    "ann": (["support"], Preferences(language="English", verbosity="brief", preferred_tags=("guide",))),
    "ben": (["engineering"], Preferences(verbosity="detailed", banned_sources=("running-the-service.md",))),
    "cleo": ([], Preferences()),
    "disposable": ([], Preferences()),
}
FACTS = {
    "ann": {"name": "Ann", "city": "Berlin", "product": "a help desk of 900 short articles"},
    "ben": {"name": "Ben", "product": "run books of 20 pages each", "hardware": "two cores, no GPU"},
    "cleo": {"name": "Cleo"},
}
MEMORIES = {
    "demo-memory": ("ann", "semantic", "Ann's articles are at most 300 words long, so chunks never exceed one.", 8),
    "demo-memory-episode": (
        "ann",
        "episodic",
        "Ann tried chunks of 800 tokens in October: too large.",
        6,
    ),
    "demo-disposable-memory": ("ann", "episodic", "This memory exists to be erased.", 1),
    "demo-disposable": ("ann", "episodic", "This memory exists to be deleted.", 1),
    "demo-erased-memory": ("ann", "episodic", "This memory is erased as soon as the demo is ready.", 1),
    "demo-memory-ben": ("ben", "procedural", "Ben wants to see how many tokens a change of chunk size costs.", 7),
}
SUGGESTIONS = ("demo-suggestion", "demo-suggestion-disposable")
NOTES = {
    "support-notes": (
        "group:support",
        "House rules of the support team",
        "How large our chunks should be: our help desk articles are short, so support cuts them into chunks of 100 "
        "tokens and sends at most five of them. Larger chunks made answers quote the neighbouring article. Only the "
        "support team can read this note.",
    ),
    "engineering-notes": (
        "group:engineering",
        "House rules of the engineering team",
        "How large our chunks should be: run books explain one procedure over several pages, so engineering cuts them "
        "into chunks of 400 tokens by heading. Smaller chunks tore procedures apart. Only the engineering team can "
        "read this note.",
    ),
}
"""Documents that only one group may read: (principal, title, text) by external id."""


def plant_people(session: Session) -> None:
    """Where the demo has no users yet, create them with what is known of them."""
    if session.scalar(select(UserRow.id).where(UserRow.workspace_id == WORKSPACE).limit(1)) is not None:
        return
    for name, description in GROUPS.items():
        add_group(session, WORKSPACE, name, description)
    for user_id, (groups, preferences) in USERS.items():
        put_user(session, WORKSPACE, user_id, groups=groups, preferences=preferences, opted_out=False)
    for user_id, facts in FACTS.items():
        for key, value in facts.items():
            record_fact(session, WORKSPACE, user_id, key, NewFact(value=value, source="demo"))
    moment = now()
    for memory_id, (user_id, kind, text, importance) in MEMORIES.items():
        session.add(
            MemoryRow(
                id=memory_id, workspace_id=WORKSPACE, user_id=user_id, kind=kind, text=text, importance=importance,
                valid_from=moment, recorded_at=moment, last_used_at=moment,
            )
        )  # fmt: skip
    session.flush()
    add_suggestions(session, WORKSPACE, "ann", "My name is Ann. I live in Berlin. I prefer short answers with numbers.")
    add_turn(session, WORKSPACE, "ann", "user", "We have about 900 help desk articles. Where do I begin?")
    add_turn(session, WORKSPACE, "ann", "assistant", "With the chunk size: preview a few of them side by side first.")
    for name, row in zip(SUGGESTIONS, _suggestions(session), strict=False):
        session.add(SuggestionRow(**{**row, "id": name}))


def _suggestions(session: Session) -> list[dict[str, object]]:
    """Return the values of Ann's suggestions, which are taken out to come back under fixed ids."""
    rows = list(session.scalars(select(SuggestionRow).where(SuggestionRow.workspace_id == WORKSPACE)))
    values = [{column.name: getattr(row, column.name) for column in SuggestionRow.__table__.columns} for row in rows]
    for row in rows:
        session.delete(row)
    session.flush()
    return values


def plant_feedback(session: Session) -> None:
    """Let Ann say what she found useful; the documents must be there."""
    for signal in ("thumb_up", "used"):
        new = NewFeedback(document_id="demo-cutting-documents-into-chunks", signal=signal)
        record_feedback(session, WORKSPACE, "ann", new)
