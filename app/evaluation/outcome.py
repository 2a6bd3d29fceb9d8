"""What a strategy gave for one question, and what was marked as its answer: the two things that metrics compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.evaluation.version_span import VersionSpan


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedText:
    """A found passage of a ranked list: `text` is the version's text at `place`."""

    document_id: str
    place: VersionSpan
    text: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SentContext:
    """What the strategy's own packer and renderer send within one budget, in the order in which the model reads it.

    `tokens` counts the retrieved text with its envelope; instructions and question are no part of it.
    """

    budget_tokens: int
    spans: tuple[VersionSpan, ...]
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a strategy gave for one question.

    `ranked` comes best first; `contexts` are by budget in tokens. A baseline does not rank: its `ranked` holds what it
    sends, in that order. `is_exhausted` tells that the list ended because nothing more was found.
    """

    ranked: tuple[RankedText, ...]
    contexts: Mapping[int, SentContext]
    is_baseline: bool
    is_exhausted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A marked answer: a span of a version, or a whole document where `place` is None; `grade` is 1 to 3.

    `copies` are other places whose text is byte-identical to the span's; what is found there counts as found here.
    """

    document_id: str
    place: VersionSpan | None
    grade: int = 1
    copies: tuple[VersionSpan, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gold:
    """What was marked for one question; an unanswerable one has no labels."""

    labels: tuple[Label, ...]
    is_unanswerable: bool = False

    @property
    def span_labels(self) -> tuple[Label, ...]:
        """Return the labels that mark a span."""
        return tuple(label for label in self.labels if label.place is not None)

    @property
    def document_grades(self) -> dict[str, int]:
        """Return the best grade of each marked document, whether its label is a span or the whole of it."""
        grades: dict[str, int] = {}
        for label in self.labels:
            grades[label.document_id] = max(label.grade, grades.get(label.document_id, 0))
        return grades
