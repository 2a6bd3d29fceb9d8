"""Candidates for a context, and which of them repeat what a better one says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from app.context.envelope import Origin
from configs.span import NO_LEAD, Lead, Span
from indexes.search import Hit
from ingest.text_measures import TextMeasure, near_duplicates

Reason = Literal[
    "packed", "trimmed", "merged_into", "exact_duplicate", "span_overlap", "near_duplicate", "budget", "source_cap",
    "banned_source", "max_per_source",
]  # fmt: skip


def described_at(span: Span, text: str) -> int:
    """Return the position of the first non-space character of the text at `span`, or its end."""
    return span.end - len(text.lstrip())


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A hit with its text, the measure of it, its origin, and what is sent in front of the text.

    Raises ValueError where the text is not as long as the hit's span.
    """

    hit: Hit
    text: str
    measure: TextMeasure
    origin: Origin
    lead: Lead = NO_LEAD

    def __post_init__(self) -> None:
        if len(self.text) != len(self.hit.span):
            raise ValueError(f"the text has {len(self.text)} characters, but its span {self.hit.span}")

    @property
    def described_at(self) -> int:
        """Return the position of the first non-space character, whose headings and page the origin names."""
        return described_at(self.hit.span, self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """A candidate with the part of its span that may be sent."""

    candidate: Candidate
    span: Span

    @property
    def text(self) -> str:
        """Return the text of `span`."""
        offset = self.candidate.hit.span.start
        return self.candidate.text[self.span.start - offset : self.span.end - offset]

    @property
    def is_trimmed(self) -> bool:
        """Tell whether a part of the candidate is missing."""
        return self.span != self.candidate.hit.span


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The one final decision on a candidate.

    `packed`, `trimmed` and `merged_into` are included: `label` names the source, `span` what of the candidate it holds.
    The others are dropped. `details` of `exact_duplicate`, `span_overlap` and `near_duplicate` name the better
    candidate (`of_rank`) and how much is shared (`overlap`, 0 to 1) or differs (`distance`, bits of 64); those of
    `budget` and `source_cap` say `needed_tokens` and `left_tokens`.
    """

    hit: Hit
    reason: Reason
    label: str | None = None
    span: Span | None = None
    details: Mapping[str, int | float] = field(default_factory=dict)

    @property
    def is_included(self) -> bool:
        """Tell whether the candidate's text was sent."""
        return self.label is not None


def deduplicate(
    candidates: Sequence[Candidate], *, span_overlap_threshold: float, near_duplicate_distance: int | None
) -> tuple[list[Selected], list[Decision]]:
    """Return the candidates that add something, and the decisions on the others; `candidates` come best first.

    Each is compared with the better ones that stay: the same text, a span of the same version that shares at least the
    threshold's part of the shorter one, or a simhash within the distance drops it. What is left is trimmed, so that no
    character of a version stands in two selected spans.
    """
    measures = [candidate.measure for candidate in candidates]
    pairs = near_duplicates(measures, near_duplicate_distance) if near_duplicate_distance is not None else {}
    kept = _Kept(span_overlap_threshold, pairs)
    selected: list[Selected] = []
    decisions: list[Decision] = []
    for number, candidate in enumerate(candidates):
        others = kept.spans.get(candidate.hit.version_id)
        remaining = remaining_span(candidate.hit.span, others.values()) if others else candidate.hit.span
        repeats = kept.exact(candidate) or kept.overlap(candidate, remaining) or kept.near(number, candidate)
        if repeats is not None:
            decisions.append(repeats)
            continue
        kept.add(number, candidate)
        selected.append(Selected(candidate=candidate, span=remaining))
    return selected, decisions


def remaining_span(span: Span, others: Iterable[Span]) -> Span:
    """Return what the others leave of `span`, empty where they cover it.

    No other may lie inside `span`: it would be cut in two. `deduplicate` never keeps such a pair, since a span inside
    another shares all of the shorter one.
    """
    start, end = span.start, span.end
    for other in others:
        if other.start <= span.start:
            start = max(start, other.end)
        elif other.start < span.end:
            end = min(end, other.start)
    return Span(start, max(start, end))


class _Kept:
    """The candidates that stay, and what a worse one repeats of them: a decision, or None."""

    def __init__(self, span_overlap_threshold: float, near_pairs: dict[int, dict[int, int]]) -> None:
        self.spans: defaultdict[str, dict[int, Span]] = defaultdict(dict)
        """The spans of each version by rank, as they were found."""
        self._threshold = span_overlap_threshold
        self._near_pairs = near_pairs
        self._ranks_by_text: dict[str, int] = {}
        self._ranks_by_number: dict[int, int] = {}

    def add(self, number: int, candidate: Candidate) -> None:
        rank = candidate.hit.rank
        self.spans[candidate.hit.version_id][rank] = candidate.hit.span
        self._ranks_by_text[candidate.text] = rank
        self._ranks_by_number[number] = rank

    def exact(self, candidate: Candidate) -> Decision | None:
        rank = self._ranks_by_text.get(candidate.text)
        return None if rank is None else _repeats(candidate, "exact_duplicate", rank)

    def overlap(self, candidate: Candidate, remaining: Span) -> Decision | None:
        """Compare with each kept span, and with all of them together."""
        span = candidate.hit.span
        if remaining == span:
            return None
        shares = {
            rank: span.overlap(other) / min(len(span), len(other))
            for rank, other in self.spans[candidate.hit.version_id].items()
        }
        rank = max(shares, key=shares.__getitem__)
        share = max(shares[rank], 1 - len(remaining) / len(span))
        if share < self._threshold and Selected(candidate=candidate, span=remaining).text.strip():
            return None
        return _repeats(candidate, "span_overlap", rank, overlap=round(share, 4))

    def near(self, number: int, candidate: Candidate) -> Decision | None:
        pairs = self._near_pairs.get(number)
        if pairs is None:
            return None
        near = [(distance, other) for other, distance in pairs.items() if other in self._ranks_by_number]
        if not near:
            return None
        distance, other = min(near)
        return _repeats(candidate, "near_duplicate", self._ranks_by_number[other], distance=distance)


def _repeats(candidate: Candidate, reason: Reason, rank: int, **shared: float) -> Decision:
    return Decision(hit=candidate.hit, reason=reason, details={"of_rank": rank, **shared})
