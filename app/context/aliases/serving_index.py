"""The index that answers for a strategy version, if there is one, and what is asked of it while users are answered."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.context.aliases.records import AliasRow, active_of, candidate_of, previous_of
from app.context.estimate import build_call
from app.context.saved_strategies import SavedStrategy, find_index, load_strategy
from app.context.strategy import SearchSetup
from configs.errors import ConflictError
from indexes.database.catalog import list_indexes, missing_versions
from indexes.database.tables import IndexRow
from ingest.builds import queue_build


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


def check_whole(session: Session, workspace_id: str, saved: SavedStrategy) -> None:
    """Raise what `check_answers` raises, and ConflictError (`index_behind`), with the call that brings it up to date,
    where the index that answers for the strategy misses documents.
    """
    check_answers(session, workspace_id, saved)
    setup, index = saved.strategy.retrieval, index_of(session, workspace_id, saved)
    missing = [] if index is None else missing_versions(session, workspace_id, index.id)
    if index is not None and missing and isinstance(setup, SearchSetup):
        raise ConflictError(
            f"index {index.id}, which answers for {saved.name} version {saved.version}, misses {len(missing)} "
            "documents in their newest version",
            hint="bring it up to date with the call in `build` and wait for its job; what answers now goes on",
            code="index_behind",
            missing_documents=len(missing),
            build=build_call(workspace_id, setup),
        )


def follow_uploads(session: Session, workspace_id: str, saved: SavedStrategy) -> str | None:
    """Let the index that answers for the strategy follow uploads from the commit on; return the id of the job that
    brings in what it misses, None where it misses nothing or there is none. The strategy's own index, which is
    preferred once it is built, follows uploads as well where it is being built.
    """
    setup, index = saved.strategy.retrieval, index_of(session, workspace_id, saved)
    if index is None or not isinstance(setup, SearchSetup):
        return None
    own = setup.recipe.resolved().fingerprint
    for row in list_indexes(session, workspace_id):
        row.maintained = row.maintained or row.id == index.id or row.fingerprint == own
    session.flush()
    return queue_build(session, workspace_id, index.id) if missing_versions(session, workspace_id, index.id) else None


def is_to_answer(session: Session, workspace_id: str, setup: SearchSetup) -> bool:
    """Tell whether an alias answers users with a strategy of exactly the setup's recipe, whose own index, once it is
    built, is preferred to whatever answers for it now.
    """
    recipe = setup.recipe.resolved().fingerprint
    for row in _pointing(session, workspace_id):
        answering = [active_of(session, row), candidate_of(session, row) if row.canary_percent else None]
        for saved in answering:
            searched = saved.strategy.retrieval if saved is not None else None
            if isinstance(searched, SearchSetup) and searched.recipe.resolved().fingerprint == recipe:
                return True
    return False


def check_index_unneeded(session: Session, workspace_id: str, index_id: str) -> None:
    """Raise ConflictError (`index_in_use`) where an alias answers from the index, is to, or would after a rollback."""
    for row in _pointing(session, workspace_id):
        before = previous_of(session, row)
        kept = None
        if before is not None and before.strategy is not None:
            kept = load_strategy(session, workspace_id, before.strategy, before.version)
        roles = {"active": active_of(session, row), "candidate": candidate_of(session, row), "previous": kept}
        for role, saved in roles.items():
            index = index_of(session, workspace_id, saved) if saved is not None else None
            if saved is not None and index is not None and index.id == index_id:
                raise ConflictError(
                    f"index {index_id} answers for {saved.name} version {saved.version}, the {role} one of the alias "
                    f"{row.name!r}",
                    hint="it is kept, and follows uploads, as long as the alias may answer with it: promote another "
                    "version, drop the candidate, or delete the alias",
                    code="index_in_use",
                )


def _pointing(session: Session, workspace_id: str) -> Iterator[AliasRow]:
    """Yield the aliases that have an active version or a candidate."""
    pointing = or_(AliasRow.active_strategy.is_not(None), AliasRow.candidate_strategy.is_not(None))
    yield from session.scalars(select(AliasRow).where(AliasRow.workspace_id == workspace_id, pointing)).all()
