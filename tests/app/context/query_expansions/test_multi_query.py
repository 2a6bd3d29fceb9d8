"""Wordings without a model: what the keywords of a question are, and which wordings are left out."""

from __future__ import annotations

import pytest
from hypothesis import given

from app.context.query_expansions.multi_query import MultiQuery, keywords_of
from indexes.stores import Query
from tests.app.context.search.found import Contents, Drawn, drawn, ranked, unit

MULTI = MultiQuery(kind="multi_query")


@pytest.mark.parametrize(
    ("question", "keywords"),
    [
        ("How do I reset the password of my account?", ["reset", "password", "account"]),
        ("What is the limit in section 4.2?", ["limit", "section", "4.2"]),
        ("error E-1042/b", ["error", "E-1042/b"]),
        ("Wie lange dauert eine Rückgabe?", ["Wie", "lange", "dauert", "eine", "Rückgabe"]),
        ("what is it", []),
        ("?!", []),
        ("", []),
    ],
)
def test_keywords_by_hand(question: str, keywords: list[str]) -> None:
    assert keywords_of(question) == keywords


@pytest.mark.parametrize(
    ("question", "wordings"),
    [
        ("what is the oak", ["original", "keywords", "feedback"]),
        ("Oak, elm!", ["original", "feedback"]),
        ("what is it", ["original", "feedback"]),
    ],
)
def test_a_wording_that_says_the_same_is_left_out(question: str, wordings: list[str]) -> None:
    contents = Contents(["oak elm"], unit([[0, 1, 0]]))
    base = Drawn(hits=ranked([1.0]), contents=contents, query=Query(text=question, vector=unit([[1, 0, 0]])[0]))
    expanded = MULTI.expand(base.first())
    assert list(expanded.queries) == wordings
    assert expanded.details["wordings"] == len(wordings)
    assert expanded.queries["original"] is base.query
    off = MULTI.model_copy(update={"feedback_weight": 0.0}).expand(base.first())
    assert list(off.queries) == wordings[:-1]


@given(drawn=drawn(least=1))
def test_the_feedback_wording_has_words_and_vector_of_the_passages(drawn: Drawn) -> None:
    query = MULTI.expand(drawn.first()).queries.get("feedback")
    if query is not None:
        has_words = query.term_weights is not None
        assert has_words or query.vector is not drawn.query.vector
        assert has_words == any(
            text and hit.score > 0 for text, hit in zip(drawn.contents.said, drawn.hits[:5], strict=False)
        )
