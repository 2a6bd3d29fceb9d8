"""Passages stand for their documents, copies for the document of the marked span; each document has one rank."""

from __future__ import annotations

from app.evaluation.metrics.credited_documents import credited_documents, ranked_grades
from app.evaluation.outcome import Gold
from tests.app.evaluation.metrics.answers import marked, passage, whole
from tests.app.evaluation.spans import place

RANKED = [
    passage(place(0, 9, "w")),
    passage(place(0, 9)),
    passage(place(9, 18, "w")),
    passage(place(18, 27)),
    passage(place(0, 9, "x")),
]


def test_a_document_stands_at_its_first_passage() -> None:
    gold = Gold(labels=(whole("v", grade=2), whole("x", grade=3)))
    assert ranked_grades(RANKED, gold, 10).tolist() == [0, 2, 3]


def test_k_counts_documents() -> None:
    gold = Gold(labels=(whole("v", grade=2), whole("x", grade=3)))
    assert ranked_grades(RANKED, gold, 2).tolist() == [0, 2]
    assert ranked_grades([], gold, 2).tolist() == []


def test_a_document_has_the_best_grade_of_its_labels() -> None:
    gold = Gold(labels=(marked(0, 5, grade=1), marked(20, 25, grade=3), whole("v", grade=2)))
    assert ranked_grades(RANKED, gold, 10).tolist() == [0, 3, 0]


def test_a_passage_with_a_copy_stands_for_the_document_of_the_marked_span() -> None:
    gold = Gold(labels=(marked(0, 5, copies=[place(10, 15, "w")]),))
    assert credited_documents(RANKED, gold) == ["document-w", *["document-v"] * 3, "document-x"]
    assert ranked_grades(RANKED[2:], gold, 10).tolist() == [1, 0]


def test_a_passage_that_touches_a_copy_stands_for_its_own_document() -> None:
    gold = Gold(labels=(marked(0, 5, copies=[place(9, 14, "x")]),))
    assert credited_documents(RANKED[4:], gold) == ["document-x"]


def test_a_marked_document_stands_for_itself_whatever_copies_it_holds() -> None:
    gold = Gold(labels=(marked(0, 5, copies=[place(0, 5, "w")]), whole("w", grade=3)))
    assert credited_documents(RANKED[:1], gold) == ["document-w"]
