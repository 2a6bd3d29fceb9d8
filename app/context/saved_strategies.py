"""Saved strategies: names of a workspace with immutable versions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.context.strategy import BaselineSetup, SearchSetup, Strategy
from configs.errors import ConflictError, NotFoundError
from configs.part import canonical_json
from indexes.database.catalog import list_indexes, missing_versions
from indexes.database.engine import Base, Json, UtcDateTime, new_id, now
from indexes.database.tables import Identifier, IndexRow, Workspace
from ingest.recipe import IndexRecipe


class StrategyRow(Base):
    """One version of a named strategy."""

    __tablename__ = "strategies"
    audited: ClassVar = ("name", "version")

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(Identifier, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    definition: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedStrategy:
    """A strategy with the name and version under which a workspace keeps it."""

    name: str
    version: int
    strategy: Strategy
    created_at: datetime


def save_strategy(session: Session, workspace_id: str, name: str, strategy: Strategy) -> tuple[SavedStrategy, bool]:
    """Save `strategy` as the next version of `name`; return it and whether it is new.

    What equals the newest version already is that version.
    """
    resolved = strategy.resolved()
    check_usable(session, resolved.retrieval)
    newest = _newest(session, workspace_id, name)
    if newest is not None and _parse(canonical_json(newest.definition)) == resolved:
        return _saved(newest), False
    row = StrategyRow(
        workspace_id=workspace_id,
        name=name,
        version=(newest.version if newest is not None else 0) + 1,
        definition=resolved.model_dump(mode="json", by_alias=True),
        created_at=now(),
    )
    session.add(row)
    session.flush()
    return _saved(row), True


def load_strategy(session: Session, workspace_id: str, name: str, version: int | None = None) -> SavedStrategy:
    """Return a version of a strategy, the newest by default, or raise NotFoundError."""
    row = (
        session.get(StrategyRow, (workspace_id, name, version))
        if version is not None
        else _newest(session, workspace_id, name)
    )
    if row is None:
        identifier = name if version is None else f"{name} version {version}"
        raise NotFoundError("strategy", identifier, hint="list them with GET …/strategies, or save it with POST")
    return _saved(row)


def newest_version(session: Session, workspace_id: str, name: str) -> int | None:
    """Return the number of the newest version of a strategy, None where there is no such strategy."""
    mine = StrategyRow.workspace_id == workspace_id, StrategyRow.name == name
    return session.scalar(select(func.max(StrategyRow.version)).where(*mine))


def list_strategies(session: Session, workspace_id: str) -> list[SavedStrategy]:
    """Return the newest version of every strategy, by name."""
    newest = (
        select(StrategyRow.name, func.max(StrategyRow.version).label("version"))
        .where(StrategyRow.workspace_id == workspace_id)
        .group_by(StrategyRow.name)
        .subquery()
    )
    matches = (StrategyRow.name == newest.c.name) & (StrategyRow.version == newest.c.version)
    statement = select(StrategyRow).join(newest, matches).where(StrategyRow.workspace_id == workspace_id)
    return [_saved(row) for row in session.scalars(statement.order_by(StrategyRow.name))]


def list_versions(session: Session, workspace_id: str, name: str) -> list[SavedStrategy]:
    """Return every version of a strategy, oldest first, or raise NotFoundError."""
    statement = select(StrategyRow).where(StrategyRow.workspace_id == workspace_id, StrategyRow.name == name)
    versions = [_saved(row) for row in session.scalars(statement.order_by(StrategyRow.version))]
    if not versions:
        raise NotFoundError("strategy", name)
    return versions


def delete_strategy(session: Session, workspace: Workspace, name: str) -> None:
    """Delete every version of a strategy; deleting what does not exist changes nothing. The default one stays, also
    where an alias answers in its place.
    """
    if workspace.default_strategy == name:
        alias = workspace.default_alias
        named = f"`default_strategy` and `default_alias` {alias!r}" if alias else "`default_strategy`"
        raise ConflictError(
            f"strategy {name!r} is the default of workspace {workspace.id!r}"
            + (f", should the alias {alias!r} no longer be it" if alias else ""),
            hint=f"make another strategy the default first, with {named} in PATCH /v1/workspaces/{{workspace_id}}",
            code="default_strategy",
        )
    session.execute(delete(StrategyRow).where(StrategyRow.workspace_id == workspace.id, StrategyRow.name == name))


def find_index(session: Session, workspace_id: str, setup: SearchSetup) -> IndexRow | None:
    """Return the index that answers the setup: its own, else a built one that holds all it asks for.

    Of several, maintained ones come first, then older ones.
    """
    recipe = setup.recipe.resolved()
    fingerprint = recipe.fingerprint
    indexes = list_indexes(session, workspace_id)
    own = next((index for index in indexes if index.fingerprint == fingerprint), None)
    if own is not None and own.built_at is not None:
        return own
    others = [
        index
        for index in indexes
        if index.built_at is not None and recipe.is_served_by(_recipe(canonical_json(index.recipe)))
    ]
    return min(others, key=lambda index: (not index.maintained, index.created_at), default=own)


def ensure_index(
    session: Session, workspace_id: str, setup: SearchSetup, *, maintained: bool, index_id: str = ""
) -> IndexRow:
    """Return the index of exactly this setup's recipe, registered now where there is none; `maintained` is only raised.

    Where there is nothing to index yet, it counts as built.
    """
    recipe = setup.recipe.resolved()
    statement = select(IndexRow).where(
        IndexRow.workspace_id == workspace_id, IndexRow.fingerprint == recipe.fingerprint
    )
    index = session.scalars(statement).one_or_none()
    if index is None:
        check_usable(session, setup)
        index = IndexRow(
            id=index_id or new_id("index"),
            workspace_id=workspace_id,
            fingerprint=recipe.fingerprint,
            recipe=recipe.model_dump(mode="json"),
            maintained=maintained,
            created_at=now(),
        )
        session.add(index)
        session.flush()
        if not missing_versions(session, workspace_id, index.id):
            index.built_at = now()
    index.maintained = index.maintained or maintained
    session.flush()
    return index


def _newest(session: Session, workspace_id: str, name: str) -> StrategyRow | None:
    statement = select(StrategyRow).where(StrategyRow.workspace_id == workspace_id, StrategyRow.name == name)
    return session.scalars(statement.order_by(StrategyRow.version.desc()).limit(1)).one_or_none()


def _saved(row: StrategyRow) -> SavedStrategy:
    strategy = _parse(canonical_json(row.definition))
    return SavedStrategy(name=row.name, version=row.version, strategy=strategy, created_at=row.created_at)


@lru_cache(maxsize=256)
def _parse(definition: str) -> Strategy:
    return Strategy.model_validate_json(definition)


@lru_cache(maxsize=256)
def _recipe(definition: str) -> IndexRecipe:
    return IndexRecipe.model_validate_json(definition)


def check_usable(session: Session, setup: SearchSetup | BaselineSetup) -> None:
    """Raise a PlaygroundError where this installation cannot use the embedder, or the database a store."""
    if isinstance(setup, SearchSetup) and setup.embedder is not None:
        setup.embedder.check_usable()
    for store in setup.stores if isinstance(setup, SearchSetup) else ():
        store.check_database(session)
