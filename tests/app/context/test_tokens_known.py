"""Texts that come again are counted like any other."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from app.context import tokens
from app.context.tokens import TokenCounter
from ingest.tokenizers import DEFAULT_TOKENIZER, count_tokens
from tests.app.context.library import texts

SHIPPED, ESTIMATE = TokenCounter(DEFAULT_TOKENIZER), TokenCounter("gpt-5")


@given(some=st.lists(texts | st.text(), max_size=6))
@pytest.mark.parametrize("counter", [SHIPPED, ESTIMATE], ids=["exact", "estimate"])
def test_what_is_known_counts_as_if_it_were_new(counter: TokenCounter, some: list[str]) -> None:
    expected = [counter.count(text) for text in some]
    assert counter.count_known([*some, *some]) == expected * 2


@given(text=texts | st.text())
def test_what_is_known_counts_as_the_tokenizer_says(text: str) -> None:
    assert SHIPPED.count_known([text, text]) == [count_tokens(text)] * 2


def test_a_text_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a sentence that only this test counts"
    first = SHIPPED.count_known([text])

    class Unread:
        def count(self, text: str) -> int:
            raise AssertionError(text)

    monkeypatch.setattr(tokens, "WORD_COUNTS", Unread())
    assert SHIPPED.count_known([text, text]) == first * 2
    with pytest.raises(AssertionError, match="another one"):
        SHIPPED.count_known(["another one that only this test counts"])


def test_counters_do_not_share_what_they_know(tmp_path: Path) -> None:
    small = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    small.pre_tokenizer = Whitespace()
    small.save(str(tmp_path / "tokenizer.json"))
    own = TokenCounter(str(tmp_path))
    text = "incontrovertible 🙂🙂🙂"
    counts = [counter.count_known([text])[0] for counter in (SHIPPED, ESTIMATE, own)]
    assert counts == [counter.count(text) for counter in (SHIPPED, ESTIMATE, own)]
    assert len(set(counts)) == 3


def test_only_exact_counts_of_the_shipped_tokenizer_add_up(tmp_path: Path) -> None:
    Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]")).save(str(tmp_path / "tokenizer.json"))
    assert [counter.adds_up for counter in (SHIPPED, ESTIMATE, TokenCounter(str(tmp_path)))] == [True, False, False]
    smile = "\N{SLIGHTLY SMILING FACE}"  # four bytes, a third of which is rounded up to two tokens
    assert (ESTIMATE.count(smile), ESTIMATE.count(f"{smile} {smile}")) == (2, 3)
