"""What changes an alias. Each function works in one write unit of the caller and leaves a row that says what it did."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.context.aliases.limits import Limits
from app.context.aliases.records import (
    AliasChangeRow,
    AliasRow,
    load_alias,
    needed_candidate,
    nothing_active,
    previous_of,
)
from app.context.aliases.serving_index import check_answers, check_whole, follow_uploads
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
    elif (row.description, row.parsed_limits()) == (description, limits):
        return row, False
    row.description, row.limits = description, content
    _record(session, row, "created" if is_new else "settings", change, details={"limits": content})
    return row, is_new


def name_candidate(
    session: Session, workspace_id: str, name: str, strategy: str, version: int | None, percent: int, change: Change
) -> AliasRow:
    """Make a strategy version the candidate, by default the newest; `percent` of the users get its answers.

    The index that answers those users follows uploads from then on. Raises NotFoundError, and ConflictError:
    `already_active`, `nothing_active` for a share of users where nothing else answers, `index_missing` or
    `index_behind` where the candidate could not answer them from every document.
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
        check_whole(session, workspace_id, saved)
        follow_uploads(session, workspace_id, saved)
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

    From then on the index that answers for it follows uploads; where it misses documents, `build_job` in the details
    names the job that brings them in. That of the version before goes on as it did. `row` was loaded to be changed.
    Raises ConflictError (`no_candidate`, `index_missing`).
    """
    candidate = needed_candidate(session, row)
    check_answers(session, row.workspace_id, candidate)
    job_id = follow_uploads(session, row.workspace_id, candidate)
    replaced = row.active_change
    row.active_strategy, row.active_version = candidate.name, candidate.version
    row.candidate_strategy, row.candidate_version, row.canary_percent = None, None, 0
    about = candidate.name, candidate.version
    details = _catching_up(job_id)
    made = _record(
        session, row, "promoted", change, about=about, replaces=replaced, details=details, evidence=evidence
    )  # fmt: skip
    row.active_change = made.number
    session.flush()
    return made


def roll_back(session: Session, workspace_id: str, name: str, change: Change) -> AliasChangeRow:
    """Let the version answer again that the last promotion replaced; again, and it is the one before that.

    It answers at once, and its index catches up: where that misses documents, `build_job` in the details names the job
    that brings them in. The candidate stays one, but gets no users any more. Raises NotFoundError, and ConflictError:
    `nothing_before`, or `index_missing` where the version could not answer.
    """
    row = load_alias(session, workspace_id, name, to_change=True)
    before = previous_of(session, row)
    if before is None or before.strategy is None or before.version is None:
        raise ConflictError(
            f"no version was active for {name!r} before the present one",
            hint="see GET …/aliases/{alias}/changes; to answer with another version, promote it",
            code="nothing_before",
        )
    saved = load_strategy(session, workspace_id, before.strategy, before.version)
    check_answers(session, workspace_id, saved)
    job_id = follow_uploads(session, workspace_id, saved)
    left = {"from_strategy": row.active_strategy, "from_version": row.active_version}
    row.active_strategy, row.active_version, row.active_change = before.strategy, before.version, before.number
    row.canary_percent = 0
    if (row.candidate_strategy, row.candidate_version) == (before.strategy, before.version):
        row.candidate_strategy, row.candidate_version = None, None
    about = before.strategy, before.version
    details = {**left, **_catching_up(job_id)}
    return _record(session, row, "rolled_back", change, about=about, replaces=before.number, details=details)


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


def _catching_up(job_id: str | None) -> JsonObject:
    return {} if job_id is None else {"build_job": job_id}


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
