"""Suggestions: what rules read in what a user says. They enter no context until somebody confirms them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.context.users.facts import NewFact, record_fact
from app.context.users.memories import NewMemory, remember
from app.context.users.registration import amend_preferences, user_to_write
from app.context.users.suggestion_rules import Suggested, suggest
from app.context.users.tables import SuggestionRow
from configs.errors import ConflictError, NotFoundError
from indexes.database.catalog import page
from indexes.database.engine import new_id, now

SuggestionState = Literal["open", "confirmed", "dismissed"]


def add_suggestions(
    session: Session, workspace_id: str, user_id: str, text: str, *, turn_id: str | None = None,
    at: datetime | None = None,
) -> list[SuggestionRow]:  # fmt: skip
    """Keep what the rules read in `text`, and return it; what is open already is not kept twice."""
    user_to_write(session, workspace_id, user_id)
    mine = (SuggestionRow.workspace_id == workspace_id, SuggestionRow.user_id == user_id)
    known = {
        (row.kind, row.key, row.value): row
        for row in session.scalars(select(SuggestionRow).where(*mine, SuggestionRow.state == "open"))
    }
    moment = at or now()
    rows = []
    for one in suggest(text):
        row = known.get((one.kind, one.key, one.value)) or _row(workspace_id, user_id, one, turn_id, moment)
        session.add(row)
        rows.append(row)
    session.flush()
    return rows


def load_suggestion(
    session: Session, workspace_id: str, user_id: str, suggestion_id: str, *, to_decide: bool = False
) -> SuggestionRow:
    """Return a suggestion of the user, locked where it is to be decided, or raise NotFoundError."""
    row = session.get(SuggestionRow, suggestion_id, populate_existing=to_decide, with_for_update=to_decide)
    if row is None or (row.workspace_id, row.user_id) != (workspace_id, user_id):
        raise NotFoundError("suggestion", suggestion_id)
    return row


def list_suggestions(
    session: Session, workspace_id: str, user_id: str, *, limit: int, cursor: str | None,
    state: SuggestionState | None = None,
) -> tuple[list[SuggestionRow], str | None]:  # fmt: skip
    """Return a page of suggestions, oldest first, and the cursor of the next page."""
    mine = (SuggestionRow.workspace_id == workspace_id, SuggestionRow.user_id == user_id)
    statement = select(SuggestionRow).where(*mine)
    if state is not None:
        statement = statement.where(SuggestionRow.state == state)
    rows, following = page(session, statement, SuggestionRow.created_at, SuggestionRow.id, limit=limit, cursor=cursor)
    return [row[0] for row in rows], following


def confirm(
    session: Session, workspace_id: str, user_id: str, suggestion_id: str, *, at: datetime | None = None
) -> SuggestionRow:
    """Make a suggestion a fact, a memory or a preference from now on; `result_id` of the suggestion names the first
    two. Confirming again changes nothing.

    Raises ConflictError `suggestion_decided` for a dismissed one, and what recording the thing itself raises.
    """
    row = user_to_write(session, workspace_id, user_id)
    suggestion = load_suggestion(session, workspace_id, user_id, suggestion_id, to_decide=True)
    if suggestion.state == "confirmed":
        return suggestion
    _check_open(suggestion)
    moment = at or now()
    if suggestion.kind == "memory":
        memory = remember(session, workspace_id, user_id, NewMemory(text=suggestion.value), at=moment)
        suggestion.result_id = memory.id
    elif suggestion.kind == "fact":
        new = NewFact(value=suggestion.value, source=f"suggestion {suggestion.id}")
        fact, _ = record_fact(session, workspace_id, user_id, str(suggestion.key), new, at=moment)
        suggestion.result_id = fact.id
    else:
        amend_preferences(session, row, str(suggestion.key), suggestion.value, at=moment)
    suggestion.state, suggestion.decided_at = "confirmed", moment
    session.flush()
    return suggestion


def dismiss(
    session: Session, workspace_id: str, user_id: str, suggestion_id: str, *, at: datetime | None = None
) -> SuggestionRow:
    """Turn a suggestion down; again changes nothing. Raises ConflictError `suggestion_decided` for a confirmed one."""
    suggestion = load_suggestion(session, workspace_id, user_id, suggestion_id, to_decide=True)
    if suggestion.state != "dismissed":
        _check_open(suggestion)
        suggestion.state, suggestion.decided_at = "dismissed", at or now()
        session.flush()
    return suggestion


def _check_open(suggestion: SuggestionRow) -> None:
    if suggestion.state != "open":
        raise ConflictError(
            f"suggestion {suggestion.id} was {suggestion.state} already",
            hint="record what is true with PUT …/facts/{key} or POST …/memories",
            code="suggestion_decided",
        )


def _row(workspace_id: str, user_id: str, one: Suggested, turn_id: str | None, moment: datetime) -> SuggestionRow:
    return SuggestionRow(
        id=new_id("suggestion"), workspace_id=workspace_id, user_id=user_id, kind=one.kind, key=one.key,
        value=one.value, quote=one.quote, rule=one.rule, turn_id=turn_id, state="open", created_at=moment,
    )  # fmt: skip
