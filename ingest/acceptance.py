"""Accepting an embedder as it is now: its vectors and its indexes are made anew, beside those that answer."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from configs.errors import ConflictError, UnavailableError
from indexes.database.alerts import AlertRow, acknowledge, load_alert
from indexes.database.engine import Database, now
from indexes.database.tables import IndexRow, Workspace
from ingest.builds import queue_build
from ingest.canaries import CanaryRow, CanaryVectors, canary_vectors, embedder_of, fingerprint_in


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The alert, seen to, and the jobs that build the embedder's indexes anew; none where it was accepted before."""

    alert: AlertRow
    job_ids: tuple[str, ...]


def accept_model(database: Database, alert_id: str) -> Acceptance:
    """Take the vectors of the embedder that the alert is about as the right ones from now on.

    One commit makes every vector of before outdated, sets the new baseline, queues a build of each index and closes
    the alerts. Raises NotFoundError, ConflictError (`not_acceptable`) for an alert about something else, and
    UnavailableError or what the embedder raises where it cannot embed now; nothing has changed then.
    """
    with database.read() as session:
        alert = load_alert(session, alert_id)
        row = session.get(CanaryRow, alert.subject)
    if alert.kind != "embedder_changed":
        raise ConflictError(
            f"alert {alert_id} is of the kind {alert.kind}: it is not about a model that changed",
            hint="accept alerts of the kind embedder_changed; acknowledge others",
            code="not_acceptable",
        )
    vectors = None if row is None else canary_vectors(embedder_of(row))
    if vectors is not None and not vectors.are_finite:
        raise UnavailableError(
            f"the embedder {alert.subject} gives vectors with values that are no numbers",
            hint="bring back the files of its model; such vectors cannot be searched",
            code="embedder_not_finite",
        )
    with database.write() as session:
        job_ids = () if vectors is None else _renew(session, alert, vectors)
        _close(session, alert.subject)
        return Acceptance(acknowledge(session, alert_id), job_ids)


def _renew(session: Session, alert: AlertRow, vectors: CanaryVectors) -> tuple[str, ...]:
    row = session.get_one(CanaryRow, alert.subject, with_for_update=True)
    if row.created_at > alert.created_at:
        return ()
    row.keep(vectors)
    row.created_at = row.checked_at = now()
    row.drift, row.renewals = 0.0, row.renewals + 1
    session.flush()
    live = select(IndexRow).join(Workspace).where(Workspace.deleted_at.is_(None))
    return tuple(
        queue_build(session, index.workspace_id, index.id)
        for index in session.scalars(live.order_by(IndexRow.created_at, IndexRow.id)).all()
        if fingerprint_in(index.recipe) == alert.subject
    )


def _close(session: Session, subject: str) -> None:
    same = AlertRow.kind == "embedder_changed", AlertRow.subject == subject, AlertRow.acknowledged_at.is_(None)
    for alert_id in session.scalars(select(AlertRow.id).where(*same)).all():
        acknowledge(session, alert_id)
