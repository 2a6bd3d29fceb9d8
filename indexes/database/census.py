"""How much there is: documents, bytes and chunks per workspace, and jobs by kind and state, for whoever watches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from indexes.database.counters import Counted, load_counters
from indexes.database.engine import now
from indexes.database.tables import Document, IndexRow, Job, Served, Version, Worker, Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceCount:
    """What one workspace holds; `source_bytes` are those of its documents' newest versions."""

    workspace_id: str
    documents: int
    source_bytes: int
    indexed_chunks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """Counts at one moment; workspaces stand oldest first."""

    workspaces: tuple[WorkspaceCount, ...]
    jobs: dict[tuple[str, str], int]
    oldest_queued_seconds: float
    live_workers: int
    counters: tuple[Counted, ...]


def take_census(session: Session, *, alive_since: datetime) -> Census:
    """Count what is there; a worker lives when its last sign of life came after `alive_since`."""
    oldest = session.scalar(select(func.min(Job.created_at)).where(Job.state == "queued"))
    jobs = session.execute(select(Job.kind, Job.state, func.count()).group_by(Job.kind, Job.state))
    alive = select(func.count()).select_from(Worker).where(Worker.heartbeat_at > alive_since)
    return Census(
        workspaces=_workspaces(session),
        jobs={(kind, state): count for kind, state, count in jobs},
        oldest_queued_seconds=max(0.0, (now() - oldest).total_seconds()) if oldest is not None else 0.0,
        live_workers=session.scalar(alive) or 0,
        counters=load_counters(session),
    )


def _workspaces(session: Session) -> tuple[WorkspaceCount, ...]:
    held = session.execute(
        select(Document.workspace_id, func.count(), func.sum(Version.size_bytes))
        .outerjoin(Version, Version.id == Document.latest_version_id)
        .where(Document.deleted_at.is_(None))
        .group_by(Document.workspace_id)
    )
    served = session.execute(
        select(IndexRow.workspace_id, func.sum(Served.row_count))
        .join(Served, Served.index_id == IndexRow.id)
        .join(Document, Document.id == Served.document_id)
        .where(Document.deleted_at.is_(None))
        .group_by(IndexRow.workspace_id)
    )
    documents = {workspace_id: (count, int(size_bytes or 0)) for workspace_id, count, size_bytes in held}
    chunks: dict[str, int] = {workspace_id: int(total) for workspace_id, total in served}
    live = select(Workspace.id).where(Workspace.deleted_at.is_(None)).order_by(Workspace.created_at, Workspace.id)
    return tuple(
        WorkspaceCount(
            workspace_id=one,
            documents=documents.get(one, (0, 0))[0],
            source_bytes=documents.get(one, (0, 0))[1],
            indexed_chunks=chunks.get(one, 0),
        )
        for one in session.scalars(live)
    )
