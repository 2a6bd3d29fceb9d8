"""Requests per minute, taken from SQL in blocks: a request costs a write only now and then."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.accounts.quotas import QuotaExceededError, Subject, take_block, window_of
from indexes.database.engine import Database, now

WHAT: Final = "requests_per_minute"
BLOCKS_PER_MINUTE = 20


@dataclass(slots=True)
class _Block:
    """What this process may still let in of a minute."""

    began_at: datetime
    left: int


class RequestAllowance:
    """Lets requests in while their quotas last.

    All processes together never let in more than a quota in one minute. They may let in a little less: what one process
    has taken and not used, at most a twentieth, nobody else uses.
    """

    def __init__(self) -> None:
        self._blocks: dict[Subject, _Block] = {}
        self._lock = threading.Lock()

    def admit(self, database: Database, limits: Mapping[Subject, int]) -> None:
        """Count a request against each subject's limit; raise QuotaExceededError where the minute has no more."""
        for subject, limit in limits.items():
            self._admit_one(database, subject, limit)

    def _admit_one(self, database: Database, subject: Subject, limit: int) -> None:
        moment = now()
        began_at = window_of(WHAT, moment)
        with self._lock:
            block = self._blocks.get(subject)
            if block is not None and block.began_at == began_at and block.left > 0:
                block.left -= 1
                return
        wanted = max(1, limit // BLOCKS_PER_MINUTE)
        with database.write() as session:
            taken = take_block(session, subject, WHAT, limit, wanted, moment)
        if not taken:
            raise QuotaExceededError(subject, WHAT, limit, limit, 1, moment)
        with self._lock:
            known = self._blocks.get(subject)
            left = known.left if known is not None and known.began_at == began_at else 0
            self._blocks[subject] = _Block(began_at, left + taken - 1)
