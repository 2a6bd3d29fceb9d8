"""What the service is measured against: the same model and exact search in one process, without a service."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import faiss
import numpy as np

from ingest.models import locate


class Bare:
    """sentence-transformers' default call, and faiss."""

    def __init__(self) -> None:
        os.environ["HF_HUB_OFFLINE"] = "1"
        from sentence_transformers import SentenceTransformer

        self.model: Any = SentenceTransformer(str(locate("all-MiniLM-L6-v2")), device="cpu")
        self._index: Any = None

    def encode(self, texts: Sequence[str]) -> Any:
        """Return the vectors of texts, as the library does it by default."""
        return self.model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)

    def index(self, texts: Sequence[str]) -> None:
        """Encode and index the texts."""
        vectors = self.encode(texts)
        self._index = faiss.IndexFlatIP(vectors.shape[1])
        self._index.add(vectors)

    def search(self, question: str, k: int = 10) -> Any:
        """Return the rows of the k nearest texts."""
        return self._index.search(np.asarray(self.encode([question]), dtype=np.float32), k)[1][0]
