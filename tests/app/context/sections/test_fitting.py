"""What is kept of a section that is too long: never more than allowed, nothing lost unsaid, in order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.sections.fitting import Fitted, cut_text, fit_items
from app.context.sections.settings import Overflow
from configs.errors import InvalidInputError

CUTTING: tuple[Overflow, ...] = ("drop_oldest", "drop_lowest", "truncate_tail", "truncate_head")

texts = st.lists(st.text(alphabet="ab \n", max_size=12), max_size=8)
allowances = st.integers(0, 20)


def words(text: str) -> int:
    return len(text.split())


def head(text: str, allowed_tokens: int) -> str | None:
    return cut_text(text, allowed_tokens, words, "head") or None


def tail(text: str, allowed_tokens: int) -> str | None:
    return cut_text(text, allowed_tokens, words, "tail") or None


@pytest.mark.parametrize("overflow", CUTTING)
@pytest.mark.parametrize("cut", [None, head, tail])
@given(items=texts, allowed_tokens=allowances)
def test_what_is_kept_fits_and_nothing_else_is_lost(
    overflow: Overflow, cut: object, items: list[str], allowed_tokens: int
) -> None:
    fitted = fit_items(items, words, allowed_tokens, overflow, score=len, cut=cut)  # type: ignore[arg-type]  # a literal, drawn as text
    assert sum(map(words, fitted.kept)) <= allowed_tokens
    if sum(map(words, items)) <= allowed_tokens:
        assert fitted == Fitted(kept=tuple(items), dropped=())
    assert len(fitted.kept) + len(fitted.dropped) == len(items)
    if fitted.cut is None:
        assert sorted([*fitted.kept, *fitted.dropped]) == sorted(items)
    rest = iter(items)
    assert all(any(one in whole for whole in rest) for one in fitted.kept)


TURNS = ["one", "two two", "three three three", "four four four four"]


@pytest.mark.parametrize(
    ("overflow", "allowed_tokens", "kept", "cut"),
    [
        ("drop_oldest", 7, TURNS[2:], None),
        ("drop_oldest", 8, TURNS[2:], None),
        ("drop_oldest", 9, TURNS[1:], None),
        ("drop_oldest", 2, ["four four"], 3),
        ("drop_oldest", 0, [], None),
        ("truncate_tail", 5, ["one", "two two", "three three"], 2),
        ("truncate_tail", 6, TURNS[:3], None),
        ("truncate_head", 5, ["three", TURNS[3]], 2),
        ("drop_lowest", 5, [TURNS[0], TURNS[3]], None),
        ("drop_lowest", 3, [TURNS[2]], None),
    ],
)
def test_each_rule_by_hand(overflow: Overflow, allowed_tokens: int, kept: list[str], cut: int | None) -> None:
    side = tail if overflow == "truncate_head" else head
    fitted = fit_items(TURNS, words, allowed_tokens, overflow, score=words, cut=side)
    assert (list(fitted.kept), fitted.cut) == (kept, cut)
    gone = [turn for number, turn in enumerate(TURNS) if turn not in kept and number != cut]
    assert list(fitted.dropped) == gone


def test_equal_scores_keep_the_earlier_one() -> None:
    assert fit_items(["a", "b", "c"], words, 2, "drop_lowest").kept == ("a", "b")


def test_what_must_fit_is_refused_with_the_numbers() -> None:
    with pytest.raises(InvalidInputError, match="4 items need 10 tokens, but 9 are available") as caught:
        fit_items(TURNS, words, 9, "fail")
    assert caught.value.code == "sections_do_not_fit"
    assert fit_items(TURNS, words, 10, "fail").kept == tuple(TURNS)


@given(text=st.text(alphabet="abc \n\t", max_size=40), allowed_tokens=st.integers(0, 12))
def test_a_cut_text_is_the_longest_of_whole_words_that_fits(text: str, allowed_tokens: int) -> None:
    beginning, end = cut_text(text, allowed_tokens, words, "head"), cut_text(text, allowed_tokens, words, "tail")
    assert text.startswith(beginning)
    assert text.endswith(end)
    assert beginning.split() == text.split()[:allowed_tokens]
    assert end.split() == text.split()[max(0, len(text.split()) - allowed_tokens) :]


def test_a_cut_text_never_exceeds_though_a_longer_text_may_count_less() -> None:
    def odd(text: str) -> int:
        return 1 if text.endswith("merged") else words(text)

    text = "a b c merged d e"
    for allowed_tokens in range(7):
        assert odd(cut_text(text, allowed_tokens, odd, "head")) <= allowed_tokens
