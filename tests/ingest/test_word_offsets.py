"""Offsets by words equal the tokenizer's own, whatever the text; what is remembered is bounded."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import AddedToken, Encoding, Tokenizer, models, normalizers, pre_tokenizers

from ingest import word_offsets
from ingest.tokenizers import DEFAULT_TOKENIZER, TokenOffsets, text_windows, token_offsets, tokenizer
from ingest.word_offsets import IDEOGRAPH, WordOffsets, encoded_offsets, separates_words
from tests.ingest.documents import WORDS, save_byte_tokenizer

ENCODER = tokenizer(DEFAULT_TOKENIZER)
ODD = [
    *WORDS,
    "\u00a0",
    "\u0301abc",
    "\ufffdabc",
    "한국어",
    "ﬁne",
    "İ",
    "ΟΔΟΣ",
    "a" * 101,
    "[MASK]",
    "\r",
    "\n",
    "\x00x",
    *(
        "漢字かな交じり文",
        "漢\u0301abc",
        "a漢b",
        "\u3000漢",
        "\uf900\ufa0e",
        "\U00020000\U0002b81fx",
        "\U0002b820\U0002b91f\U0002b920",
    ),
    *("\u33ff\u3400", "\u4dbf\u4dc0", "\u9fff\ua000", "\U0002ceaf\U0002ceb0", "\U0002f800\U0002fa20"),
]
odd_texts = st.lists(st.sampled_from(ODD), max_size=20).flatmap(
    lambda words: st.sampled_from(["", " ", "\n", "\t", "\r\n", "\x0b", "\u2028"]).map(lambda gap: gap.join(words))
)


def encoded(encoder: Tokenizer, text: str) -> list[int]:
    return [edge for token in encoded_offsets(encoder, text) for edge in token]


class CountingEncoder:
    """The default tokenizer, noting the words that it is given."""

    normalizer = ENCODER.normalizer

    def __init__(self) -> None:
        self.words: list[str] = []

    def encode(self, text: str, *, add_special_tokens: bool) -> Encoding:
        self.words += text.split(" ")
        return ENCODER.encode(text, add_special_tokens=add_special_tokens)


@given(texts=st.lists(odd_texts | st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4))
@example(texts=["\u0301abc x", "x \u0301abc", "x\n\u0301abc"])
@example(texts=["[SEP] [SEP]x", "漢字 is\r\n\tone", "x" * 33 + " y", " ", ""])
def test_a_text_by_words_is_the_text_as_the_tokenizer_reads_it(texts: list[str]) -> None:
    words = WordOffsets(ENCODER)
    for text in [*texts, *texts]:
        assert words.of(text).tolist() == encoded(ENCODER, text)


@pytest.mark.parametrize("parts_ideographs", [True, False])
@pytest.mark.parametrize("lowercase", [True, False])
@given(text=odd_texts)
def test_any_tokenizer_of_that_kind_is_read_by_words(lowercase: bool, parts_ideographs: bool, text: str) -> None:
    other = berts(lowercase=lowercase, parts_ideographs=parts_ideographs)
    assert separates_words(other)
    assert WordOffsets(other).of(text).tolist() == encoded(other, text)


def test_ideographs_are_those_that_the_tokenizer_parts() -> None:
    parting = berts().normalizer
    planes = [*range(0x3000, 0xD800), *range(0xF000, 0x10000), *range(0x1F000, 0x30000)]
    for character in map(chr, planes):
        parts = parting.normalize_str(f"a{character}b").count(" ") >= 2 and not character.isspace()
        assert bool(IDEOGRAPH.match(character)) == parts, hex(ord(character))


def berts(*, lowercase: bool = True, parts_ideographs: bool = True, added: Iterable[AddedToken] = ()) -> Tokenizer:
    """Return a tokenizer as BERT's are, whose pieces are the letters of words."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    pieces = ["[UNK]", *letters, *(f"##{letter}" for letter in letters)]
    made = Tokenizer(models.WordPiece({piece: number for number, piece in enumerate(pieces)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=lowercase, handle_chinese_chars=parts_ideographs)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.add_special_tokens(list(added))
    return made


@pytest.mark.parametrize(
    "added", [AddedToken("<x>", lstrip=True), AddedToken("<x>", rstrip=True), AddedToken("two words")]
)
def test_a_tokenizer_whose_tokens_reach_over_white_space_is_not_read_by_words(added: AddedToken) -> None:
    assert separates_words(berts(added=[AddedToken("<x>", special=True)]))
    assert not separates_words(berts(added=[added]))


def test_a_tokenizer_that_joins_words_is_not_read_by_words(tmp_path: Path) -> None:
    assert separates_words(ENCODER)
    assert not separates_words(tokenizer(save_byte_tokenizer(tmp_path)))
    unlike = berts()
    unlike.normalizer = normalizers.NFC()
    assert not separates_words(unlike)


def test_offsets_of_a_long_text_are_those_of_its_windows_encoded_whole() -> None:
    """The oracle is the plain reading: each window encoded, its offsets moved to where the window begins."""
    guide = sorted((Path(__file__).parents[2] / "docs" / "guide").glob("*.md"))
    text = "\n".join(
        [*(path.read_text(encoding="utf-8") for path in guide), "z" * 40_000, "漢字, über 3.5 %\t" * 3_000]
    )
    expected = [base + edge for base, window in text_windows(text) for edge in encoded(ENCODER, window)]
    offsets = token_offsets(text)
    assert len(text) > 100_000
    assert (list(offsets.starts), list(offsets.ends)) == (expected[::2], expected[1::2])


def test_words_are_encoded_once() -> None:
    counting = CountingEncoder()
    words = WordOffsets(counting)  # type: ignore[arg-type]  # a stand-in with what is used of it
    assert words.of("to be or not to be").tolist() == encoded(ENCODER, "to be or not to be")
    words.of("not\tto be\r\n  to seem")
    assert sorted(counting.words) == ["be", "not", "or", "seem", "to"]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_offsets, "REMEMBERED_WORDS", 3)
    counting = CountingEncoder()
    words = WordOffsets(counting)  # type: ignore[arg-type]  # a stand-in with what is used of it
    endless = "x" * (word_offsets.LONGEST_REMEMBERED_WORD_CHARACTERS + 1)
    for text in ("a b", f"a c d {endless}", "c d", "a", endless):  # no room for two more: the old ones go
        assert words.of(text).tolist() == encoded(ENCODER, text)
    assert sorted(counting.words) == ["a", "a", "b", "c", "d", endless, endless]


def test_threads_that_push_out_each_others_words_read_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_offsets, "REMEMBERED_WORDS", 20)
    texts = [" ".join(f"word{(number * step) % 37}" for number in range(60)) for step in range(1, 9)]
    expected = [encoded(ENCODER, text) for text in texts]
    words, wrong = WordOffsets(ENCODER), []

    def read(first: int) -> None:
        for number in range(first, first + 200):
            if words.of(texts[number % 8]).tolist() != expected[number % 8]:
                wrong.append(number)  # noqa: PERF401  # a list that several threads fill

    threads = [threading.Thread(target=read, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_what_a_process_has_read_before_changes_nothing() -> None:
    """Determinism across processes: one reads other texts first, one reads this one at once."""
    text = " ".join(ODD) + "\nWhat stands here was read before."
    program = (
        "import json, sys; from ingest.tokenizers import token_offsets; texts = json.loads(sys.stdin.read());"
        "found = [token_offsets(text) for text in texts][-1]; print(json.dumps([list(found.starts), list(found.ends)]))"
    )
    answers = [
        subprocess.run(
            [sys.executable, "-c", program], input=json.dumps(texts), capture_output=True, text=True, check=True
        ).stdout
        for texts in ([text], ["read before Stands", "here. \u0301abc", text])
    ]
    assert answers[0] == answers[1]
    assert TokenOffsets(*json.loads(answers[0])).count(0, len(text)) == len(token_offsets(text).starts)
