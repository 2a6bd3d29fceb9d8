"""Pieces are joined by what they are about, within the size."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ingest.chunkers.cluster_semantic import ClusterSemantic
from ingest.document import ParsedDocument
from ingest.tokenizers import TokenizerTools, count_tokens

CATS = "The cat chased the cat and another cat. "
TAXES = "Tax rates for income tax rose with tax. "


def chunker(**settings: object) -> ClusterSemantic:
    return ClusterSemantic.model_validate({"kind": "cluster_semantic", "embedder": {"kind": "hashing"}, **settings})


def cut(text: str, **settings: object) -> list[str]:
    pieces = chunker(**settings).split(ParsedDocument(text=text), TokenizerTools())
    return [text[piece.span.start : piece.span.end] for piece in pieces]


def test_topics_are_chunks_whatever_their_lengths() -> None:
    assert cut(CATS * 3 + TAXES * 5 + CATS * 2, piece_tokens=11) == [CATS * 3, TAXES * 5, CATS * 2]


def test_no_chunk_exceeds_the_size_and_large_ones_are_used() -> None:
    pieces = cut(CATS * 50, size_tokens=64, piece_tokens=16)
    sizes = [count_tokens(piece) for piece in pieces]
    assert max(sizes) <= 64
    assert sorted(sizes)[len(sizes) // 2] > 32
    assert "".join(pieces) == CATS * 50


def test_pieces_of_which_no_two_fit_are_refused() -> None:
    with pytest.raises(ValidationError, match="no two pieces could be joined"):
        chunker(size_tokens=64, piece_tokens=33)
    assert chunker(size_tokens=64, piece_tokens=32).size_limit_tokens == 64


def test_every_setting_is_baked_and_the_embedder_resolved() -> None:
    chunkers = [
        chunker(),
        chunker(size_tokens=300),
        chunker(piece_tokens=40),
        chunker(embedder={"kind": "hashing", "dimensions": 64}),
    ]
    assert len({one.fingerprint for one in chunkers}) == 4
    resolved = ClusterSemantic(kind="cluster_semantic").resolved()
    assert resolved.embedder.model_dump()["precision"] in ("fp32", "bf16")
