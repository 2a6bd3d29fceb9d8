"""Windows of sentences: which neighbours a sentence stands for, and what happens at the ends and to long ones."""

from __future__ import annotations

import pytest

from ingest.chunkers.sentence_window import SentenceWindow
from ingest.document import ParsedDocument
from ingest.tokenizers import TokenizerTools, count_tokens

TEXT = "".join(f"Sentence number {number}. " for number in range(1, 8))
LENGTH = len("Sentence number 1. ")


def cut(text: str, **settings: int) -> list[tuple[str, str]]:
    chunker = SentenceWindow.model_validate({"kind": "sentence_window", **settings})
    pieces = []
    for piece in chunker.split(ParsedDocument(text=text), TokenizerTools()):
        assert piece.parent is not None
        pieces.append((text[piece.span.start : piece.span.end], text[piece.parent.start : piece.parent.end]))
    return pieces


@pytest.mark.parametrize("window", [1, 2, 6, 20])
def test_a_window_is_the_sentence_with_as_many_on_either_side(window: int) -> None:
    pieces = cut(TEXT, window_sentences=window)
    assert len(pieces) == 7
    for number, (sentence, around) in enumerate(pieces):
        first, last = max(0, number - window), min(6, number + window)
        assert sentence == TEXT[number * LENGTH : (number + 1) * LENGTH]
        assert around == TEXT[first * LENGTH : (last + 1) * LENGTH]


def test_a_sentence_over_the_size_is_cut_and_its_pieces_count_as_sentences() -> None:
    long = "Short one. " + "endless " * 60 + "end. Last one."
    pieces = cut(long, size_tokens=32, window_sentences=1)
    assert max(count_tokens(sentence) for sentence, _ in pieces) <= 32
    assert len(pieces) == 4
    assert pieces[1][1] == "".join(sentence for sentence, _ in pieces[:3])


def test_window_and_size_are_baked() -> None:
    chunkers = [
        SentenceWindow(kind="sentence_window"),
        SentenceWindow(kind="sentence_window", window_sentences=3),
        SentenceWindow(kind="sentence_window", size_tokens=64),
    ]
    assert len({chunker.fingerprint for chunker in chunkers}) == 3
    assert SentenceWindow.parents == "own"
