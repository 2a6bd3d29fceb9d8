"""What was marked for a question as metrics see it, and copies of the marked text that count as well."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from sqlalchemy.orm import Session

from app.evaluation.labelled_documents import excerpts, texts_of
from app.evaluation.outcome import Gold, Label
from app.evaluation.questions import Question
from app.evaluation.version_span import VersionSpan
from configs.span import Span

SHORTEST_COPY = 20
"""Shorter texts recur by chance: what stands there need not say the same."""
MOST_COPIES = 20
WINDOWS_PER_BLOCK = 1_000_000
_POWERS = np.uint64(0x9E3779B97F4A7C15) ** np.arange(SHORTEST_COPY, dtype=np.uint64)
"""An odd factor: its powers modulo 2^64 hash a window as a polynomial in its code points."""

Copies = Mapping[VersionSpan, tuple[VersionSpan, ...]]


def gold_of(question: Question, copies: Copies | None = None) -> Gold:
    """Return the labels of a question; `copies` by marked place, as `copies_of` gives them."""
    labels = tuple(
        Label(
            document_id=evidence.document_id,
            place=evidence.place,
            grade=evidence.grade,
            copies=(copies or {}).get(evidence.place, ()) if evidence.place is not None else (),
        )
        for evidence in question.evidence
    )
    return Gold(labels=labels, is_unanswerable=question.unanswerable)


def pinned_gold(session: Session, questions: Sequence[Question], pins: Mapping[str, str]) -> list[Gold]:
    """Return the gold of each question, with copies of its marked texts in the pinned versions (version by document).

    Labels of versions that are not pinned get no copies.
    """
    versions = set(pins.values())
    places = {place for question in questions for place in question.places if place.version_id in versions}
    copies = copies_of(session, places, versions)
    return [gold_of(question, copies) for question in questions]


def copies_of(
    session: Session, places: Collection[VersionSpan], version_ids: Collection[str]
) -> dict[VersionSpan, tuple[VersionSpan, ...]]:
    """Return for each place the other places in the versions, its own included, where exactly the same text stands.

    They overlap neither the place nor each other, come by version id and position, and are MOST_COPIES at most. Texts
    under SHORTEST_COPY characters have none. Each version's text is read once, however many places there are.
    """
    quotes = {place: text for place, text in excerpts(session, places).items() if len(text) >= SHORTEST_COPY}
    by_hash: dict[int, list[VersionSpan]] = {}
    for place, text in quotes.items():
        by_hash.setdefault(int(_window_hashes(text[:SHORTEST_COPY])[0]), []).append(place)
    hashes = np.array(sorted(by_hash), dtype=np.uint64)
    copies: dict[VersionSpan, list[VersionSpan]] = {place: [] for place in quotes}
    for version_id, text in texts_of(session, version_ids if quotes else ()):
        for start, hashed in _candidates(text, hashes):
            for place in by_hash[hashed]:
                found = VersionSpan(version_id, Span(start, start + len(place)))
                if text.startswith(quotes[place], start) and _is_another(found, place, copies[place]):
                    copies[place].append(found)
    return {place: tuple(found) for place, found in copies.items() if found}


def _is_another(found: VersionSpan, place: VersionSpan, copies: Sequence[VersionSpan]) -> bool:
    if len(copies) == MOST_COPIES or found.overlap(place):
        return False
    return not copies or not found.overlap(copies[-1])


def _candidates(text: str, hashes: npt.NDArray[np.uint64]) -> Iterator[tuple[int, int]]:
    """Yield where a window of the text has one of the sorted hashes, with that hash."""
    for first in range(0, len(text) - SHORTEST_COPY + 1, WINDOWS_PER_BLOCK):
        windows = _window_hashes(text[first : first + WINDOWS_PER_BLOCK + SHORTEST_COPY - 1])
        nearest = np.searchsorted(hashes, windows).clip(max=len(hashes) - 1)
        for offset in np.flatnonzero(hashes[nearest] == windows):
            yield first + int(offset), int(windows[offset])


def _window_hashes(text: str) -> npt.NDArray[np.uint64]:
    """Return one hash for each window of SHORTEST_COPY code points of a text that has at least as many."""
    codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    hashed = np.zeros(len(codes) - SHORTEST_COPY + 1, dtype=np.uint64)
    for position, power in enumerate(_POWERS):
        hashed += codes[position : position + len(hashed)] * power
    return hashed
