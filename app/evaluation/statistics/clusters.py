"""Which questions are not independent: the unit of every resampling."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from app.evaluation.outcome import Gold
from app.evaluation.statistics.score_table import Integers, numbered
from app.evaluation.version_span import VersionSpan

Edge = tuple[int, int]


def cluster_questions(clusters: Sequence[str | None], gold: Sequence[Gold]) -> Integers:
    """Return the cluster number of each question, int64 [Q], counted from 0 by first appearance.

    A question's own cluster name decides. The questions without one are together where their gold overlaps, directly
    or through others: spans (or copies of them) that share a character, labels of the same whole document, a span and
    its whole document. A question without gold is alone. `clusters` and `gold` are of equal length.
    """
    unnamed = [number for number, (cluster, _) in enumerate(zip(clusters, gold, strict=True)) if cluster is None]
    found = _components([gold[number] for number in unnamed])
    names: list[object] = list(clusters)
    for number, component in zip(unnamed, found, strict=True):
        names[number] = component
    return numbered(names)


def _components(gold: Sequence[Gold]) -> list[int]:
    if not gold:
        return []
    edges = [*_overlaps(gold), *_same_documents(gold)]
    rows, columns = [one for one, _ in edges], [other for _, other in edges]
    graph = coo_array(([1] * len(edges), (rows, columns)), shape=(len(gold), len(gold)))
    _, found = connected_components(graph, directed=False)
    return [int(component) for component in found]


def _overlaps(gold: Sequence[Gold]) -> Iterator[Edge]:
    """Yield enough pairs of questions with overlapping spans to connect all that overlap: one sweep per version."""
    places: dict[str, list[tuple[VersionSpan, int]]] = defaultdict(list)
    for number, one in enumerate(gold):
        for label in one.span_labels:
            for place in (label.place, *label.copies):
                if place is not None and len(place):
                    places[place.version_id].append((place, number))
    for found in places.values():
        found.sort()
        reach, holder = found[0]
        for place, number in found[1:]:
            if reach.overlap(place):
                yield holder, number
            if place.span.end > reach.span.end:
                reach, holder = place, number


def _same_documents(gold: Sequence[Gold]) -> Iterator[Edge]:
    """Yield pairs that connect the questions with a label in a document of which somebody marked the whole."""
    whole = {
        label.document_id: number for number, one in enumerate(gold) for label in one.labels if label.place is None
    }
    for number, one in enumerate(gold):
        for label in one.labels:
            if label.document_id in whole:
                yield whole[label.document_id], number
