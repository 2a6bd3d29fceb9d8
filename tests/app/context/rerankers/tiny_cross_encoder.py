"""A cross-encoder with random weights, small enough to make and run in a test."""

from __future__ import annotations

from pathlib import Path

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "oak", "elm", "ash", "fir", "yew", "word"]
WINDOW_TOKENS = 16


def save_tiny_cross_encoder(folder: Path, *, labels: int = 1, seed: int = 7) -> Path:
    """Write a BERT of one layer that reads 16 tokens of a pair into the folder, and return it."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=WINDOW_TOKENS, initializer_range=1.0,
    )  # fmt: skip
    config.num_labels = labels
    BertForSequenceClassification(config).save_pretrained(folder)
    BertTokenizer(vocab=str(folder / "vocab.txt"), model_max_length=WINDOW_TOKENS).save_pretrained(folder)
    return folder
