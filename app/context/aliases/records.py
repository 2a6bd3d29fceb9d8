"""Aliases as the database keeps them: what answers now, what is to answer next, and every change that led there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal

from sqlalchemy import ForeignKey, ForeignKeyConstraint, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.context.aliases.limits import MOST_MARGIN, Limits
from app.context.saved_strategies import SavedStrategy, StrategyRow, load_strategy
from configs.errors import ConflictError, NotFoundError
from indexes.database.engine import Base, Json, UtcDateTime, now
from indexes.database.tables import Identifier

State = Literal["draft", "candidate", "active"]


class AliasRow(Base):
    """One alias. `active_change` is the number of the promotion by which the active version answers.

    The active version, the candidate and the share of users that the candidate answers are each null or 0 where there
    is none. `last_change` counts the changes.
    """

    __tablename__ = "aliases"
    audited: ClassVar = (
        "description", "limits", "active_strategy", "active_version", "candidate_strategy", "candidate_version",
        "canary_percent",
    )  # fmt: skip

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(Identifier, primary_key=True)
    description: Mapped[str] = mapped_column(Text)
    limits: Mapped[dict[str, Any]] = mapped_column(Json)
    active_strategy: Mapped[str | None] = mapped_column(Identifier)
    active_version: Mapped[int | None]
    active_change: Mapped[int | None]
    candidate_strategy: Mapped[str | None] = mapped_column(Identifier)
    candidate_version: Mapped[int | None]
    canary_percent: Mapped[int] = mapped_column(default=0)
    last_change: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    def parsed_limits(self) -> Limits:
        """Return what a promotion must keep."""
        margin = min(self.limits["margin"], MOST_MARGIN)
        return Limits.model_validate({**self.limits, "margin": margin})


class AliasChangeRow(Base):
    """One change of an alias, never changed itself. `strategy` and `version` are what it is about.

    `kind` is created, settings, candidate, candidate_dropped, promoted or rolled_back. A promotion has its `evidence`
    and the number of the promotion that it replaced in `replaces`; a rollback has the one it returned to there.
    """

    __tablename__ = "alias_changes"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "alias"], ["aliases.workspace_id", "aliases.name"], ondelete="CASCADE"
        ),
    )  # fmt: skip

    workspace_id: Mapped[str] = mapped_column(Identifier, primary_key=True)
    alias: Mapped[str] = mapped_column(Identifier, primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    strategy: Mapped[str | None] = mapped_column(Identifier)
    version: Mapped[int | None]
    replaces: Mapped[int | None]
    changed_by: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    details: Mapped[dict[str, Any]] = mapped_column(Json)
    evidence: Mapped[dict[str, Any] | None] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


def load_alias(session: Session, workspace_id: str, name: str, *, to_change: bool = False) -> AliasRow:
    """Return the alias, or raise NotFoundError; `to_change` holds other changes of it off until the commit."""
    row = session.get(AliasRow, (workspace_id, name), with_for_update=True if to_change else None)
    if row is None:
        raise NotFoundError("alias", name, hint="list them with GET …/aliases, or make it with PUT")
    return row


def list_aliases(session: Session, workspace_id: str) -> list[AliasRow]:
    """Return the workspace's aliases by name."""
    statement = select(AliasRow).where(AliasRow.workspace_id == workspace_id)
    return list(session.scalars(statement.order_by(AliasRow.name)))


def list_changes(
    session: Session, workspace_id: str, name: str, *, before: int | None = None, limit: int = 50
) -> Sequence[AliasChangeRow]:
    """Return changes of the alias, newest first, those with a number below `before`."""
    statement = select(AliasChangeRow).where(
        AliasChangeRow.workspace_id == workspace_id, AliasChangeRow.alias == name
    )  # fmt: skip
    if before is not None:
        statement = statement.where(AliasChangeRow.number < before)
    return session.scalars(statement.order_by(AliasChangeRow.number.desc()).limit(limit)).all()


def load_change(session: Session, row: AliasRow, number: int) -> AliasChangeRow:
    """Return the change of that number."""
    return session.get_one(AliasChangeRow, (row.workspace_id, row.name, number))


def active_of(session: Session, row: AliasRow) -> SavedStrategy | None:
    """Return the strategy version that answers, None before the first promotion."""
    return _saved(session, row, row.active_strategy, row.active_version)


def candidate_of(session: Session, row: AliasRow) -> SavedStrategy | None:
    """Return the strategy version that is to answer next, None where there is none."""
    return _saved(session, row, row.candidate_strategy, row.candidate_version)


def needed_candidate(session: Session, row: AliasRow) -> SavedStrategy:
    """Return the candidate, or raise ConflictError (`no_candidate`)."""
    candidate = candidate_of(session, row)
    if candidate is None:
        raise ConflictError(
            f"the alias {row.name!r} has no candidate",
            hint=f"name one with PUT …/aliases/{row.name}/candidate",
            code="no_candidate",
        )
    return candidate


def nothing_active(name: str) -> ConflictError:
    """Return the error of an alias that has never been promoted to."""
    return ConflictError(
        f"nothing is active for the alias {name!r} yet",
        hint="promote a candidate first, with POST …/aliases/{alias}/promotions",
        code="nothing_active",
    )


def previous_of(session: Session, row: AliasRow) -> AliasChangeRow | None:
    """Return the promotion that a rollback would return to, None where there is none."""
    if row.active_change is None:
        return None
    replaced = load_change(session, row, row.active_change).replaces
    return None if replaced is None else load_change(session, row, replaced)


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyState:
    """The state of a strategy version for one alias, and whether it was active there at any time."""

    strategy: str
    version: int
    state: State
    was_active: bool


def states_by_version(row: AliasRow) -> dict[tuple[str, int], State]:
    """Return the state of the versions that are active or the candidate; every other one is a draft."""
    pointed: tuple[tuple[str | None, int | None, State], ...] = (
        (row.candidate_strategy, row.candidate_version, "candidate"),
        (row.active_strategy, row.active_version, "active"),
    )
    return {(name, version): state for name, version, state in pointed if name is not None and version is not None}


def states_of(session: Session, row: AliasRow) -> list[StrategyState]:
    """Return the state of every saved version, by name and version; a draft is neither active nor the candidate."""
    promoted = select(AliasChangeRow.strategy, AliasChangeRow.version).where(
        AliasChangeRow.workspace_id == row.workspace_id,
        AliasChangeRow.alias == row.name,
        AliasChangeRow.kind == "promoted",
    )
    was_active = {(strategy, version) for strategy, version in session.execute(promoted)}
    states = states_by_version(row)
    columns = select(StrategyRow.name, StrategyRow.version).where(StrategyRow.workspace_id == row.workspace_id)
    return [
        StrategyState(
            strategy=name, version=version, state=states.get((name, version), "draft"),
            was_active=(name, version) in was_active,
        )
        for name, version in session.execute(columns.order_by(StrategyRow.name, StrategyRow.version))
    ]  # fmt: skip


def _saved(session: Session, row: AliasRow, name: str | None, version: int | None) -> SavedStrategy | None:
    return None if name is None else load_strategy(session, row.workspace_id, name, version)
