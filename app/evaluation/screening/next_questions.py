"""Which questions are worth labelling next: those for which the strategies that are left send the most different text.

They were chosen because strategies differ on them, so once labelled they are of origin `active`: they calibrate a
screening, and never enter a verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

from app.evaluation.metrics.credited_spans import disjoint
from app.evaluation.span_metrics import shared_characters
from app.evaluation.version_span import VersionSpan


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A question without labels, and what each strategy that is left sends for it."""

    id: str
    text: str
    sent: Sequence[Sequence[VersionSpan]]


def span_jaccard(first: Sequence[VersionSpan], second: Sequence[VersionSpan]) -> float:
    """Return the characters that both send as a share of those that either sends; 1 where neither sends any."""
    shared = shared_characters(first, second)
    either = sum(map(len, disjoint([*first, *second])))
    return shared / either if either else 1.0


def difference(sent: Sequence[Sequence[VersionSpan]]) -> float:
    """Return 1 less the mean Jaccard index over all pairs, in [0, 1]; 0 for fewer than two strategies."""
    pairs = list(combinations(sent, 2))
    return 1 - fmean(span_jaccard(first, second) for first, second in pairs) if pairs else 0.0


def most_different(candidates: Sequence[Candidate], count: int) -> list[tuple[Candidate, float]]:
    """Return at most `count` candidates on which the strategies differ at all, most different first, ties in order."""
    measured = [(candidate, difference(candidate.sent)) for candidate in candidates]
    differing = [pair for pair in measured if pair[1] > 0]
    return sorted(differing, key=lambda pair: -pair[1])[:count]
