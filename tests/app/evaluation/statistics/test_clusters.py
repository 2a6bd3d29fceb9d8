"""Clusters of questions: by name, by overlapping gold, against a brute-force oracle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.outcome import Gold, Label
from app.evaluation.statistics.clusters import cluster_questions
from app.evaluation.version_span import VersionSpan
from configs.span import Span


def place(start: int, end: int, document: str = "d") -> VersionSpan:
    return VersionSpan(f"version of {document}", Span(start, end))


def marked(*spans: tuple[int, int], document: str = "d", copies: tuple[VersionSpan, ...] = ()) -> Gold:
    return Gold(
        labels=tuple(Label(document_id=document, place=place(*span, document), copies=copies) for span in spans)
    )


def whole(document: str) -> Gold:
    return Gold(labels=(Label(document_id=document, place=None),))


NOTHING = Gold(labels=())


@pytest.mark.parametrize(
    ("gold", "expected"),
    [
        ([marked((0, 10)), marked((9, 20))], [0, 0]),
        ([marked((0, 10)), marked((10, 20))], [0, 1]),
        ([marked((0, 10)), marked((5, 6), document="e")], [0, 1]),
        ([marked((0, 5)), marked((20, 30)), marked((4, 6), (25, 26))], [0, 0, 0]),
        ([marked((0, 100)), marked((10, 20)), marked((90, 95))], [0, 0, 0]),
        ([marked((0, 5)), marked((50, 60), copies=(place(3, 8),))], [0, 0]),
        ([whole("d"), whole("e"), whole("d")], [0, 1, 0]),
        ([marked((0, 5)), whole("d"), marked((50, 60))], [0, 0, 0]),
        ([NOTHING, NOTHING, Gold(labels=(), is_unanswerable=True)], [0, 1, 2]),
        ([], []),
    ],
)
def test_overlapping_gold_makes_a_cluster(gold: list[Gold], expected: list[int]) -> None:
    assert cluster_questions([None] * len(gold), gold).tolist() == expected


def test_a_named_cluster_decides_over_the_gold() -> None:
    gold = [marked((0, 10)), marked((0, 10)), NOTHING, marked((0, 10)), marked((5, 7))]
    assert cluster_questions(["one", "two", "one", None, None], gold).tolist() == [0, 1, 0, 2, 2]


def test_a_name_that_looks_like_a_number_is_no_component() -> None:
    assert cluster_questions([None, "0"], [NOTHING, NOTHING]).tolist() == [0, 1]


def test_one_gold_for_each_question() -> None:
    with pytest.raises(ValueError, match="shorter"):
        cluster_questions([None, None], [NOTHING])


SPANS = st.tuples(st.integers(0, 40), st.integers(1, 8)).map(lambda pair: (pair[0], pair[0] + pair[1]))
LABELS = st.builds(
    lambda document, span: Label(
        document_id=document, place=None if span is None else place(span[0], span[1], document)
    ),
    st.sampled_from(["d", "e", "f"]),
    st.none() | SPANS | SPANS | SPANS,
)
GOLDS = st.lists(st.lists(LABELS, max_size=2).map(lambda labels: Gold(labels=tuple(labels))), max_size=12)


def touches(one: Label, other: Label) -> bool:
    if one.place is None or other.place is None:
        return one.document_id == other.document_id
    return one.place.overlap(other.place) > 0


@given(GOLDS)
def test_clusters_are_the_connected_components(gold: list[Gold]) -> None:
    names = list(range(len(gold)))
    for _ in gold:
        for one, first in enumerate(gold):
            for other, second in enumerate(gold):
                if any(touches(label, rival) for label in first.labels for rival in second.labels):
                    names[one] = names[other] = min(names[one], names[other])
    found = cluster_questions([None] * len(gold), gold).tolist()
    assert [found.index(cluster) for cluster in found] == [names.index(name) for name in names]
    assert set(found) == set(range(len(set(found))))
