"""Token counts equal the tokenizer's, or are estimates that say so."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from app.context.tokens import TokenCounter
from configs.errors import InvalidInputError
from ingest.tokenizers import DEFAULT_TOKENIZER, count_tokens, tokenizer
from tests.app.context.library import FRAGMENTS, texts

SHIPPED = TokenCounter(DEFAULT_TOKENIZER)
ESTIMATE = TokenCounter("gpt-5")


def encoded(text: str) -> int:
    return len(tokenizer(DEFAULT_TOKENIZER).encode(text, add_special_tokens=False).ids)


@given(text=texts | st.text())
@example(text="")
@example(text="a\x1cb c\x0bd\x85e")
@example(text="end [MASK] of[SEP]x [CLS]\n[UNK]")
@example(text="\u0301a \u0301\n\u0301")
def test_the_shipped_count_is_the_tokenizers_own(text: str) -> None:
    assert SHIPPED.count(text) == encoded(text)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 40_000,
        "word " * 3_300 + "x" * 60_000 + " word" * 3_300,
        "word " * 20_000,
        "word\n" * 6_000 + "x" * 16_383 + " end",
        "word\t" * 20_000,
        "x" * 32_768,
        "so " + "x" * 16_384 + "\n" + "y" * 16_384 + " on",
    ],
    ids=["one word", "a long word inside", "short words", "below half a window", "tabs", "one window", "half windows"],
)
def test_long_texts_are_counted_as_everywhere_else(text: str) -> None:
    assert SHIPPED.count(text) == count_tokens(text)


@given(one=texts, other=texts, separator=st.sampled_from(["\n", " ", "\n\n", "\t"]))
def test_counts_add_up_across_white_space(one: str, other: str, separator: str) -> None:
    assert SHIPPED.count(one + separator + other) == SHIPPED.count(one) + SHIPPED.count(other)


@given(text=texts | st.text())
def test_an_estimate_is_the_larger_of_word_pieces_and_a_third_of_the_bytes(text: str) -> None:
    assert ESTIMATE.count(text) == max(encoded(text), math.ceil(len(text.encode()) / 3))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a" * 900, 300),  # one unknown word, 900 bytes
        ("退款", 2),  # six bytes
        ("! ! ! !", 4),  # seven bytes, but four word pieces
        ("", 0),
        ("🙂", 2),  # four bytes, rounded up
    ],
)
def test_estimates_by_hand(text: str, expected: int) -> None:
    assert ESTIMATE.count(text) == expected


def test_a_counter_says_by_which_tokenizer_it_counts() -> None:
    assert (SHIPPED.tokenizer, SHIPPED.is_exact) == (DEFAULT_TOKENIZER, True)
    assert (ESTIMATE.tokenizer, ESTIMATE.is_exact) == (DEFAULT_TOKENIZER, False)


@pytest.mark.parametrize("model", [" ", "no/such/folder", "字" * 200, "../.."])
def test_a_name_without_a_tokenizer_is_estimated(model: str) -> None:
    assert not TokenCounter(model).is_exact


def test_a_folder_with_a_tokenizer_counts_exactly(tmp_path: Path) -> None:
    small = Tokenizer(WordLevel({"[UNK]": 0, "yes": 1}, unk_token="[UNK]"))
    small.pre_tokenizer = Whitespace()
    small.save(str(tmp_path / "tokenizer.json"))
    counter = TokenCounter(str(tmp_path))
    assert counter.is_exact
    assert counter.tokenizer == str(tmp_path)
    assert counter.count("incontrovertible yes") == 2
    assert counter.count_all(["yes yes", "no"]) == [2, 1]
    assert counter.count_measured("yes yes", 7) == 2
    assert SHIPPED.count("incontrovertible yes") == encoded("incontrovertible yes") > 2


def test_a_broken_tokenizer_is_an_error_and_no_estimate(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{", encoding="utf-8")
    with pytest.raises(InvalidInputError) as caught:
        TokenCounter(str(tmp_path))
    assert caught.value.code == "broken_tokenizer"


@given(some=st.lists(texts, max_size=5))
@pytest.mark.parametrize("counter", [SHIPPED, ESTIMATE], ids=["exact", "estimate"])
def test_passages_are_counted_like_any_text(counter: TokenCounter, some: list[str]) -> None:
    counts = [counter.count(text) for text in some]
    assert counter.count_all(some) == counts
    assert [counter.count_measured(text, SHIPPED.count(text)) for text in some] == counts


@given(parts=st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=20))
@pytest.mark.parametrize("counter", [SHIPPED, ESTIMATE], ids=["exact", "estimate"])
def test_the_deciding_measure_gives_the_count(counter: TokenCounter, parts: list[str]) -> None:
    whole = "\n".join(parts)
    measure = counter.measure_of(whole)
    assert measure(whole) == counter.count(whole)
    rounding = len(parts)
    assert sum(map(measure, parts)) <= measure(whole) + rounding


def test_an_exact_counter_never_measures_by_bytes() -> None:
    assert SHIPPED.measure_of("a" * 900)("a" * 900) == 1
