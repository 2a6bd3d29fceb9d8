"""What became of marked answers on their way into a context: found, packed, cut in two, or lost, and where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from app.evaluation.outcome import Gold, Label
from app.evaluation.span_metrics import shared_characters
from app.evaluation.version_span import VersionSpan
from configs.span import Span

Fate = Literal["sent", "found_not_packed", "cut_in_two", "not_found"]
FATES: tuple[Fate, ...] = ("sent", "found_not_packed", "cut_in_two", "not_found")
HALF = 0.5
"""An answer counts as covered by which at least half of it is there (statistics, rule 2)."""


def fates_of(gold: Gold, ranked: Sequence[Sequence[object]], sent: Sequence[Sequence[object]]) -> Counter[Fate]:
    """Return how many labels had which fate; `ranked` and `sent` as cells keep them.

    `cut_in_two`: less than half was found, and not nothing, so a border of chunks runs through the answer.
    """
    found = [_place(hit[1], hit[2], hit[3]) for hit in ranked]
    found_documents = {str(hit[0]) for hit in ranked}
    packed = [_place(span[0], span[1], span[2]) for span in sent]
    return Counter(_fate(label, found, found_documents, packed) for label in gold.labels)


def _fate(label: Label, found: list[VersionSpan], found_documents: set[str], packed: list[VersionSpan]) -> Fate:
    if label.place is None:
        return "sent" if label.document_id in found_documents else "not_found"
    if _covered(label, packed) >= HALF:
        return "sent"
    share = _covered(label, found)
    return "found_not_packed" if share >= HALF else "cut_in_two" if share > 0 else "not_found"


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
