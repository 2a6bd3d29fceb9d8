"""Small model2vec models with random vectors, written in the layout of that library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ingest.tokenizers import DEFAULT_TOKENIZER, tokenizer

WIDTH = 48


def save_static_model(folder: Path, *, seed: int = 5, **settings: Any) -> Path:
    """Write a model with the vocabulary of all-MiniLM-L6-v2 and return `folder`."""
    from model2vec import StaticModel

    words = tokenizer(DEFAULT_TOKENIZER)
    vectors = np.random.default_rng(seed).standard_normal((words.get_vocab_size(), WIDTH)).astype(np.float32)
    StaticModel(vectors=vectors, tokenizer=words, **settings).save_pretrained(folder)
    return folder
