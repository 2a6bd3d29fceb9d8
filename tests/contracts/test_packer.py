"""What every packer promises, tried on each registered member."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.packers import Packed, Packer, PackItem
from configs.span import Span

PACKERS = [member.model_validate({"kind": kind}) for kind, member in Packer.members().items()]
every_packer = pytest.mark.parametrize("packer", PACKERS, ids=lambda packer: str(packer.kind_of_class()))


@st.composite
def items(draw: st.DrawFn, scores: Sequence[float] = (0.0, 0.25, 0.5, 0.75, 1.0, -3.0)) -> list[PackItem]:
    """Draw items of few documents, none twice, with sizes from nothing to more than any budget here."""
    places = draw(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 30)), unique=True, max_size=12))
    return [
        PackItem(
            tokens=draw(st.integers(0, 60) | st.just(500)),
            score=draw(st.sampled_from(scores)),
            document_id=document_id,
            version_id=f"{document_id}-1",
            span=Span(start * 10, start * 10 + 10),
        )
        for document_id, start in places
    ]


budgets = st.integers(0, 300)


def total_tokens(some: list[PackItem], decisions: list[Packed]) -> int:
    return sum(item.tokens for item, decision in zip(some, decisions, strict=True) if decision.is_included)


@every_packer
@given(some=items(), budget_tokens=budgets)
def test_the_budget_is_never_exceeded(packer: Packer, some: list[PackItem], budget_tokens: int) -> None:
    decisions = packer.pack(some, budget_tokens)
    assert len(decisions) == len(some)
    assert total_tokens(some, decisions) <= budget_tokens


@every_packer
@given(some=items(), budget_tokens=budgets)
def test_what_is_left_out_needed_more_than_was_left(packer: Packer, some: list[PackItem], budget_tokens: int) -> None:
    for item, decision in zip(some, packer.pack(some, budget_tokens), strict=True):
        assert decision.is_included == (decision.reason == "packed")
        if decision.reason in ("budget", "source_cap"):
            assert decision.needed_tokens == item.tokens
            assert 0 <= decision.left_tokens < item.tokens


@every_packer
@given(some=items(scores=[0.5]), budget_tokens=budgets, data=st.data())
def test_the_order_of_equal_scores_changes_nothing(
    packer: Packer, some: list[PackItem], budget_tokens: int, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(some))))
    decisions = packer.pack(some, budget_tokens)
    assert packer.pack([some[number] for number in order], budget_tokens) == [decisions[number] for number in order]


@every_packer
@given(some=items(), extra_tokens=st.integers(0, 50))
def test_where_everything_fits_everything_is_included(packer: Packer, some: list[PackItem], extra_tokens: int) -> None:
    decisions = packer.pack(some, sum(item.tokens for item in some) + extra_tokens)
    assert all(decision.is_included for decision in decisions)


@every_packer
@given(some=items(), budget_tokens=budgets)
def test_what_is_larger_than_the_budget_is_never_included(
    packer: Packer, some: list[PackItem], budget_tokens: int
) -> None:
    for item, decision in zip(some, packer.pack(some, budget_tokens), strict=True):
        if item.tokens > budget_tokens:
            assert decision == Packed(reason="budget", needed_tokens=item.tokens, left_tokens=decision.left_tokens)


@every_packer
@given(some=items(), budget_tokens=budgets)
def test_the_same_items_give_the_same_decisions(packer: Packer, some: list[PackItem], budget_tokens: int) -> None:
    again = type(packer).model_validate_json(packer.model_dump_json())
    assert again.pack(list(some), budget_tokens) == packer.pack(some, budget_tokens)


@every_packer
def test_nothing_to_pack(packer: Packer) -> None:
    assert packer.pack([], 100) == []


@every_packer
def test_a_single_item_that_fits_exactly_is_included(packer: Packer) -> None:
    item = PackItem(tokens=100, score=0.1, document_id="a", version_id="a-1", span=Span(0, 10))
    assert packer.pack([item], 100) == [Packed(reason="packed")]
    assert packer.pack([item], 99) == [Packed(reason="budget", needed_tokens=100, left_tokens=99)]
