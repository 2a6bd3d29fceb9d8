"""Which marked characters a set of found spans holds, and where: copies of the marked text credit it like itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.evaluation.outcome import Label
from app.evaluation.version_span import VersionSpan
from configs.span import Span, union


@dataclass(frozen=True, slots=True, kw_only=True)
class Credited:
    """Found text held against labels.

    `gold` is what the labels mark, `covered` what of it was found; `used` is where in the found text that stands: of a
    marked character that was found twice, by itself and by a copy, one is used. The spans of each are disjoint.
    """

    gold: tuple[VersionSpan, ...]
    covered: tuple[VersionSpan, ...]
    used: tuple[VersionSpan, ...]


def disjoint(places: Iterable[VersionSpan]) -> tuple[VersionSpan, ...]:
    """Return the sorted, disjoint, non-empty places that cover exactly the characters of `places`."""
    spans: defaultdict[str, list[Span]] = defaultdict(list)
    for place in places:
        spans[place.version_id].append(place.span)
    return tuple(VersionSpan(version_id, span) for version_id in sorted(spans) for span in union(spans[version_id]))


def places_of(label: Label) -> tuple[VersionSpan, ...]:
    """Return the span that the label marks and its copies; nothing where it marks a whole document."""
    return () if label.place is None else (label.place, *label.copies)


def credit(labels: Iterable[Label], found: Sequence[VersionSpan]) -> Credited:
    """Return what the found spans hold of the labels that mark a span.

    What the marked place itself gives comes first, then each copy in turn for what is still missing. Spans that merely
    touch hold nothing.
    """
    gold: list[VersionSpan] = []
    covered: list[VersionSpan] = []
    used: list[VersionSpan] = []
    for label in labels:
        place = label.place
        if place is None:
            continue
        gold.append(place)
        taken: list[Span] = []
        for source in places_of(label):
            shift = place.span.start - source.span.start
            fresh = _without(_shifted(_held(source, found), shift), taken)
            taken = union([*taken, *fresh])
            used.extend(VersionSpan(source.version_id, span) for span in _shifted(fresh, -shift))
        covered.extend(VersionSpan(place.version_id, span) for span in taken)
    return Credited(gold=disjoint(gold), covered=disjoint(covered), used=disjoint(used))


def is_half_covered(label: Label, found: Sequence[VersionSpan]) -> bool:
    """Tell whether the found spans together hold at least half of what the label marks, and something of it."""
    credited = credit([label], found)
    return 0 < sum(map(len, credited.gold)) <= 2 * sum(map(len, credited.covered))


def _held(source: VersionSpan, found: Sequence[VersionSpan]) -> list[Span]:
    """Return what of the source was found, as disjoint spans."""
    return union(
        [
            Span(max(source.span.start, one.span.start), min(source.span.end, one.span.end))
            for one in found
            if source.overlap(one)
        ]
    )


def _shifted(spans: Sequence[Span], by: int) -> list[Span]:
    return [Span(span.start + by, span.end + by) for span in spans]


def _without(spans: Sequence[Span], taken: Sequence[Span]) -> list[Span]:
    """Return what is left of sorted disjoint spans without others, likewise sorted and disjoint."""
    left: list[Span] = []
    for span in spans:
        start = span.start
        for other in taken:
            if start < other.end and other.start < span.end:
                if start < other.start:
                    left.append(Span(start, other.start))
                start = other.end
        if start < span.end:
            left.append(Span(start, span.end))
    return left
