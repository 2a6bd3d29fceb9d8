"""What every packer promises, tried on each registered member."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.packers import Packed, Packer, PackItem
from configs.span import Span

PACKERS = [member.model_validate({"kind": kind}) for kind, member in Packer.members().items()]
CAPPED = [packer.model_copy(update={"max_share_per_document": 0.6}) for packer in PACKERS]
SPREAD = [packer.model_copy(update={"max_share_per_document": 0.6, "min_sources": 2}) for packer in PACKERS]
every_packer = pytest.mark.parametrize("packer", PACKERS, ids=lambda packer: str(packer.kind_of_class()))

TEXTS = [
    "",
    "red blue",
    "red blue green",
    "grey",
    "one two three four five six",
    "一二三四五六七八九十一二三四五六七八九十",
]


def items(scores: Sequence[float] = (0.0, 0.25, 0.5, 0.75, 1.0, -3.0), max_size: int = 12) -> st.SearchStrategy:
    """Draw items of few documents, none twice, with sizes from nothing to more than any budget here."""
    tokens = st.integers(0, 60) | st.just(500)
    drawn = st.tuples(
        st.sampled_from("abc"), st.integers(0, 30), tokens, st.sampled_from(scores), st.sampled_from(TEXTS)
    )
    return st.lists(drawn.map(_item), unique_by=lambda item: (item.document_id, item.span), max_size=max_size)


def _item(drawn: tuple[str, int, int, float, str]) -> PackItem:
    document_id, start, tokens, score, text = drawn
    return PackItem(
        tokens=tokens,
        score=score,
        document_id=document_id,
        version_id=f"{document_id}-1",
        span=Span(start * 10, start * 10 + 10),
        text=text,
    )


budgets = st.integers(0, 300)


def included(some: Sequence[PackItem], decisions: Sequence[Packed]) -> list[PackItem]:
    """Return the items that are sent."""
    return [item for item, decision in zip(some, decisions, strict=True) if decision.is_included]


def total_tokens(some: Sequence[PackItem]) -> int:
    """Return the tokens of all items together."""
    return sum(item.tokens for item in some)


@given(some=items(), budget_tokens=budgets)
def test_the_budget_is_never_exceeded(some: list[PackItem], budget_tokens: int) -> None:
    for packer in [*PACKERS, *CAPPED, *SPREAD]:
        decisions = packer.pack(some, budget_tokens)
        assert len(decisions) == len(some)
        assert total_tokens(included(some, decisions)) <= budget_tokens
        for item, decision in zip(some, decisions, strict=True):
            assert decision.reason == "budget" or item.tokens <= budget_tokens


@given(some=items(), budget_tokens=budgets)
def test_what_is_left_out_needed_more_than_was_left_in_its_turn_and_in_the_end(
    some: list[PackItem], budget_tokens: int
) -> None:
    for packer in [*PACKERS, *CAPPED, *SPREAD]:
        decisions = packer.pack(some, budget_tokens)
        sent = included(some, decisions)
        left_tokens = budget_tokens - total_tokens(sent)
        for item, decision in zip(some, decisions, strict=True):
            if decision.is_included:
                assert decision == Packed(reason="packed")
                continue
            assert decision.needed_tokens == item.tokens
            assert 0 <= decision.left_tokens < item.tokens
            of_document = [other for other in sent if other.document_id == item.document_id]
            under_cap_tokens = packer.max_share_per_document * budget_tokens - total_tokens(of_document)
            assert item.tokens > left_tokens or (item.tokens > under_cap_tokens and packer not in PACKERS)
            assert decision.reason == "budget" or packer not in PACKERS


@given(some=items(), budget_tokens=budgets, data=st.data())
def test_the_order_of_the_items_changes_nothing(some: list[PackItem], budget_tokens: int, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(some))))
    for packer in [*PACKERS, *SPREAD]:
        decisions = packer.pack(some, budget_tokens)
        assert packer.pack([some[number] for number in order], budget_tokens) == [decisions[number] for number in order]


@given(some=items(), extra_tokens=st.integers(0, 50), min_sources=st.integers(0, 3))
def test_where_everything_fits_everything_is_included(
    some: list[PackItem], extra_tokens: int, min_sources: int
) -> None:
    for packer in PACKERS:
        spread = packer.model_copy(update={"min_sources": min_sources})
        assert included(some, spread.pack(some, total_tokens(some) + extra_tokens)) == some


@given(some=items(), budget_tokens=budgets, share=st.sampled_from([0.1, 0.34, 0.6]))
def test_no_document_passes_the_cap(some: list[PackItem], budget_tokens: int, share: float) -> None:
    for packer in PACKERS:
        capped = packer.model_copy(update={"max_share_per_document": share})
        used_tokens: Counter[str] = Counter()
        for item in included(some, capped.pack(some, budget_tokens)):
            used_tokens[item.document_id] += item.tokens
        assert all(tokens <= share * budget_tokens + 1e-9 for tokens in used_tokens.values())


@given(some=items(scores=[0.0, 0.91, 1.0]), min_sources=st.integers(1, 3))
def test_documents_close_to_the_top_are_represented(some: list[PackItem], min_sources: int) -> None:
    """The budget holds any `min_sources` of the items that are close to the top."""
    scores = {item.score for item in some}
    close = [item for item in some if item.score >= min(scores) + 0.9 * (max(scores) - min(scores))]
    budget_tokens = min_sources * max((item.tokens for item in close), default=0)
    documents = {item.document_id for item in close}
    for packer in PACKERS:
        spread = packer.model_copy(update={"min_sources": min_sources})
        decisions = spread.pack(some, budget_tokens)
        if len(documents) < min_sources:
            assert decisions == packer.pack(some, budget_tokens)
        else:
            sent = [item for item in included(some, decisions) if item in close]
            assert len({item.document_id for item in sent}) >= min_sources


@every_packer
def test_a_document_far_from_the_top_is_not_asked_for(packer: Packer) -> None:
    def item(score: float, document_id: str, tokens: int) -> PackItem:
        return PackItem(
            tokens=tokens, score=score, document_id=document_id, version_id="", span=Span(0, 10), text=document_id
        )

    spread = packer.model_copy(update={"min_sources": 2})
    near = [item(1.0, "a", 90), item(0.9, "b", 10), item(0.0, "c", 90), item(0.95, "a", 10)]
    assert {one.document_id for one in included(near, spread.pack(near, 100))} == {"a", "b"}
    far = [item(1.0, "a", 90), item(0.89, "b", 10), item(0.0, "c", 90), item(0.95, "a", 10)]
    assert spread.pack(far, 100) == packer.pack(far, 100)


@every_packer
@given(some=items(max_size=6), budget_tokens=budgets)
def test_the_same_items_give_the_same_decisions(packer: Packer, some: list[PackItem], budget_tokens: int) -> None:
    again = type(packer).model_validate_json(packer.model_dump_json())
    assert again.pack(list(some), budget_tokens) == packer.pack(some, budget_tokens)


@every_packer
def test_nothing_to_pack(packer: Packer) -> None:
    assert packer.model_copy(update={"min_sources": 2}).pack([], 100) == []


@every_packer
def test_a_single_item_that_fits_exactly_is_included(packer: Packer) -> None:
    item = PackItem(tokens=100, score=0.1, document_id="a", version_id="a-1", span=Span(0, 10))
    assert packer.pack([item], 100) == [Packed(reason="packed")]
    assert packer.pack([item], 99) == [Packed(reason="budget", needed_tokens=100, left_tokens=99)]


@every_packer
@pytest.mark.parametrize("settings", [{"min_sources": -1}, {"min_sources": 21}, {"max_share_per_document": 0}])
def test_settings_outside_their_range_are_refused(packer: Packer, settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        type(packer).model_validate({"kind": packer.kind_of_class(), **settings})
