"""Alerts: what somebody should look at, kept until it is acknowledged, and sent out where a webhook is set."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

from sqlalchemy import Index, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from configs.errors import NotFoundError
from configs.part import JsonObject
from indexes.database.engine import Base, Json, UtcDateTime, new_id, now
from indexes.database.tables import Identifier

AlertKind = Literal["embedder_changed", "embedder_failed", "index_damaged"]
FIRST_PAUSE = timedelta(seconds=10)
MOST_ATTEMPTS = 12
"""With pauses that double, the last attempt comes about six hours after the first."""

logger = logging.getLogger("playground.alerts")


class AlertRow(Base):
    """One alert. `attempts` counts how often the webhook was tried; `sent_at` is when it took the alert.

    One without `next_attempt_at` is not sent (any more).
    """

    __tablename__ = "alerts"
    __table_args__ = (Index("alerts_listing", "created_at", "id"),)
    audited: ClassVar = ("acknowledged_at",)

    id: Mapped[str] = mapped_column(Identifier, primary_key=True)
    kind: Mapped[AlertKind] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(Text)
    detail: Mapped[str] = mapped_column(Text)
    figures: Mapped[JsonObject] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    acknowledged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


def raise_alert(session: Session, kind: AlertKind, subject: str, detail: str, **figures: Any) -> AlertRow | None:
    """Keep an alert with the caller's unit of work and log it; None where one about the same is open already."""
    same = select(AlertRow.id).where(
        AlertRow.kind == kind, AlertRow.subject == subject, AlertRow.acknowledged_at.is_(None)
    )
    if session.scalar(same.limit(1)) is not None:
        return None
    row = AlertRow(id=new_id("alert"), kind=kind, subject=subject, detail=detail, figures=figures)
    row.next_attempt_at = now()
    session.add(row)
    session.flush()
    logger.error("alert %s, %s: %s", kind, subject, detail)
    return row


def load_alert(session: Session, alert_id: str) -> AlertRow:
    """Return the alert, or raise NotFoundError."""
    row = session.get(AlertRow, alert_id)
    if row is None:
        raise NotFoundError("alert", alert_id)
    return row


def acknowledge(session: Session, alert_id: str) -> AlertRow:
    """Note that somebody has seen to the alert; the same may be raised again from now on."""
    row = load_alert(session, alert_id)
    if row.acknowledged_at is None:
        row.acknowledged_at = now()
    return row


def take_unsent(session: Session) -> AlertRow | None:
    """Return the alert whose sending is due first, counted as tried: nobody else tries before its pause is over.

    Whoever acknowledged an alert knows of it, and it is not sent any more.
    """
    moment = now()
    is_unknown = AlertRow.sent_at.is_(None), AlertRow.acknowledged_at.is_(None)
    due = select(AlertRow).where(*is_unknown, AlertRow.next_attempt_at <= moment)
    row = session.scalars(due.order_by(AlertRow.next_attempt_at, AlertRow.id).limit(1)).one_or_none()
    if row is not None:
        row.attempts += 1
        is_last = row.attempts == MOST_ATTEMPTS
        row.next_attempt_at = None if is_last else moment + FIRST_PAUSE * 2 ** (row.attempts - 1)
    return row


def note_sent(session: Session, alert_id: str) -> None:
    """Note that the webhook took the alert."""
    row = session.get_one(AlertRow, alert_id)
    row.sent_at, row.next_attempt_at = now(), None
