"""What became of marked answers on their way into a context: found, packed, cut in two, capped, or lost, and where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Literal, Self

from app.evaluation.outcome import Gold, Label
from app.evaluation.span_metrics import shared_characters
from app.evaluation.version_span import VersionSpan
from configs.span import Span

Row = Sequence[object]
Fate = Literal["sent", "found_not_packed", "cut_in_two", "capped_by_source", "not_found"]
FATES: tuple[Fate, ...] = ("sent", "found_not_packed", "cut_in_two", "capped_by_source", "not_found")
HALF = 0.5
"""An answer counts as covered by which at least half of it is there (statistics, rule 2)."""


def fates_of(gold: Gold, ranked: Sequence[Row], sent: Sequence[Row], capped: Sequence[Row] = ()) -> Counter[Fate]:
    """Return how many labels had which fate; `ranked`, `sent` and `capped` as cells keep them.

    `cut_in_two`: less than half was found, and not nothing, so a border of chunks runs through the answer.
    `capped_by_source`: too little of it is left since a cap dropped hits, and with them at least half would be there.
    """
    found, uncapped = _Found.of(ranked), _Found.of([*ranked, *capped])
    packed = [_place(span[0], span[1], span[2]) for span in sent]
    return Counter(_fate(label, found, uncapped, packed) for label in gold.labels)


@dataclass(frozen=True, slots=True)
class _Found:
    """Where hits stand, and in which documents."""

    places: Sequence[VersionSpan]
    documents: Set[str]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Self:
        places = [_place(hit[1], hit[2], hit[3]) for hit in rows]
        return cls(places, {str(hit[0]) for hit in rows})


def _fate(label: Label, found: _Found, uncapped: _Found, packed: Sequence[VersionSpan]) -> Fate:
    if label.place is None:
        if label.document_id in found.documents:
            return "sent"
        return "capped_by_source" if label.document_id in uncapped.documents else "not_found"
    if _covered(label, packed) >= HALF:
        return "sent"
    share = _covered(label, found.places)
    if share >= HALF:
        return "found_not_packed"
    if _covered(label, uncapped.places) >= HALF:
        return "capped_by_source"
    return "cut_in_two" if share > 0 else "not_found"


def _covered(label: Label, spans: Sequence[VersionSpan]) -> float:
    places = [place for place in (label.place, *label.copies) if place is not None]
    return max(shared_characters([place], spans) / len(place) for place in places)


def _place(version_id: object, start: object, end: object) -> VersionSpan:
    return VersionSpan(str(version_id), Span(int(str(start)), int(str(end))))


def total(counters: Iterable[Counter[Fate]]) -> dict[str, int]:
    """Return the sum by fate, zeros included."""
    summed: Counter[Fate] = Counter()
    for one in counters:
        summed.update(one)
    return {fate: summed[fate] for fate in FATES}
