"""The chunks of late chunking are those of `recursive`; only their vectors differ."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from pydantic import ValidationError

from configs.errors import PlaygroundError
from ingest.chunkers import Chunker
from ingest.chunkers.late import Late
from ingest.document import ParsedDocument
from ingest.embedders import Embedder
from ingest.recipe import IndexRecipe
from ingest.tokenizers import TokenizerTools
from tests.ingest.documents import documents

DENSE = [{"kind": "faiss_flat"}]


@settings(max_examples=20)
@given(document=documents())
def test_the_pieces_are_those_of_recursive(document: ParsedDocument) -> None:
    for size in (16, 100):
        recursive = Chunker.members()["recursive"].model_validate({"kind": "recursive", "size_tokens": size})
        late = Late(kind="late", size_tokens=size)
        assert list(late.split(document, TokenizerTools())) == list(recursive.split(document, TokenizerTools()))
        assert late.fingerprint != recursive.fingerprint


@pytest.mark.parametrize("kind", [kind for kind, member in Embedder.members().items() if not member.pools_tokens])
def test_embedders_that_average_no_tokens_are_refused(kind: str) -> None:
    with pytest.raises(ValidationError) as refused:
        IndexRecipe.model_validate({"chunker": {"kind": "late"}, "embedder": {"kind": kind}, "stores": DENSE})
    assert "recursive" in str(refused.value) or "Field required" in str(refused.value)


def test_lexical_stores_alone_are_refused() -> None:
    with pytest.raises(ValidationError, match="add a dense store, or take recursive"):
        IndexRecipe.model_validate({"chunker": {"kind": "late"}, "stores": [{"kind": "bm25"}]})


def test_a_member_without_token_vectors_says_so_when_asked() -> None:
    hashing = Embedder.members()["hashing"].model_validate({"kind": "hashing"})
    for ask in (hashing.check_pooling, lambda: hashing.encode_spans("text", "", [])):
        with pytest.raises(PlaygroundError) as refused:
            ask()
        assert (refused.value.status, refused.value.code) == (422, "no_token_vectors")
