"""Quotas: how much a workspace, or a key, may use in a minute or a day, counted in SQL across processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Literal, get_args

from sqlalchemy import BigInteger, String, bindparam, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from configs.errors import PlaygroundError
from indexes.database.engine import Base, UtcDateTime, now

What = Literal["requests_per_minute", "documents_per_day", "bytes_per_day", "tokens_per_day", "experiments_per_day"]
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
KEPT_FOR = timedelta(days=32)
Subject = str
"""`workspace/<id>` or `key/<id>`."""


class QuotaRow(Base):
    """The most that a subject may use of something in one window; without a row there is no limit."""

    __tablename__ = "quotas"
    audited: ClassVar = ("limit",)

    subject: Mapped[str] = mapped_column(String(80), primary_key=True)
    what: Mapped[What] = mapped_column(String(32), primary_key=True)
    limit: Mapped[int] = mapped_column("most", BigInteger)


class UsageRow(Base):
    """What a subject used of something in the window that began at a moment; kept only where there is a quota."""

    __tablename__ = "usage"

    subject: Mapped[str] = mapped_column(String(80), primary_key=True)
    what: Mapped[What] = mapped_column(String(32), primary_key=True)
    began_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    used: Mapped[int] = mapped_column(BigInteger)


class QuotaExceededError(PlaygroundError):
    """The window's quota is used up; `retry_after_seconds` later another one begins."""

    status = 429
    code = "quota_exceeded"

    def __init__(self, subject: Subject, what: What, limit: int, used: int, asked: int, moment: datetime) -> None:
        self.retry_after_seconds = seconds_left(what, moment)
        super().__init__(
            f"the quota of {subject} is {limit:,} {what.replace('_', ' ')}; {used:,} are used, this needs {asked:,}",
            hint=f"try again in {self.retry_after_seconds} seconds, ask for less, or ask an administrator for more",
        )


def subject_of_workspace(workspace_id: str) -> Subject:
    """Return what a workspace's quotas are kept under."""
    return f"workspace/{workspace_id}"


def subject_of_key(key_id: str) -> Subject:
    """Return what a key's quotas are kept under."""
    return f"key/{key_id}"


def window_of(what: What, moment: datetime) -> datetime:
    """Return when the window that the moment lies in began: a minute, or a day of UTC."""
    start = moment.replace(second=0, microsecond=0)
    return start if what == "requests_per_minute" else start.replace(hour=0, minute=0)


def seconds_left(what: What, moment: datetime) -> int:
    """Return in how many seconds the next window begins, rounded up."""
    length = MINUTE if what == "requests_per_minute" else DAY
    left = window_of(what, moment) + length - moment
    return int(-(-left // timedelta(seconds=1)))


_LIMITS = select(QuotaRow).where(
    QuotaRow.subject.in_(bindparam("subjects", expanding=True)), QuotaRow.what.in_(bindparam("whats", expanding=True))
)
"""Made once, as every request asks for it."""


def limits_of(session: Session, subjects: Sequence[Subject], *whats: What) -> dict[tuple[Subject, What], int]:
    """Return the limits that the subjects have on what is named, on everything where nothing is."""
    rows = session.scalars(_LIMITS, {"subjects": subjects, "whats": whats or get_args(What)})
    return {(row.subject, row.what): row.limit for row in rows}


def put_limits(session: Session, subject: Subject, limits: Mapping[What, int]) -> None:
    """Replace the subject's limits; what is not named has none."""
    known = {row.what: row for row in session.scalars(select(QuotaRow).where(QuotaRow.subject == subject))}
    for what, limit in limits.items():
        if what in known:
            known[what].limit = limit
        else:
            session.add(QuotaRow(subject=subject, what=what, limit=limit))
    for what, row in known.items():
        if what not in limits:
            session.delete(row)
    session.flush()


def used_by(session: Session, subject: Subject, what: What, moment: datetime) -> int:
    """Return what the subject used in the present window."""
    row = session.get(UsageRow, (subject, what, window_of(what, moment)))
    return 0 if row is None else row.used


def check_left(session: Session, subjects: Sequence[Subject], what: What) -> bool:
    """Raise QuotaExceededError where a subject has nothing left; tell whether any has a limit."""
    moment, limits = now(), limits_of(session, subjects, what)
    for (subject, _), limit in limits.items():
        if (used := used_by(session, subject, what, moment)) >= limit:
            raise QuotaExceededError(subject, what, limit, used, 1, moment)
    return bool(limits)


def charge(
    session: Session, subjects: Sequence[Subject], amounts: Mapping[What, int], *, strictly: bool = True
) -> None:
    """Count what is used, in the unit of work that uses it; raise QuotaExceededError where it would be too much.

    What cannot be known before it is used is not counted `strictly`: it may pass the limit once.
    """
    moment = now()
    for (subject, what), limit in limits_of(session, subjects, *amounts).items():
        if amounts[what] > 0:
            _use(session, subject, what, limit, amounts[what], moment, strictly=strictly)


def take_block(session: Session, subject: Subject, what: What, limit: int, wanted: int, moment: datetime) -> int:
    """Use up to `wanted` of what is left in the window, and return how much that was."""
    taken = max(0, min(wanted, limit - used_by(session, subject, what, moment)))
    if taken:
        _use(session, subject, what, limit, taken, moment, strictly=True)
    return taken


def _use(
    session: Session, subject: Subject, what: What, limit: int, amount: int, moment: datetime, *, strictly: bool
) -> None:
    began_at = window_of(what, moment)
    row = session.get(UsageRow, (subject, what, began_at))
    if row is None:
        session.execute(delete(UsageRow).where(UsageRow.subject == subject, UsageRow.began_at < moment - KEPT_FOR))
        row = UsageRow(subject=subject, what=what, began_at=began_at, used=0)
        session.add(row)
    if strictly and row.used + amount > limit:
        raise QuotaExceededError(subject, what, limit, row.used, amount, moment)
    row.used += amount
    session.flush()
