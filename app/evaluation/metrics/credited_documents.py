"""Ranked passages collapsed to documents, with what is found in a copy of a marked span credited to its document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from app.evaluation.metrics.credited_spans import places_of
from app.evaluation.outcome import Gold, RankedText
from app.evaluation.version_span import VersionSpan


def credited_documents(ranked: Iterable[RankedText], gold: Gold) -> list[str]:
    """Return the document of each passage, in order.

    A passage of an unmarked document that holds a copy of a marked span stands for the marked span's document.
    """
    grades = gold.document_grades
    copies = [(copy, label.document_id) for label in gold.labels for copy in places_of(label)[1:]]
    return [
        found.document_id if found.document_id in grades else _document_of_copy(found.place, copies, found.document_id)
        for found in ranked
    ]


def ranked_grades(ranked: Sequence[RankedText], gold: Gold, k: int) -> npt.NDArray[np.int64]:
    """Return the grades, 0 where unmarked, of the first `k` documents: int64, at most k of them.

    A document stands at the rank of its best passage, counted in documents.
    """
    grades = gold.document_grades
    documents = list(dict.fromkeys(credited_documents(ranked, gold)))[:k]
    return np.array([grades.get(document, 0) for document in documents], dtype=np.int64)


def _document_of_copy(place: VersionSpan, copies: Sequence[tuple[VersionSpan, str]], otherwise: str) -> str:
    return next((document_id for copy, document_id in copies if place.overlap(copy)), otherwise)
