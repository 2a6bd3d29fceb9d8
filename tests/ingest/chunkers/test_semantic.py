"""Breaks where the meaning changes: planted topics, the percentile, the nested embedder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from ingest.chunkers.semantic import Semantic, breaks
from ingest.document import Encoder, ParsedDocument
from ingest.embedders import Vectors
from ingest.embedders.hashing import Hashing
from ingest.tokenizers import TokenizerTools, count_tokens

CATS = "The cat chased the cat and another cat. "
TAXES = "Tax rates for income tax rose with tax. "


def chunker(**settings: object) -> Semantic:
    return Semantic.model_validate({"kind": "semantic", "embedder": {"kind": "hashing"}, **settings})


def cut(text: str, **settings: object) -> list[str]:
    pieces = chunker(**settings).split(ParsedDocument(text=text), TokenizerTools())
    return [text[piece.span.start : piece.span.end] for piece in pieces]


@pytest.mark.parametrize("buffer", [0, 1, 2])
def test_two_topics_of_ten_sentences_break_at_the_tenth(buffer: int) -> None:
    first, second = cut(CATS * 10 + TAXES * 10, buffer_sentences=buffer, percentile=95.0)[:2]
    found = len(first) // len(CATS)
    assert abs(found - 10) <= buffer
    if buffer == 0:
        assert (first, second) == (CATS * 10, TAXES * 10)


def test_sentences_that_are_all_alike_are_cut_by_size_alone() -> None:
    pieces = cut(CATS * 40, size_tokens=64)
    assert max(map(count_tokens, pieces)) <= 64
    assert cut(CATS * 4) == [CATS * 4]


@pytest.mark.parametrize(("percentile", "least", "most"), [(50.0, 8, 10), (75.0, 4, 5), (95.0, 1, 1)])
def test_the_percentile_fixes_the_share_of_breaks(percentile: float, least: int, most: int) -> None:
    vectors = np.random.default_rng(4).normal(size=(21, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = breaks(vectors.astype(np.float32), percentile)
    assert least <= len(found) <= most
    distances = 1 - (vectors[:-1] * vectors[1:]).sum(axis=1)
    largest = {int(place) + 1 for place in np.argsort(distances)[-len(found) :]}
    assert set(found) == largest


def test_few_sentences_have_no_breaks() -> None:
    assert breaks(np.zeros((0, 4), np.float32), 95.0) == []
    assert breaks(np.ones((1, 4), np.float32), 95.0) == []


def test_each_sentence_is_encoded_once_with_its_neighbours() -> None:
    class Listening(TokenizerTools):
        texts: tuple[str, ...] = ()

        def vectors(self, embedder: Encoder, texts: Sequence[str]) -> Vectors:
            self.texts = tuple(texts)
            return embedder.encode(texts)

    tools = Listening()
    list(chunker(buffer_sentences=1).split(ParsedDocument(text="One is. Two is. Three is."), tools))
    assert tools.texts == ("One is. Two is. ", "One is. Two is. Three is.", "Two is. Three is.")


def test_the_embedder_is_baked_and_resolved_with_the_chunker() -> None:
    one, other = chunker(), chunker(embedder={"kind": "hashing", "dimensions": 64})
    assert one.fingerprint != other.fingerprint
    assert one.baked()["embedder"] == Hashing(kind="hashing").baked()
    resolved = Semantic(kind="semantic").resolved()
    assert resolved.embedder.model_dump()["precision"] in ("fp32", "bf16")
    assert resolved.resolved() == resolved


def test_vectors_of_one_text_are_shared_by_chunkers_with_one_embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    encode = Hashing.encode

    def counted(self: Hashing, texts: list[str]) -> object:
        calls.append(len(texts))
        return encode(self, texts)

    monkeypatch.setattr(Hashing, "encode", counted)
    tools, document = TokenizerTools(), ParsedDocument(text=CATS * 3 + TAXES * 3)
    for percentile in (50.0, 95.0):
        list(chunker(percentile=percentile, buffer_sentences=0).split(document, tools))
    assert calls == [2]
