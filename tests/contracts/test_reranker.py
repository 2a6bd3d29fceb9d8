"""What every reranker promises, tried on each registered member that needs no model of the user's."""

from __future__ import annotations

import pytest
from hypothesis import given

from app.context.rerankers import Reranker
from app.context.search.steps import reordered
from configs.errors import PlaygroundError
from configs.part import fingerprint_of
from tests.app.context.search.found import Drawn, drawn

NEED_A_MODEL = {"cross_encoder": {"model": "/nowhere/at/all"}}
"""Those with a model are held to the same promises in `tests/app/context/rerankers`, where one is made."""
RERANKERS = [
    member.model_validate({"kind": kind}) for kind, member in Reranker.members().items() if kind not in NEED_A_MODEL
]
every_reranker = pytest.mark.parametrize("reranker", RERANKERS, ids=lambda one: str(one.kind_of_class()))


@every_reranker
@given(drawn=drawn())
def test_the_order_is_a_permutation_and_each_hit_has_its_details(reranker: Reranker, drawn: Drawn) -> None:
    new = reranker.rerank(drawn.query.text, drawn.hits, drawn.contents)
    assert sorted(new.order) == list(range(len(drawn.hits)))
    assert len(new.details) == len(drawn.hits)
    assert set(drawn.contents.read) <= set(range(len(drawn.hits)))


@every_reranker
@given(drawn=drawn())
def test_equal_input_gives_an_equal_order(reranker: Reranker, drawn: Drawn) -> None:
    first, second = (reranker.rerank(drawn.query.text, drawn.hits, drawn.contents) for _ in range(2))
    assert list(first.order) == list(second.order)
    assert list(first.details) == list(second.details)


@every_reranker
@given(drawn=drawn(least=1))
def test_scores_keep_falling_with_the_rank_and_every_step_tells_the_place_before(
    reranker: Reranker, drawn: Drawn
) -> None:
    new = reordered(drawn.hits, reranker.rerank(drawn.query.text, drawn.hits, drawn.contents))
    assert [one.rank for one in new] == list(range(1, len(new) + 1))
    assert [one.score for one in new] == [one.score for one in drawn.hits]
    before = {one.ordinal: one for one in drawn.hits}
    for one in new:
        (step,) = one.steps
        assert (step.stage, step.rank, step.score) == ("reranker", before[one.ordinal].rank, before[one.ordinal].score)


@pytest.mark.parametrize("kind", Reranker.members())
def test_no_setting_is_baked(kind: str) -> None:
    reranker = Reranker.members()[kind].model_validate({"kind": kind, **NEED_A_MODEL.get(kind, {})})
    assert reranker.fingerprint == fingerprint_of({"kind": kind, "revision": reranker.revision})


@pytest.mark.parametrize("kind", NEED_A_MODEL)
@given(drawn=drawn(least=2, most=2))
def test_a_model_that_is_not_here_is_refused_with_what_to_do(kind: str, drawn: Drawn) -> None:
    reranker = Reranker.members()[kind].model_validate({"kind": kind, **NEED_A_MODEL[kind]})
    for attempt in (lambda: reranker.rerank("oak", drawn.hits, drawn.contents), reranker.resolved):
        with pytest.raises(PlaygroundError) as refused:
            attempt()
        assert (refused.value.status, refused.value.code) == (422, "model_not_on_this_machine")
        assert refused.value.hint
