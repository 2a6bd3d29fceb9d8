"""What every query expansion promises, tried on each registered member."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from app.context.query_expansions import QueryExpansion
from configs.part import JsonObject, fingerprint_of
from indexes.stores import Query
from tests.app.context.search.found import HYBRID, Contents, Drawn, drawn, unit

EXPANSIONS = [member.model_validate({"kind": kind}) for kind, member in QueryExpansion.members().items()]
every_expansion = pytest.mark.parametrize("expansion", EXPANSIONS, ids=lambda one: str(one.kind_of_class()))
SIGNALS = [["dense"], ["lexical"], ["dense", "lexical"], ["lexical", "lexical"], ["dense", "dense"]]
OFF: dict[str, JsonObject] = {
    "rocchio": {"feedback_weight": 0.0, "least_lead": 0.0},
    "rm3": {"original_weight": 1.0, "least_lead": 0.0},
}

CANDIDATES = 100


@every_expansion
@given(drawn=drawn())
def test_questions_keep_their_words_and_vectors_their_length(expansion: QueryExpansion, drawn: Drawn) -> None:
    expanded = expansion.expand(drawn.first())
    assert expanded.queries
    for name, query in expanded.queries.items():
        assert name in ("original", "keywords", "feedback")
        assert query.text == drawn.query.text or name == "keywords"
        assert query.vector is not None
        assert np.linalg.norm(query.vector) == pytest.approx(1.0, abs=1e-5)
        if query.term_weights is not None:
            weights = [weight for _, weight in query.term_weights]
            assert sum(weights) == pytest.approx(1.0)
            assert min(weights) >= 0


@every_expansion
@given(drawn=drawn())
def test_only_the_first_passages_are_read(expansion: QueryExpansion, drawn: Drawn) -> None:
    passages = getattr(expansion, "passages", 0)
    expansion.expand(drawn.first())
    assert set(drawn.contents.read) <= set(range(passages))


@every_expansion
@given(drawn=drawn())
def test_equal_input_gives_equal_questions(expansion: QueryExpansion, drawn: Drawn) -> None:
    first, second = (expansion.expand(drawn.first()) for _ in range(2))
    assert list(first.queries) == list(second.queries)
    assert list(first.terms) == list(second.terms)
    for one, other in zip(first.queries.values(), second.queries.values(), strict=True):
        assert one.term_weights == other.term_weights
        np.testing.assert_array_equal(one.vector, other.vector)


@every_expansion
@given(drawn=drawn())
def test_what_was_added_came_from_the_passages_and_is_counted(expansion: QueryExpansion, drawn: Drawn) -> None:
    expanded = expansion.expand(drawn.first())
    words = {word for text in drawn.contents.said for word in text.split()}
    assert {term for term, _ in expanded.terms} <= words
    assert expanded.details.get("terms", 0) == len(expanded.terms)


@every_expansion
def test_nothing_found_leaves_the_question_alone(expansion: QueryExpansion) -> None:
    first = drawn_nothing().first()
    expanded = expansion.expand(first)
    assert list(expanded.queries.values()) == [first.query]


@pytest.mark.parametrize("kind", OFF)
@given(drawn=drawn(least=1))
def test_a_weight_of_nothing_is_the_very_question(kind: str, drawn: Drawn) -> None:
    expansion = QueryExpansion.members()[kind].model_validate({"kind": kind, **OFF[kind]})
    (query,) = expansion.expand(drawn.first()).queries.values()
    assert query is drawn.query


@every_expansion
@pytest.mark.parametrize("signals", SIGNALS, ids="-".join)
def test_what_the_stores_cannot_use_is_refused(expansion: QueryExpansion, signals: list[str]) -> None:
    wanted = {"rocchio": "dense" in signals, "rm3": signals.count("lexical") == 1}
    is_fit = wanted.get(expansion.kind_of_class(), signals.count("lexical") <= 1)
    if is_fit:
        expansion.check_setup(signals, CANDIDATES)
    else:
        with pytest.raises(ValueError, match="store"):
            expansion.check_setup(signals, CANDIDATES)


@every_expansion
def test_a_lead_that_nothing_can_have_is_refused(expansion: QueryExpansion) -> None:
    """The first passages cannot lead all candidates where they are all candidates."""
    passages: int = getattr(expansion, "passages", 0)
    if getattr(expansion, "least_lead", None) is None:
        assert expansion.kind_of_class() == "multi_query"  # waits for no lead
        return
    expansion.check_setup(["dense", "lexical"], passages + 1)
    with pytest.raises(ValueError, match="never act"):
        expansion.check_setup(["dense", "lexical"], passages)
    expansion.model_copy(update={"least_lead": 0}).check_setup(["dense", "lexical"], passages)


@every_expansion
def test_no_setting_is_baked(expansion: QueryExpansion) -> None:
    assert expansion.fingerprint == fingerprint_of({"kind": expansion.kind_of_class(), "revision": expansion.revision})


@every_expansion
@pytest.mark.parametrize("signal", ["dense", "lexical"])
@given(drawn=drawn(least=1))
def test_one_kind_of_store_is_enough_where_it_is_not_refused(
    expansion: QueryExpansion, signal: str, drawn: Drawn
) -> None:
    try:
        expansion.check_setup([signal], CANDIDATES)
    except ValueError:
        return
    stores = [store for store in HYBRID if store.signal == signal]
    query = drawn.query if signal == "dense" else Query(text=drawn.query.text)
    first = replace(drawn, query=query).first(stores)
    for one in expansion.expand(replace(first, encode=lambda _: query.vector)).queries.values():
        assert (one.vector is None) == (signal == "lexical")


def drawn_nothing() -> Drawn:
    """Return a question that found nothing."""
    contents = Contents([], np.zeros((0, 3), dtype=np.float32))
    return Drawn(hits=[], contents=contents, query=Query(text="oak", vector=unit([[1, 0, 0]])[0]))
