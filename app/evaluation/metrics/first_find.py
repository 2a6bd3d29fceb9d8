"""The rank of the passage with which the first marked answer is found."""

from __future__ import annotations

from app.evaluation.metrics import Judged
from app.evaluation.metrics.credited_documents import credited_documents
from app.evaluation.metrics.credited_spans import is_half_covered, places_of
from app.evaluation.outcome import Label
from app.evaluation.version_span import VersionSpan


def rank_of_first_find(judged: Judged, k: int) -> int | None:
    """Return the first rank, from 1, by which any label is found; None where none is within `k` passages.

    A span is found once the passages so far hold at least half of it together, a whole document with its first passage.
    """
    places = judged.places(k)
    documents = credited_documents(judged.outcome.ranked[:k], judged.gold)
    ranks = [
        _rank_by_half(label, places) if label.place is not None else _rank_of_document(label, documents)
        for label in judged.gold.labels
    ]
    return min((rank for rank in ranks if rank is not None), default=None)


def _rank_by_half(label: Label, found: list[VersionSpan]) -> int | None:
    held: list[VersionSpan] = []
    for rank, place in enumerate(found, start=1):
        if any(place.overlap(source) for source in places_of(label)):
            held.append(place)
            if is_half_covered(label, held):
                return rank
    return None


def _rank_of_document(label: Label, documents: list[str]) -> int | None:
    return documents.index(label.document_id) + 1 if label.document_id in documents else None
