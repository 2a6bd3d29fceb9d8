"""Tables of users: groups, preferences, facts, memories, suggestions, turns and feedback; defaults of a workspace.

Every personal row carries workspace and user, and goes with its user's row. What a person takes back is hidden by
`hidden_at`: it enters no context any more, whatever the moment asked about, and stays in the export until it is erased.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from indexes.database.engine import Base, Json, UtcDateTime, now
from indexes.database.tables import Identifier


def _of_user(*more: Index) -> tuple[ForeignKeyConstraint | Index, ...]:
    """Return the constraint that lets a row go with its user, and `more`."""
    user = ForeignKeyConstraint(["workspace_id", "user_id"], ["users.workspace_id", "users.id"], ondelete="CASCADE")
    return (user, *more)


def new_revision() -> str:
    """Return a mark that was never there before, not even on a row that was erased and made anew."""
    return secrets.token_hex(12)


def _revision() -> Mapped[str]:
    return mapped_column(String(24), default=new_revision, server_default="")


class UserRow(Base):
    """A person of the team's own product. Groups, opt-out and deletion hold now, whatever the moment asked about.

    Each revision changes with every write about that part of the user, in the same unit of work (see `revisions`).
    """

    __tablename__ = "users"
    __table_args__ = (Index("users_listing", "workspace_id", "created_at", "id"),)

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[str] = mapped_column(Identifier, primary_key=True)
    opted_out: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    profile_revision: Mapped[str] = _revision()
    memories_revision: Mapped[str] = _revision()
    uses_revision: Mapped[str] = _revision()
    turns_revision: Mapped[str] = _revision()
    feedback_revision: Mapped[str] = _revision()


class GroupRow(Base):
    """A group of users in a workspace; documents name it as `group:<name>`."""

    __tablename__ = "user_groups"
    audited: ClassVar = ("description",)
    __table_args__ = (Index("user_groups_listing", "workspace_id", "created_at", "name"),)

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(Identifier, primary_key=True)
    description: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class GroupMemberRow(Base):
    """A user in a group."""

    __tablename__ = "user_group_members"
    __table_args__ = (
        *_of_user(),
        ForeignKeyConstraint(
            ["workspace_id", "group_name"], ["user_groups.workspace_id", "user_groups.name"], ondelete="CASCADE"
        ),
        Index("user_group_members_group", "workspace_id", "group_name"),
    )

    workspace_id: Mapped[str] = mapped_column(Identifier, primary_key=True)
    user_id: Mapped[str] = mapped_column(Identifier, primary_key=True)
    group_name: Mapped[str] = mapped_column(Identifier, primary_key=True)
    joined_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class PreferencesRow(Base):
    """The preferences of a user from `recorded_at` on; the newest before a moment holds at it."""

    __tablename__ = "user_preferences"
    __table_args__ = _of_user(Index("user_preferences_user", "workspace_id", "user_id", "recorded_at"))

    id: Mapped[str] = mapped_column(Identifier, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(Identifier)
    user_id: Mapped[str] = mapped_column(Identifier)
    preferences: Mapped[dict[str, Any]] = mapped_column(Json)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class FactRow(Base):
    """One version of one fact: true from `valid_from` until `valid_to`, believed from `recorded_at` until
    `superseded_at`; both ranges are half-open. What is believed at one moment under one key never overlaps.
    """

    __tablename__ = "user_facts"
    __table_args__ = _of_user(Index("user_facts_user", "workspace_id", "user_id", "key"))

    id: Mapped[str] = mapped_column(Identifier, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(Identifier)
    user_id: Mapped[str] = mapped_column(Identifier)
    key: Mapped[str] = mapped_column(Text)
    value: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    confidence: Mapped[float]
    valid_from: Mapped[datetime] = mapped_column(UtcDateTime)
    valid_to: Mapped[datetime | None] = mapped_column(UtcDateTime)
    supersedes: Mapped[str | None] = mapped_column(Identifier)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    superseded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    hidden_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class MemoryRow(Base):
    """Something to remember. `valid_to` was learnt at `closed_at`, when another memory superseded this one."""

    __tablename__ = "user_memories"
    __table_args__ = _of_user(Index("user_memories_user", "workspace_id", "user_id", "recorded_at", "id"))

    id: Mapped[str] = mapped_column(Identifier, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(Identifier)
    user_id: Mapped[str] = mapped_column(Identifier)
    kind: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text)
    importance: Mapped[int]
    valid_from: Mapped[datetime] = mapped_column(UtcDateTime)
    valid_to: Mapped[datetime | None] = mapped_column(UtcDateTime)
    supersedes: Mapped[str | None] = mapped_column(Identifier)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    last_used_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    hidden_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SuggestionRow(Base):
    """What a rule read in a text; it enters no context. `state` is open, confirmed or dismissed."""

    __tablename__ = "user_suggestions"
    __table_args__ = _of_user(Index("user_suggestions_user", "workspace_id", "user_id", "created_at", "id"))

    id: Mapped[str] = mapped_column(Identifier, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(Identifier)
    user_id: Mapped[str] = mapped_column(Identifier)
    kind: Mapped[str] = mapped_column(String(16))
    key: Mapped[str | None] = mapped_column(Text)
    value: Mapped[str] = mapped_column(Text)
    quote: Mapped[str] = mapped_column(Text)
    rule: Mapped[str] = mapped_column(String(32))
    turn_id: Mapped[str | None] = mapped_column(Identifier)
    state: Mapped[str] = mapped_column(String(16), default="open")
    result_id: Mapped[str | None] = mapped_column(Identifier)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class TurnRow(Base):
    """One turn of the conversation with a user."""

    __tablename__ = "user_turns"
    __table_args__ = _of_user(Index("user_turns_user", "workspace_id", "user_id", "created_at", "id"))

    id: Mapped[str] = mapped_column(Identifier, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(Identifier)
    user_id: Mapped[str] = mapped_column(Identifier)
    role: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    hidden_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class FeedbackRow(Base):
    """What a user let know about a document; it goes with the user, and with the document."""

    __tablename__ = "user_feedback"
    __table_args__ = _of_user(
        Index("user_feedback_user", "workspace_id", "user_id", "created_at", "id"),
        Index("user_feedback_document", "document_id"),
    )

    id: Mapped[str] = mapped_column(Identifier, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(Identifier)
    user_id: Mapped[str] = mapped_column(Identifier)
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"))
    signal: Mapped[str] = mapped_column(String(16))
    rank: Mapped[int | None]
    context_id: Mapped[str | None] = mapped_column(Identifier)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    hidden_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PersonalisationRow(Base):
    """What a workspace says to every user's context, and what it does with users it does not know."""

    __tablename__ = "workspace_personalisation"
    audited: ClassVar = ("workspace_instructions", "notes", "preferences", "unknown_users")

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True)
    workspace_instructions: Mapped[str] = mapped_column(Text, default="")
    notes: Mapped[str] = mapped_column(Text, default="")
    preferences: Mapped[dict[str, Any]] = mapped_column(Json)
    unknown_users: Mapped[str] = mapped_column(String(16))
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    revision: Mapped[str] = _revision()


PERSONAL_TABLES = (
    GroupMemberRow,
    PreferencesRow,
    FactRow,
    MemoryRow,
    SuggestionRow,
    TurnRow,
    FeedbackRow,
)
"""Every table with rows of one user but that of the user; what is exported and erased."""
