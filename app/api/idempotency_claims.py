"""Keys of requests that create something, claimed in the unit of work that creates it: nothing is created twice,
whichever process is asked again, and whenever the first one died.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, LargeBinary, String, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from indexes.database.engine import Base, UtcDateTime, now

KEPT_FOR = timedelta(hours=24)
UNANSWERED = 102
"""The status of a key whose work is committed, and whose answer is not kept yet, or was lost with its process."""

SECRET = 103
"""The status of a key whose answer held a secret, which is not kept: the body names what was made."""


class IdempotencyRow(Base):
    """The answer to a POST that carried an Idempotency-Key and created something; it goes with its workspace.

    Its status is UNANSWERED from the commit of what was created to that of the answer.
    """

    __tablename__ = "idempotency"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    workspace_id: Mapped[str | None] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    request_sha256: Mapped[str] = mapped_column(String(64))
    status: Mapped[int]
    media_type: Mapped[str] = mapped_column(String(100))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class KeyTakenError(Exception):
    """Another request has done the work of this key meanwhile; what this one did is rolled back."""


@dataclass(slots=True)
class Claim:
    """A request that may claim its key; `is_made` once it has committed something, with the id of what is shown once
    as its `secret_id`.
    """

    key: str
    workspace_id: str | None
    request_sha256: str
    is_made: bool = False
    secret_id: str | None = None


_claim: ContextVar[Claim | None] = ContextVar("idempotency_claim", default=None)


@contextmanager
def claiming(claim: Claim) -> Iterator[None]:
    """Let the first write unit that begins meanwhile, in this context, claim the key."""
    token = _claim.set(claim)
    try:
        yield
    finally:
        _claim.reset(token)


def claim_secret(made_id: str) -> None:
    """Say, in the unit of work that makes it, that the answer shows something once: its id is kept instead."""
    claim = _claim.get()
    if claim is not None:
        claim.secret_id = made_id


def watch_claim(session: Session) -> Callable[[], None]:
    """Return what claims the key before a write unit commits; it raises KeyTakenError where that was done before."""
    claim = _claim.get()

    def make() -> None:
        if claim is None or claim.is_made:
            return
        if load_answer(session, claim.key) is not None:
            raise KeyTakenError
        session.execute(delete(IdempotencyRow).where(IdempotencyRow.created_at < now() - KEPT_FOR))
        session.add(
            IdempotencyRow(
                key=claim.key, workspace_id=claim.workspace_id, request_sha256=claim.request_sha256,
                status=UNANSWERED if claim.secret_id is None else SECRET,
                media_type="", body=(claim.secret_id or "").encode(),
            )
        )  # fmt: skip
        session.flush()
        claim.is_made = True

    return make


def load_answer(session: Session, key: str) -> IdempotencyRow | None:
    """Return what is kept for the key, None where there is nothing, or it is too old."""
    row = session.get(IdempotencyRow, key)
    return row if row is not None and row.created_at > now() - KEPT_FOR else None
