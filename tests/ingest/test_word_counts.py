"""Counts by words equal the tokenizer's, and what is remembered is bounded."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest import word_counts
from ingest.tokenizers import DEFAULT_TOKENIZER, tokenizer
from ingest.word_counts import WordCounts
from tests.app.context.library import texts


def encoded(text: str) -> int:
    return len(tokenizer(DEFAULT_TOKENIZER).encode(text, add_special_tokens=False).ids)


PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=120)


@given(words=st.lists(PRINTABLE | st.text(max_size=12), max_size=8))
@example(words=["[MASK]", "x[SEP]y", "a]b", "don't", "U.S.", "3.5%", "a" * 101, "a" * 100 + "!", "e-mail@x.org", "_x_"])
def test_words_are_counted_as_the_tokenizer_does(words: list[str]) -> None:
    words = [part for word in words for part in word.split()]
    assert word_counts.count_words(words) == [encoded(word) for word in words]


@given(some=st.lists(texts | st.text(), max_size=6))
def test_texts_are_counted_together_as_one_by_one(some: list[str]) -> None:
    counts = [encoded(text) for text in some]
    assert WordCounts().count_all(some) == counts
    assert [WordCounts().count(text) for text in some] == counts


@pytest.mark.parametrize("words", [1, word_counts.FEW_WORDS, word_counts.FEW_WORDS + 1, 300])
def test_few_words_and_many_are_counted_alike(words: int) -> None:
    made = [f"incontrovertible-{number}" for number in range(words)]
    assert word_counts.count_words(made) == [encoded(word) for word in made]


def test_words_are_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded_words: list[str] = []

    def count_words(words: list[str]) -> list[int]:
        encoded_words.extend(words)
        return [len(word) for word in words]

    monkeypatch.setattr(word_counts, "count_words", count_words)
    counts = WordCounts()
    assert counts.count("to be or not to be") == 13
    assert sorted(encoded_words) == ["be", "not", "or", "to"]
    assert counts.count("not\tto be\r\n  to seem") == 3 + 2 + 2 + 2 + 4
    assert sorted(encoded_words) == ["be", "not", "or", "seem", "to"]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded_words: list[str] = []

    def count_words(words: list[str]) -> list[int]:
        encoded_words.extend(words)
        return [1] * len(words)

    monkeypatch.setattr(word_counts, "count_words", count_words)
    monkeypatch.setattr(word_counts, "REMEMBERED_WORDS", 3)
    counts = WordCounts()
    assert counts.count("a b") == 2
    assert counts.count("a c d") == 3  # no room for two more: the old ones go
    assert counts.count("c d") == 2
    assert sorted(encoded_words) == ["a", "b", "c", "d"]
    assert counts.count("a") == 1
    assert encoded_words.count("a") == 2


def test_what_another_thread_forgets_meanwhile_is_counted_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = WordCounts()

    def count_words(words: list[str]) -> list[int]:
        if "gamma" in words:
            counts.count("many words of others")
        return [1] * len(words)

    monkeypatch.setattr(word_counts, "count_words", count_words)
    monkeypatch.setattr(word_counts, "REMEMBERED_WORDS", 4)
    assert counts.count("alpha") == 1
    assert counts.count("alpha gamma") == 2
    assert counts.count("alpha") == 1


def test_an_endless_word_is_counted_but_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def count_words(words: list[str]) -> list[int]:
        calls.append(len(words))
        return [7] * len(words)

    monkeypatch.setattr(word_counts, "count_words", count_words)
    counts = WordCounts()
    word = "x" * (word_counts.LONGEST_REMEMBERED_WORD_CHARACTERS + 1)
    assert [counts.count(word), counts.count(word), counts.count(word[1:]), counts.count(word[1:])] == [7, 7, 7, 7]
    assert calls == [1, 1, 1]
