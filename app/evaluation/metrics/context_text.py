"""Tokens of places in a context; their text is that of the ranked passages which the context was packed from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from app.evaluation.metrics import Judged
from app.evaluation.version_span import VersionSpan
from configs.span import Span


def count_tokens_at(places: Iterable[VersionSpan], judged: Judged) -> int:
    """Return the tokens of the text at the places, each counted on its own.

    A word through which a border goes counts on both sides. Text outside all ranked passages, such as the white space
    across which neighbours are merged, counts nothing.
    """
    return sum(judged.meter.count(piece, text) for place in places for piece, text in _pieces(place, judged))


def _pieces(place: VersionSpan, judged: Judged) -> Iterator[tuple[VersionSpan, str]]:
    """Yield what the ranked passages hold of the place, each character once, as written."""
    position = place.span.start
    holding = (found for found in judged.outcome.ranked if found.place.overlap(place))
    for found in sorted(holding, key=lambda one: one.place.span):
        first, last = found.place.span.start, found.place.span.end
        start, end = max(position, first), min(place.span.end, last)
        if start < end:
            yield VersionSpan(place.version_id, Span(start, end)), found.text[start - first : end - first]
            position = end
