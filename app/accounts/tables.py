"""Members, their roles in workspaces, and their keys."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.roles import Role
from indexes.database.engine import Base, Json, UtcDateTime, now
from indexes.database.tables import Identifier


class Member(Base):
    """Somebody who may call the service; one who was removed stays, so that what they changed keeps its author."""

    __tablename__ = "members"
    audited: ClassVar = ("name", "is_administrator", "removed_at")

    id: Mapped[str] = mapped_column(Identifier, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    is_administrator: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Membership(Base):
    """A member's role in a workspace."""

    __tablename__ = "memberships"
    audited: ClassVar = ("role",)

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"), primary_key=True, index=True)
    role: Mapped[Role] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ApiKey(Base):
    """A key by its SHA-256; the key itself is nowhere. One that was revoked stays, for readers of the audit log.

    `at_most` bounds the role that the key brings, `only_workspaces` the workspaces; null bounds nothing. One that ever
    could administrate the installation `administrates`.
    """

    __tablename__ = "api_keys"
    audited: ClassVar = (
        "member_id", "name", "prefix", "at_most", "only_workspaces", "administrates", "expires_at", "revoked_at",
    )  # fmt: skip

    id: Mapped[str] = mapped_column(Identifier, primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(Text)
    prefix: Mapped[str] = mapped_column(String(16))
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    at_most: Mapped[Role | None] = mapped_column(String(16))
    only_workspaces: Mapped[list[str] | None] = mapped_column(Json)
    administrates: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
