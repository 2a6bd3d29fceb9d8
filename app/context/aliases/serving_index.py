"""The index that answers for a strategy version, if there is one."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.context.estimate import build_call
from app.context.saved_strategies import SavedStrategy, find_index
from app.context.strategy import SearchSetup
from configs.errors import ConflictError
from indexes.database.tables import IndexRow


def index_of(session: Session, workspace_id: str, saved: SavedStrategy) -> IndexRow | None:
    """Return the built index that answers for the strategy, None for a reference line or where there is none."""
    setup = saved.strategy.retrieval
    index = find_index(session, workspace_id, setup) if isinstance(setup, SearchSetup) else None
    return index if index is not None and index.built_at is not None else None


def check_answers(session: Session, workspace_id: str, saved: SavedStrategy) -> None:
    """Raise ConflictError (`index_missing`), with the call that builds it, where no index answers for the strategy."""
    setup = saved.strategy.retrieval
    if isinstance(setup, SearchSetup) and index_of(session, workspace_id, saved) is None:
        raise ConflictError(
            f"no index answers for {saved.name} version {saved.version} yet",
            hint="build it with the call in `build` and wait for its job; what answers now goes on meanwhile",
            code="index_missing",
            build=build_call(workspace_id, setup),
        )
