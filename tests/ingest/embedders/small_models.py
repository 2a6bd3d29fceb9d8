"""Models with random weights and a vocabulary of a few words, one for each make the loader tells apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "and", "dog", "fox", "lazy", "red"]
WIDTH = 16


def save_model(name: str, folder: Path) -> Path:
    """Write a model in the layout of sentence-transformers and return `folder`."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Dense, Normalize
    from sentence_transformers.sentence_transformer.modules import Pooling, StaticEmbedding

    if name == "static":
        modules = [StaticEmbedding(_tokenizer(), embedding_dim=WIDTH)]
    elif name == "cls and dense":
        modules = [_transformer(folder), Pooling(WIDTH, "cls"), Dense(WIDTH, 8), Normalize()]
    else:
        modules = [_transformer(folder), Pooling(WIDTH, "mean")]
    prompts = {"prompts": {"a": "red dog "}, "default_prompt_name": "a"} if name == "prompt" else {}
    model = SentenceTransformer(modules=modules, device="cpu", **prompts)
    model.save(str(folder), create_model_card=False)
    return folder


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(models.WordPiece({word: number for number, word in enumerate(VOCABULARY)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tokenizer


def _transformer(folder: Path) -> Any:
    import torch
    from sentence_transformers.base.modules import Transformer
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
    )
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    raw = folder.parent / "raw"
    BertModel(config).save_pretrained(raw)
    fast_tokenizer: Any = PreTrainedTokenizerFast  # annotated in parts only
    fast_tokenizer(tokenizer_object=_tokenizer(), model_max_length=24, **special).save_pretrained(raw)
    return Transformer(str(raw), max_seq_length=24)
