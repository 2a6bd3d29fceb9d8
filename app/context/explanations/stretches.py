"""Sets of spans of versions: what one context holds of a version's text and another does not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from configs.span import Span, union

Stretches = Mapping[str, Sequence[Span]]
"""For each version the sorted, disjoint, non-empty spans of it."""


def stretches(spans: Iterable[tuple[str, Span]]) -> dict[str, list[Span]]:
    """Return the characters of all (version id, span), each once."""
    by_version: defaultdict[str, list[Span]] = defaultdict(list)
    for version_id, span in spans:
        by_version[version_id].append(span)
    return {version_id: united for version_id in sorted(by_version) if (united := union(by_version[version_id]))}


def shared(one: Stretches, other: Stretches) -> dict[str, list[Span]]:
    """Return the characters that are in both."""
    return stretches(
        (version_id, Span(max(mine.start, theirs.start), min(mine.end, theirs.end)))
        for version_id, spans in one.items()
        for mine in spans
        for theirs in other.get(version_id, ())
        if mine.overlap(theirs)
    )


def without(one: Stretches, other: Stretches) -> dict[str, list[Span]]:
    """Return the characters of `one` that are not in `other`."""
    return stretches(
        (version_id, rest)
        for version_id, spans in one.items()
        for span in spans
        for rest in uncovered(span, other.get(version_id, ()))
    )


def uncovered(span: Span, others: Iterable[Span]) -> list[Span]:
    """Return the parts of `span` that no other covers."""
    rest: list[Span] = []
    position = span.start
    for other in sorted(other for other in others if other.overlap(span)):
        if other.start > position:
            rest.append(Span(position, other.start))
        position = max(position, other.end)
    if position < span.end:
        rest.append(Span(position, span.end))
    return rest
