"""Sentence embeddings by a transformer model that runs on this machine's processor."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field

from configs.part import BAKE_TIME
from configs.span import Span
from configs.text import Text
from ingest.embedders import Embedder, Vectors, no_token_vectors
from ingest.embedders.sentence_encoder import SentenceEncoder
from ingest.embedders.sentence_models import loaded_encoder
from ingest.embedders.shaping import (
    DocumentPrefix,
    KeptDimensions,
    QueryPrefix,
    check_dimensions,
    count_behind,
    unit_rows,
    window_behind,
)
from ingest.model_registry import known_model, namesake
from ingest.models import DEFAULT_MODEL, content_sha256, input_module_folder, is_mean_pooled, locate, told_dimensions
from ingest.tokenizers import count_many, tokenizer

PROCESSOR_PAGE = Path("/proc/cpuinfo")
BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})


class SentenceTransformer(Embedder):
    """A model of the sentence-transformers library, run on the processor.

    A text beyond the window is cut there: `window_tokens` and `count_tokens` tell before. Texts are encoded in batches
    of like length, queries of concurrent callers together.
    Many models were trained with a prefix in front of queries and documents; `dimensions` makes vectors of models that
    were trained for it smaller, at some loss.
    """

    pools_tokens: ClassVar[bool] = True
    tokens_per_second: ClassVar[float] = 8_000.0
    query_seconds: ClassVar[float] = 0.012

    kind: Literal["sentence_transformer"]
    model: Text = Field(
        DEFAULT_MODEL,
        min_length=1,
        max_length=500,
        description="the shipped model, the path of a model's folder, the name of one in PLAYGROUND_MODEL_FOLDER, or, "
        "where PLAYGROUND_ALLOW_MODEL_HUB is set, organisation/model on the model hub",
        json_schema_extra=BAKE_TIME,
    )
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto",
        description="arithmetic: bf16 is twice as fast on processors with AVX512-BF16 or AMX, which auto takes it on, "
        "and moves similarities by about 0.001; resolved when a strategy is saved",
        json_schema_extra=BAKE_TIME,
    )
    query_prefix: QueryPrefix = ""
    document_prefix: DocumentPrefix = ""
    dimensions: KeptDimensions = None
    content_sha256: str | None = Field(
        None,
        pattern="^[0-9a-f]{64}$",
        description="hash of the files of a model that is not the shipped one; filled in when a strategy is saved, so "
        "that other weights under the same name make another index, and checked when the model is loaded",
        json_schema_extra=BAKE_TIME,
    )

    def resolved(self) -> Self:
        """Return the part with the precision of this machine and the content of its model's files.

        Raises what `ingest.models.locate` raises for a model that is not the shipped one.
        """
        content = self.content_sha256
        if content is None and self.model != DEFAULT_MODEL:
            content = content_sha256(locate(self.model))
        return self.model_copy(update={"precision": self._precision(), "content_sha256": content})

    def check_usable(self) -> None:
        """Raise InvalidInputError (`too_many_dimensions`); loads the model only where its folder does not tell."""
        if self.dimensions is not None:
            told = told_dimensions(locate(self.model))
            check_dimensions(self.dimensions, self._encoder().dimensions if told is None else told)

    @property
    def vector_dimensions(self) -> int:
        """Return the length of a vector; loads the model where `dimensions` does not tell."""
        return self._encoder().dimensions if self.dimensions is None else self.dimensions

    @property
    def window_tokens(self) -> int | None:
        """Return what the prefix leaves of the model's window; loads the model only where its folder does not tell."""
        return window_behind(self.document_prefix, self._whole_window_tokens(), self._count)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), dimensions]."""
        return self._shortened(self._encoder().encode([self.document_prefix + text for text in texts]))

    def encode_query(self, text: str) -> Vectors:
        """Return float32 [dimensions]; safe and fast from many threads at once."""
        vector = self._encoder().encode_query(self.query_prefix + text)
        return vector if self.dimensions is None else self._shortened(vector[None]).reshape(-1)

    def check_pooling(self) -> None:
        """Raise InvalidInputError (`no_token_vectors`) where the model's folder says that it pools otherwise."""
        if not is_mean_pooled(locate(self.model)):
            raise no_token_vectors(self.model)

    def encode_spans(self, text: str, lead: str, spans: Sequence[Span]) -> Vectors:
        """Return float32 [len(spans), dimensions]."""
        return self._shortened(self._encoder().encode_spans(text, self.document_prefix + lead, spans))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count with the model's tokenizer; loads the model only where its folder has no tokenizer.json."""
        return count_behind(self.document_prefix, texts, self._count)

    def advice(self) -> list[str]:
        """Return what the registry of models advises."""
        known = known_model(self.model) or namesake(self.model)
        if known is None:
            return []
        return known.advice(
            dimensions=self.dimensions, query_prefix=self.query_prefix, document_prefix=self.document_prefix
        )

    def _shortened(self, vectors: Vectors) -> Vectors:
        return vectors if self.dimensions is None else unit_rows(vectors, self.dimensions)

    def _count(self, texts: Sequence[str]) -> list[int]:
        name = self._tokenizer_name()
        return self._encoder().count_tokens(texts) if name is None else count_many(texts, name)

    def _whole_window_tokens(self) -> int | None:
        name = self._tokenizer_name()
        most_tokens = _max_seq_length(input_module_folder(locate(self.model)))
        if name is None or most_tokens is None:
            return self._encoder().window_tokens
        return most_tokens - tokenizer(name).num_special_tokens_to_add(False)

    def _encoder(self) -> SentenceEncoder:
        return loaded_encoder(self.model, self._precision(), self.content_sha256)

    def _precision(self) -> str:
        if self.precision != "auto":
            return self.precision
        return "bf16" if has_bfloat16(PROCESSOR_PAGE) else "fp32"

    def _tokenizer_name(self) -> str | None:
        """Return the model's tokenizer as `ingest.tokenizers` names it, None where it needs the model's library."""
        if self.model == DEFAULT_MODEL:
            return DEFAULT_MODEL
        folder = input_module_folder(locate(self.model))
        return str(folder) if (folder / "tokenizer.json").is_file() else None


@lru_cache(maxsize=4)
def has_bfloat16(processor_page: Path) -> bool:
    """Tell whether the processor that Linux describes in `processor_page` multiplies bfloat16 in hardware."""
    try:
        return not BFLOAT16_FLAGS.isdisjoint(processor_page.read_text(encoding="utf-8").split())
    except OSError:
        return False


def _max_seq_length(folder: Path) -> int | None:
    try:
        settings = json.loads((folder / "sentence_bert_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    most_tokens = settings.get("max_seq_length")
    return most_tokens if isinstance(most_tokens, int) else None
