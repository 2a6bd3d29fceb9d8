"""What changes an alias. Each function works in one write unit of the caller and leaves a row that says what it did."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from app.context.aliases.limits import Limits
from app.context.aliases.records import (
    AliasChangeRow,
    AliasRow,
    active_of,
    candidate_of,
    load_alias,
    needed_candidate,
    nothing_active,
    previous_of,
)
from app.context.aliases.serving_index import check_answers, index_of
from app.context.saved_strategies import load_strategy
from configs.errors import ConflictError
from configs.part import JsonObject
from indexes.database.engine import now
from indexes.database.tables import Workspace


@dataclass(frozen=True, slots=True)
class Change:
    """Who changes an alias, and why."""

    by: str
    reason: str = ""


def put_alias(
    session: Session, workspace_id: str, name: str, description: str, limits: Limits, change: Change
) -> tuple[AliasRow, bool]:
    """Make the alias, or replace its description and limits; return it and whether it is new."""
    content = limits.model_dump(mode="json")
    row = session.get(AliasRow, (workspace_id, name), with_for_update=True)
    is_new = row is None
    if row is None:
        row = AliasRow(
            workspace_id=workspace_id, name=name, description=description, limits=content, created_at=now()
        )  # fmt: skip
        row.canary_percent = row.last_change = 0
        session.add(row)
    elif (row.description, row.limits) == (description, content):
        return row, False
    row.description, row.limits = description, content
    _record(session, row, "created" if is_new else "settings", change, details={"limits": content})
    return row, is_new


def name_candidate(
    session: Session, workspace_id: str, name: str, strategy: str, version: int | None, percent: int, change: Change
) -> AliasRow:
    """Make a strategy version the candidate, by default the newest; `percent` of the users get its answers.

    Raises NotFoundError, and ConflictError: `already_active`, `nothing_active` for a share of users where nothing else
    answers, `index_missing` where the candidate could not answer them.
    """
    row = load_alias(session, workspace_id, name, to_change=True)
    saved = load_strategy(session, workspace_id, strategy, version)
    if (row.active_strategy, row.active_version) == (saved.name, saved.version):
        raise ConflictError(
            f"{saved.name} version {saved.version} is what {name!r} answers with already",
            hint="name another version",
            code="already_active",
        )
    if percent:
        if row.active_strategy is None:
            raise nothing_active(name)
        check_answers(session, workspace_id, saved)
    row.candidate_strategy, row.candidate_version, row.canary_percent = saved.name, saved.version, percent
    about = saved.name, saved.version
    _record(session, row, "candidate", change, about=about, details={"canary_percent": percent})
    return row


def drop_candidate(session: Session, workspace_id: str, name: str, change: Change) -> None:
    """Make the candidate a draft again; where there is none, nothing changes. Raises NotFoundError."""
    row = session.get(AliasRow, (workspace_id, name), with_for_update=True)
    if row is None or row.candidate_strategy is None or row.candidate_version is None:
        return
    about = row.candidate_strategy, row.candidate_version
    row.candidate_strategy, row.candidate_version, row.canary_percent = None, None, 0
    _record(session, row, "candidate_dropped", change, about=about)


def promote(session: Session, row: AliasRow, change: Change, evidence: JsonObject) -> AliasChangeRow:
    """Let the candidate answer from the commit on, in every process; the version before is kept for a rollback.

    From then on the index that answers for it follows uploads; that of the version before goes on as it did. `row` was
    loaded to be changed. Raises ConflictError (`no_candidate`, `index_missing`).
    """
    candidate = needed_candidate(session, row)
    check_answers(session, row.workspace_id, candidate)
    index = index_of(session, row.workspace_id, candidate)
    if index is not None:
        index.maintained = True
    replaced = row.active_change
    row.active_strategy, row.active_version = candidate.name, candidate.version
    row.candidate_strategy, row.candidate_version, row.canary_percent = None, None, 0
    about = candidate.name, candidate.version
    made = _record(session, row, "promoted", change, about=about, replaces=replaced, evidence=evidence)
    row.active_change = made.number
    session.flush()
    return made


def roll_back(session: Session, workspace_id: str, name: str, change: Change) -> AliasChangeRow:
    """Let the version answer again that the last promotion replaced; again, and it is the one before that.

    The candidate stays one, but gets no users any more. Raises NotFoundError, and ConflictError: `nothing_before`, or
    `index_missing` where the version could not answer.
    """
    row = load_alias(session, workspace_id, name, to_change=True)
    before = previous_of(session, row)
    if before is None or before.strategy is None or before.version is None:
        raise ConflictError(
            f"no version was active for {name!r} before the present one",
            hint="see GET …/aliases/{alias}/changes; to answer with another version, promote it",
            code="nothing_before",
        )
    check_answers(session, workspace_id, load_strategy(session, workspace_id, before.strategy, before.version))
    left = {"from_strategy": row.active_strategy, "from_version": row.active_version}
    row.active_strategy, row.active_version, row.active_change = before.strategy, before.version, before.number
    row.canary_percent = 0
    if (row.candidate_strategy, row.candidate_version) == (before.strategy, before.version):
        row.candidate_strategy, row.candidate_version = None, None
    about = before.strategy, before.version
    return _record(session, row, "rolled_back", change, about=about, replaces=before.number, details=left)


def delete_alias(session: Session, workspace_id: str, name: str) -> None:
    """Delete the alias with its changes; deleting what is not there changes nothing.

    Raises ConflictError (`default_alias`) where it is the workspace's default.
    """
    if session.get_one(Workspace, workspace_id).default_alias == name:
        raise ConflictError(
            f"the alias {name!r} is the default of workspace {workspace_id!r}: requests that name nothing go to it",
            hint="make another alias the default first, or none, with `default_alias` in "
            "PATCH /v1/workspaces/{workspace_id}",
            code="default_alias",
        )
    session.execute(delete(AliasRow).where(AliasRow.workspace_id == workspace_id, AliasRow.name == name))


def check_not_aliased(session: Session, workspace_id: str, strategy: str) -> None:
    """Raise ConflictError (`strategy_in_use`) where an alias has or had the strategy active, or as its candidate."""
    candidate = select(AliasRow.name).where(
        AliasRow.workspace_id == workspace_id, AliasRow.candidate_strategy == strategy
    )  # fmt: skip
    promoted = select(AliasChangeRow.alias).where(
        AliasChangeRow.workspace_id == workspace_id,
        AliasChangeRow.strategy == strategy,
        AliasChangeRow.kind == "promoted",
    )
    names = sorted({*session.scalars(candidate), *session.scalars(promoted)})
    if names:
        raise ConflictError(
            f"strategy {strategy!r} is or was what the alias {names[0]!r} answers with",
            hint="an alias keeps every version it had; delete the alias first, or keep the strategy",
            code="strategy_in_use",
            aliases=names[:10],
        )


def check_index_unneeded(session: Session, workspace_id: str, index_id: str) -> None:
    """Raise ConflictError (`index_in_use`) where an alias answers from the index, is to, or would after a rollback."""
    pointing = or_(AliasRow.active_strategy.is_not(None), AliasRow.candidate_strategy.is_not(None))
    for row in session.scalars(select(AliasRow).where(AliasRow.workspace_id == workspace_id, pointing)):
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
                    hint="it is kept as long as the alias may answer with it: promote another version, drop the "
                    "candidate, or delete the alias",
                    code="index_in_use",
                )


def _record(
    session: Session, row: AliasRow, kind: str, change: Change, *, about: tuple[str, int] | None = None,
    replaces: int | None = None, details: JsonObject | None = None, evidence: JsonObject | None = None,
) -> AliasChangeRow:  # fmt: skip
    session.flush()
    row.last_change += 1
    row.updated_at = now()
    strategy, version = about or (None, None)
    made = AliasChangeRow(
        workspace_id=row.workspace_id, alias=row.name, number=row.last_change, kind=kind, strategy=strategy,
        version=version, replaces=replaces, changed_by=change.by, reason=change.reason, details=details or {},
        evidence=evidence, created_at=now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made
