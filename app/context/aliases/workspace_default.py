"""What answers the requests of a workspace that name nothing: its default alias, else its default strategy."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from app.context.aliases.records import State, load_alias, nothing_active, states_by_version
from app.context.aliases.serving import serve
from app.context.saved_strategies import SavedStrategy, load_strategy, newest_version
from configs.errors import ConflictError
from indexes.database.tables import Workspace


def default_of(session: Session, workspace: Workspace) -> SavedStrategy:
    """Return the version that answers whoever names nothing and is in no canary. Raises NotFoundError."""
    if workspace.default_alias is not None:
        return serve(session, workspace.id, workspace.default_alias, None).saved
    return load_strategy(session, workspace.id, _name(workspace))


def default_states(session: Session, workspace: Workspace) -> Mapping[tuple[str, int], State]:
    """Return the state of the versions that are the default or are to be it; every other one is a draft.

    Without a default alias nothing is a candidate, and the newest version of the default strategy is active.
    """
    if workspace.default_alias is not None:
        return states_by_version(load_alias(session, workspace.id, workspace.default_alias))
    version = newest_version(session, workspace.id, _name(workspace))
    return {} if version is None else {(_name(workspace), version): "active"}


def change_default_alias(session: Session, workspace: Workspace, alias: str | None) -> None:
    """Let the alias answer what names nothing, from the commit on in every process; None: the default strategy again.

    Raises NotFoundError, and ConflictError (`nothing_active`) where requests would begin to fail by it.
    """
    if alias is not None:
        row = load_alias(session, workspace.id, alias)
        if row.active_strategy is None:
            raise nothing_active(alias)
    workspace.default_alias = alias


def change_default_strategy(session: Session, workspace: Workspace, strategy: str, *, is_fallback: bool) -> None:
    """Make the strategy the default one. Raises NotFoundError.

    Where an alias is the default, it goes on answering, so this is a ConflictError (`default_alias_set`) unless the
    caller knows that the strategy `is_fallback`: what answers once the alias is no longer the default.
    """
    if workspace.default_alias is not None and not is_fallback:
        alias = workspace.default_alias
        raise ConflictError(
            f"the alias {alias!r} is the default of workspace {workspace.id!r}, so its active version answers",
            hint=f"name a candidate with PUT …/aliases/{alias}/candidate and promote it on evidence with "
            f"POST …/aliases/{alias}/promotions; or let an admin set `default_alias` in the same request, to null or "
            "to the alias that goes on answering",
            code="default_alias_set",
        )
    load_strategy(session, workspace.id, strategy)
    workspace.default_strategy = strategy


def _name(workspace: Workspace) -> str:
    return workspace.default_strategy or "default"
