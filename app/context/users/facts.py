"""Facts about a user, on two clocks: when something was true, and when the service learnt it.

What is believed at one moment under one key never overlaps. A new fact

- that starts while another one holds closes that one at its start (one with the same start takes its whole place);
- that starts before one which starts later must end by then, else it is refused: `conflicting_validity`;
- whose end is not after its start is refused: `conflicting_validity`.

What was closed does not begin anew when its successor ends. Rows never change what they say: the closed fact is a new
version, and the old one stays with the moment at which it was no longer believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from app.context.users.known import fact_is_believed, fact_is_true
from app.context.users.moments import Moment
from app.context.users.registration import user_to_write
from app.context.users.revisions import mark_changed
from app.context.users.tables import FactRow
from configs.errors import ConflictError, InvalidInputError
from configs.text import Text
from indexes.database.catalog import page
from indexes.database.engine import new_id, now

MOST_FACTS = 200
LONGEST_VALUE = 2_000


class NewFact(BaseModel):
    """Something that is true of a user."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: Annotated[Text, StringConstraints(min_length=1, max_length=LONGEST_VALUE, pattern=r"\S")]
    source: Annotated[Text, StringConstraints(min_length=1, max_length=200)] = Field(
        "api", description="where it is known from"
    )
    confidence: float = Field(1.0, ge=0, le=1, description="how sure it is, 0 to 1")
    valid_from: Moment | None = Field(None, description="since when it is true; default: now")
    valid_to: Moment | None = Field(None, description="until when it is true; default: open")


def record_fact(
    session: Session, workspace_id: str, user_id: str, key: str, new: NewFact, *, at: datetime | None = None
) -> tuple[FactRow, bool]:
    """Record a fact; return it and whether it is new: one without `valid_from` that is known to hold stays as it is.

    Raises ConflictError `profile_full` beyond MOST_FACTS keys that hold now or later, and `conflicting_validity` as
    the module says; a clock that goes back does not turn the order of records round.
    """
    user_to_write(session, workspace_id, user_id, "profile")
    believed = _believed(session, workspace_id, user_id, key)
    moment = max([at or now(), *(row.recorded_at for row in believed)])
    start = new.valid_from or moment
    _check_ends_after(new, start)
    held = next((row for row in believed if _holds(row, start)), None)
    if held is not None and new.valid_from is None and _says_the_same(held, new):
        return held, False
    _check_ends_before_later(new, start, believed, key)
    _check_room(session, workspace_id, user_id, key, moment)
    mine = {"workspace_id": workspace_id, "user_id": user_id, "key": key, "recorded_at": moment}
    if held is not None:
        held.superseded_at = moment
        if held.valid_from < start:
            session.add(
                FactRow(
                    id=new_id("fact"), value=held.value, source=held.source, confidence=held.confidence,
                    valid_from=held.valid_from, valid_to=start, supersedes=held.id, **mine,
                )
            )  # fmt: skip
    row = FactRow(
        id=new_id("fact"), value=new.value, source=new.source, confidence=new.confidence, valid_from=start,
        valid_to=new.valid_to, supersedes=held.id if held is not None else None, **mine,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row, True


def hide_facts(session: Session, workspace_id: str, user_id: str, key: str, *, at: datetime | None = None) -> None:
    """Take every version under `key` out of every context, whatever the moment; the export keeps them."""
    mark_changed(session, workspace_id, [user_id], "profile")
    mine = (FactRow.workspace_id == workspace_id, FactRow.user_id == user_id, FactRow.key == key)
    hiding = update(FactRow).where(*mine, FactRow.hidden_at.is_(None)).values(hidden_at=at or now())
    session.execute(hiding.execution_options(synchronize_session="fetch"))


def list_facts(
    session: Session, workspace_id: str, user_id: str, *, limit: int, cursor: str | None, key: str | None = None,
    history: bool = False, as_of: datetime | None = None, known_at: datetime | None = None,
) -> tuple[list[FactRow], str | None]:  # fmt: skip
    """Return a page of facts, recorded first first: those true at `as_of` as known at `known_at` (both default to
    now), or with `history` every version that was recorded, by `known_at` where it is given.
    """
    mine = (FactRow.workspace_id == workspace_id, FactRow.user_id == user_id, FactRow.hidden_at.is_(None))
    statement = select(FactRow).where(*mine)
    if key is not None:
        statement = statement.where(FactRow.key == key)
    if not history:
        moment = now()
        statement = statement.where(fact_is_believed(known_at or moment), fact_is_true(as_of or moment))
    else:
        if known_at is not None:
            statement = statement.where(FactRow.recorded_at <= known_at)
        if as_of is not None:
            statement = statement.where(fact_is_true(as_of))
    rows, following = page(session, statement, FactRow.recorded_at, FactRow.id, limit=limit, cursor=cursor)
    return [row[0] for row in rows], following


def _believed(session: Session, workspace_id: str, user_id: str, key: str) -> Sequence[FactRow]:
    """Return what is believed at present under the key, in order of time; it does not overlap."""
    mine = (FactRow.workspace_id == workspace_id, FactRow.user_id == user_id, FactRow.key == key)
    believed = select(FactRow).where(*mine, FactRow.superseded_at.is_(None), FactRow.hidden_at.is_(None))
    return session.scalars(believed.order_by(FactRow.valid_from)).all()


def _holds(row: FactRow, moment: datetime) -> bool:
    return row.valid_from <= moment and (row.valid_to is None or row.valid_to > moment)


def _says_the_same(row: FactRow, new: NewFact) -> bool:
    said = (row.value, row.source, row.confidence, row.valid_to)
    return said == (new.value, new.source, new.confidence, new.valid_to)


def _check_ends_after(new: NewFact, start: datetime) -> None:
    if new.valid_to is not None and new.valid_to <= start:
        raise InvalidInputError(
            f"the fact would end ({new.valid_to.isoformat()}) no later than it starts ({start.isoformat()})",
            hint="give a `valid_to` after `valid_from` (default: now), or leave it out",
            code="conflicting_validity",
        )


def _check_ends_before_later(new: NewFact, start: datetime, believed: Sequence[FactRow], key: str) -> None:
    later = next((row for row in believed if row.valid_from > start), None)
    if later is not None and (new.valid_to is None or new.valid_to > later.valid_from):
        begin = later.valid_from.isoformat()
        raise ConflictError(
            f"fact {later.id} under {key!r} starts later, at {begin}, and would overlap this one",
            hint=f"give a `valid_to` no later than {begin}, or start there or later to replace it",
            code="conflicting_validity",
        )


def _check_room(session: Session, workspace_id: str, user_id: str, key: str, moment: datetime) -> None:
    others = (FactRow.workspace_id == workspace_id, FactRow.user_id == user_id, FactRow.key != key)
    lasting = (FactRow.superseded_at.is_(None), or_(FactRow.valid_to.is_(None), FactRow.valid_to > moment))
    keys = select(func.count(FactRow.key.distinct())).where(*others, *lasting, FactRow.hidden_at.is_(None))
    count = session.scalar(keys) or 0
    if count >= MOST_FACTS:
        raise ConflictError(
            f"the profile holds {count} facts already; the limit is {MOST_FACTS}",
            hint="delete facts that no longer matter, or end them with `valid_to`",
            code="profile_full",
        )
