"""One answer to a question that a product manager has."""

from __future__ import annotations

from dataclasses import dataclass

from app.evaluation.economics.advice import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One row: `number` carries its interval where there is one, `flip_point` says what would turn the answer."""

    question: str
    answer: str
    number: str
    flip_point: str
    status: Status
