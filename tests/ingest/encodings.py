"""What the hashing embedder is asked to encode."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ingest.embedders import Vectors
from ingest.embedders.hashing import Hashing


class Encodings:
    """Notes the document texts that are encoded from its creation on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.texts: list[str] = []
        encode = Hashing.encode

        def counted(embedder: Hashing, texts: Sequence[str]) -> Vectors:
            self.texts.extend(texts)
            return encode(embedder, texts)

        monkeypatch.setattr(Hashing, "encode", counted)
