"""What is known of one user at one moment, as plain values.

Two clocks run: `valid_from` and `valid_to` say when something was true, `recorded_at` when the service learnt it. As of
a moment means: recorded by then, and true then. What was hidden since is left out, whatever the moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from sqlalchemy import ColumnElement, String, and_, case, func, or_, select, type_coerce
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.context.users.tables import FactRow, FeedbackRow, GroupMemberRow, MemoryRow, PreferencesRow, TurnRow, UserRow
from configs.text import Text
from indexes.access import Principal
from indexes.database.engine import now

EVERYONE = "everyone"
"""Name of every known user of a workspace in an access list."""

MOST_TURNS_KNOWN = 200
MOST_FEEDBACK_KNOWN = 5_000

MemoryKind = Literal["semantic", "episodic", "procedural"]
Role = Literal["user", "assistant"]
Signal = Literal["thumb_up", "thumb_down", "click", "used", "unused"]
Verbosity = Literal["brief", "normal", "detailed"]
UserName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@+-]{0,63}$")]
"""Id of a user, as the team's own product knows it."""
Term = Annotated[Text, StringConstraints(min_length=1, max_length=200)]
Terms = Annotated[tuple[Term, ...], Field(max_length=100)]


class Preferences(BaseModel):
    """How somebody wants to be answered, and from what. A field that is left out leaves it to the next level; an empty
    list says `none`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: Annotated[Text, StringConstraints(min_length=1, max_length=50)] | None = Field(
        None, description="language to answer in, by name or tag"
    )
    verbosity: Verbosity | None = Field(None, description="how long answers should be")
    preferred_sources: Terms = Field((), description="external ids of documents to rank higher")
    banned_sources: Terms = Field((), description="external ids of documents to leave out")
    preferred_tags: Terms = Field((), description="tags of documents to rank higher")
    banned_tags: Terms = Field((), description="tags of documents to leave out")

    @model_validator(mode="after")
    def _bans_nothing_preferred(self) -> Self:
        for what in ("sources", "tags"):
            both = set(getattr(self, f"preferred_{what}")) & set(getattr(self, f"banned_{what}"))
            if both:
                raise ValueError(f"{what} cannot be preferred and banned at once: {', '.join(sorted(both))}")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something typed that is known of the user, such as `city` = `Berlin`."""

    id: str
    key: str
    value: str
    source: str
    confidence: float
    valid_from: datetime
    valid_to: datetime | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Something to remember about the user, in words; importance is 1 to 10."""

    id: str
    kind: MemoryKind
    text: str
    importance: int
    valid_from: datetime
    valid_to: datetime | None
    recorded_at: datetime
    last_used_at: datetime
    supersedes: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One turn of the conversation."""

    id: str
    role: Role
    text: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What the user let know about a document; `rank` is where it stood, from 1."""

    id: str
    document_id: str
    signal: Signal
    rank: int | None
    context_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownUser:
    """A user as of one moment. Facts by key, the rest oldest first; at most the newest MOST_TURNS_KNOWN turns and
    MOST_FEEDBACK_KNOWN pieces of feedback. Groups and opt-out are those of now: rights and consent have no past.
    """

    user_id: str
    groups: tuple[str, ...] = ()
    opted_out: bool = False
    preferences: Preferences = field(default_factory=Preferences)
    facts: tuple[Fact, ...] = ()
    memories: tuple[Memory, ...] = ()
    turns: tuple[Turn, ...] = ()
    feedback: tuple[Feedback, ...] = ()

    @property
    def is_anonymous(self) -> bool:
        """Tell whether this is nobody in particular."""
        return not self.user_id


ANONYMOUS = KnownUser(user_id="")
"""Nobody, a user who opted out, and one who was deleted: nothing is known, and nothing is theirs to read."""


def principal_of(known: KnownUser) -> Principal:
    """Return on whose behalf to search: `user:<id>`, a `group:<name>` for each group, and `everyone`; nobody has
    none of them.
    """
    if known.is_anonymous:
        return Principal()
    return Principal.of([f"user:{known.user_id}", *(f"group:{name}" for name in known.groups), EVERYONE])


def load_user(session: Session, workspace_id: str, user_id: str | None, *, as_of: datetime | None = None) -> KnownUser:
    """Return what is known of a user as of a moment, by default now; ANONYMOUS for nobody, for a user who does not
    exist or was deleted, and for one who opted out.
    """
    row = session.get(UserRow, (workspace_id, user_id)) if user_id else None
    if row is None or row.deleted_at is not None or row.opted_out:
        return ANONYMOUS
    moment = as_of or now()
    where = (workspace_id, row.id)
    return KnownUser(
        user_id=row.id,
        groups=groups_of(session, *where),
        preferences=preferences_of(session, *where, moment),
        facts=facts_of(session, *where, valid_at=moment, known_at=moment),
        memories=memories_of(session, *where, moment),
        turns=turns_of(session, *where, moment),
        feedback=feedback_of(session, *where, moment),
    )


def groups_of(session: Session, workspace_id: str, user_id: str) -> tuple[str, ...]:
    """Return the names of the user's groups, in alphabetical order."""
    mine = (GroupMemberRow.workspace_id == workspace_id, GroupMemberRow.user_id == user_id)
    return tuple(session.scalars(select(GroupMemberRow.group_name).where(*mine).order_by(GroupMemberRow.group_name)))


def preferences_of(session: Session, workspace_id: str, user_id: str, moment: datetime) -> Preferences:
    """Return the preferences recorded last by `moment`."""
    mine = (PreferencesRow.workspace_id == workspace_id, PreferencesRow.user_id == user_id)
    statement = select(PreferencesRow.preferences).where(*mine, PreferencesRow.recorded_at <= moment)
    newest = statement.order_by(PreferencesRow.recorded_at.desc(), PreferencesRow.id.desc()).limit(1)
    return Preferences.model_validate(session.scalars(newest).first() or {})


def facts_of(
    session: Session, workspace_id: str, user_id: str, *, valid_at: datetime, known_at: datetime
) -> tuple[Fact, ...]:
    """Return the facts that were true at `valid_at` as far as was known at `known_at`: at most one for each key."""
    row = FactRow
    mine = (row.workspace_id == workspace_id, row.user_id == user_id, row.hidden_at.is_(None))
    statement = select(
        row.id, row.key, row.value, row.source, row.confidence, row.valid_from, row.valid_to, row.recorded_at
    ).where(*mine, fact_is_believed(known_at), fact_is_true(valid_at))
    return tuple(Fact(**one) for one in session.execute(statement.order_by(row.key)).mappings())


def fact_is_believed(known_at: datetime) -> ColumnElement[bool]:
    """Return the condition that a version of a fact was what the service knew at a moment."""
    return and_(FactRow.recorded_at <= known_at, or_(FactRow.superseded_at.is_(None), FactRow.superseded_at > known_at))


def fact_is_true(valid_at: datetime) -> ColumnElement[bool]:
    """Return the condition that a version of a fact says something about a moment."""
    return and_(FactRow.valid_from <= valid_at, or_(FactRow.valid_to.is_(None), FactRow.valid_to > valid_at))


def memory_holds(moment: datetime) -> ColumnElement[bool]:
    """Return the condition that a memory was known and held at a moment, by what was known then of its end."""
    row = MemoryRow
    lasts = or_(row.closed_at.is_(None), row.closed_at > moment, row.valid_to > moment)
    return and_(row.recorded_at <= moment, row.valid_from <= moment, lasts)


def memories_of(session: Session, workspace_id: str, user_id: str, moment: datetime) -> tuple[Memory, ...]:
    """Return the memories that were known and held at `moment`, oldest first.

    One that another superseded later still holds, without an end. A use after `moment` is not known at it: such a
    memory counts as last used when it was recorded.
    """
    row = MemoryRow
    mine = (row.workspace_id == workspace_id, row.user_id == user_id, row.hidden_at.is_(None))
    end = case((row.closed_at <= moment, row.valid_to), else_=None)
    last_used_at = case((row.last_used_at <= moment, row.last_used_at), else_=row.recorded_at)
    statement = (
        select(
            row.id, row.kind, row.text, row.importance, as_stored(row.valid_from), as_stored(end),
            as_stored(row.recorded_at), as_stored(last_used_at), row.supersedes,
        )
        .where(*mine, memory_holds(moment))
        .order_by(row.recorded_at, row.id)
    )  # fmt: skip
    rows: Sequence[Any] = session.connection().execute(statement).all()
    return tuple(
        Memory(
            id=identifier, kind=kind, text=text, importance=importance, valid_from=read_stored(valid_from),
            valid_to=None if valid_to is None else read_stored(valid_to), recorded_at=read_stored(recorded_at),
            last_used_at=read_stored(used_at), supersedes=supersedes,
        )
        for identifier, kind, text, importance, valid_from, valid_to, recorded_at, used_at, supersedes in rows
    )  # fmt: skip


def as_stored(moment: ColumnElement[datetime] | InstrumentedAttribute[datetime]) -> ColumnElement[str]:
    """Return the moment as the driver has it: for a thousand rows the column's type takes longer than all the rest."""
    return type_coerce(moment, String)


def read_stored(stored: str | datetime) -> datetime:
    """Return a stored moment: SQLite keeps it as text in ISO format, both without a zone and in UTC."""
    return datetime.fromisoformat(f"{stored}+00:00") if isinstance(stored, str) else stored.replace(tzinfo=UTC)


def count_memories(session: Session, workspace_id: str, user_id: str, moment: datetime) -> int:
    """Return how many memories `memories_of` returns."""
    mine = (MemoryRow.workspace_id == workspace_id, MemoryRow.user_id == user_id, MemoryRow.hidden_at.is_(None))
    return session.scalar(select(func.count()).select_from(MemoryRow).where(*mine, memory_holds(moment))) or 0


def turns_of(session: Session, workspace_id: str, user_id: str, moment: datetime) -> tuple[Turn, ...]:
    """Return the newest turns at `moment`, oldest first."""
    row = TurnRow
    mine = (row.workspace_id == workspace_id, row.user_id == user_id, row.hidden_at.is_(None))
    statement = select(row.id, row.role, row.text, row.created_at).where(*mine, row.created_at <= moment)
    newest = statement.order_by(row.created_at.desc(), row.id.desc()).limit(MOST_TURNS_KNOWN)
    return tuple(Turn(**one) for one in session.execute(newest).mappings())[::-1]


def feedback_of(session: Session, workspace_id: str, user_id: str, moment: datetime) -> tuple[Feedback, ...]:
    """Return the newest pieces of feedback at `moment`, oldest first."""
    row = FeedbackRow
    mine = (row.workspace_id == workspace_id, row.user_id == user_id, row.hidden_at.is_(None))
    statement = select(row.id, row.document_id, row.signal, row.rank, row.context_id, row.created_at)
    statement = statement.where(*mine, row.created_at <= moment)
    newest = statement.order_by(row.created_at.desc(), row.id.desc()).limit(MOST_FEEDBACK_KNOWN)
    return tuple(Feedback(**one) for one in session.execute(newest).mappings())[::-1]
