"""What chunkers tell of themselves for estimates is near what they do with prose."""

from __future__ import annotations

from collections.abc import Sequence

from app.demo import guide_folder
from ingest.chunkers import Chunker
from ingest.document import Encoder
from ingest.embedders import Vectors
from ingest.tokenizers import TokenizerTools, token_offsets
from tests.contracts.test_chunker import chunker_of, each_kind
from tests.ingest.documents import document_of, prose


class Counting(TokenizerTools):
    """Tools that count the tokens of what is encoded."""

    encoded_tokens = 0

    def vectors(self, embedder: Encoder, texts: Sequence[str]) -> Vectors:
        """Return the vectors."""
        self.encoded_tokens += sum(len(self.tokens(text).starts) for text in texts)
        return super().vectors(embedder, texts)


@each_kind
def test_estimates_of_prose_are_near(kind: str) -> None:
    pages = [path.read_text(encoding="utf-8") for path in sorted(guide_folder().glob("*.md"))]
    document = document_of(*(prose(page.replace("`", "")) for page in pages))
    tokens = token_offsets(document.text)
    total = len(tokens.starts)
    wide = {"size_tokens": 200} if "size_tokens" in Chunker.members()[kind].model_fields else {}
    changed = [{}, {"overlap_tokens": 100}, {"overlap_sentences": 2}, {"buffer_sentences": 3}]
    for settings_ in changed:
        if not settings_.keys() <= Chunker.members()[kind].model_fields.keys():
            continue
        chunker = chunker_of(kind, **wide, **settings_)
        tools = Counting()
        pieces = list(chunker.split(document, tools))
        covered = sum(tokens.count(piece.span.start, piece.span.end) for piece in pieces)
        assert 0.8 <= covered / total / chunker.repetition <= 1.25
        if chunker.usual_tokens is not None:
            assert 0.5 <= len(pieces) / (total * chunker.repetition / chunker.usual_tokens) <= 2.0
        assert (chunker.encoder is not None) == (chunker.encoded_per_token > 0)
        assert 0.7 * chunker.encoded_per_token <= tools.encoded_tokens / total <= 1.3 * chunker.encoded_per_token
