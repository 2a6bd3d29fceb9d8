"""What the clients were told: facts that were acknowledged, and requests whose answer never came."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["acknowledged", "unanswered"]


@dataclass
class DocumentFacts:
    """A document with one writer: the texts it may have now, None for being absent, and which of them are to stay.

    Erased ones, and those whose erasure was sent, are never written again.
    """

    possible: set[str | None] = field(default_factory=lambda: {None})
    versions_acknowledged: int = 0
    versions_sent: int = 0
    is_retired: bool = False

    def wrote(self, text: str | None, outcome: Outcome) -> None:
        """Note that a text, or a deletion, was sent, and what came of it."""
        if text is None and outcome == "acknowledged":
            self.versions_acknowledged = self.versions_sent = 0
        elif text is None:
            self.versions_acknowledged = 0
        else:
            self.versions_sent += 1
            self.versions_acknowledged += outcome == "acknowledged"
        self.possible = {text} if outcome == "acknowledged" else self.possible | {text}


@dataclass
class Created:
    """Things of one kind that get an id from the service: those it acknowledged, and how many more it may have made."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    """By id, a remark such as the job's id."""
    unanswered: int = 0

    def check(self, there: list[str]) -> list[str]:
        """Return what is wrong with the ids that are there."""
        wrong = [f"{lost} was acknowledged and is gone" for lost in sorted(self.acknowledged.keys() - set(there))]
        wrong += [f"{one} is there twice" for one in sorted({one for one in there if there.count(one) > 1})]
        most = len(self.acknowledged) + self.unanswered
        if len(there) > most:
            wrong.append(f"{len(there)} are there; {len(self.acknowledged)} acknowledged, {self.unanswered} unanswered")
        return wrong


@dataclass
class AliasFacts:
    """An alias with one writer: numbers of acknowledged changes, and what may answer now."""

    changes: dict[int, str] = field(default_factory=dict)
    unanswered: int = 0
    active: set[int | None] = field(default_factory=lambda: {None})


class Ledger:
    """All that is known from outside; each document, user and alias has one thread that writes to it."""

    def __init__(self) -> None:
        self.documents: dict[str, DocumentFacts] = {}
        self.feedback: dict[str, Created] = {}
        self.experiments = Created()
        self.erasures = Created()
        self.aliases: dict[str, AliasFacts] = {}
        self.faults: list[str] = []
        self.operations: dict[str, int] = {}
        self.log: list[str] = []
        self._lock = threading.Lock()
        self._began = time.monotonic()

    def note(self, kind: str, what: str) -> None:
        """Write a line of the operation log, and count it."""
        with self._lock:
            self.operations[kind] = self.operations.get(kind, 0) + 1
            self.log.append(f"{time.monotonic() - self._began:9.3f} {kind}: {what}")

    def fault(self, what: str) -> None:
        """Note something that must not be."""
        self.note("fault", what)
        with self._lock:
            self.faults.append(what)

    def experiment(self, outcome: Outcome, experiment_id: str = "", job_id: str = "") -> None:
        """Note an experiment."""
        with self._lock:
            _add(self.experiments, outcome, experiment_id, job_id)

    def erasure(self, outcome: Outcome, erasure_id: str = "", target: str = "") -> None:
        """Note an erasure."""
        with self._lock:
            _add(self.erasures, outcome, erasure_id, target)

    def gave_feedback(self, user: str, outcome: Outcome, feedback_id: str = "") -> None:
        """Note a user's feedback."""
        _add(self.feedback.setdefault(user, Created()), outcome, feedback_id, "")


def _add(created: Created, outcome: Outcome, identifier: str, remark: str) -> None:
    if outcome == "acknowledged":
        created.acknowledged[identifier] = remark
    else:
        created.unanswered += 1
