"""Sentence models of the sentence-transformers library, loaded once a process; torch is imported nowhere else."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np

from configs.errors import InvalidInputError
from configs.span import Span
from ingest.embedders import Vectors, no_token_vectors
from ingest.embedders.late_reading import LARGEST_WINDOW_TOKENS, LateReading, unit_length
from ingest.embedders.sentence_encoder import BATCH_TOKENS, SentenceEncoder
from ingest.models import locate, model_settings, verify

LOADED_MODELS = 3
"""Most models in memory; the one that was used longest ago makes room."""

HEAD_CHARACTERS_PER_TOKEN = 16
"""A longer text is cut before it is tokenised: the tokens after the window would take memory for nothing."""
UNLIMITED_TOKENS = 1_000_000
"""Tokenizers without a limit name a number above this one."""


class _Place:
    """Where one model stands, or will stand when its first user has loaded it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.encoder: SentenceEncoder | None = None


_places: OrderedDict[tuple[str, str, str | None], _Place] = OrderedDict()
_places_lock = threading.Lock()


def loaded_encoder(model: str, precision: str, content_sha256: str | None) -> SentenceEncoder:
    """Return the model, loaded on first use: once a process, whatever the number of threads that ask for it.

    `precision` is "fp32" or "bf16". Raises what `locate` and `verify` raise, and InvalidInputError (`broken_model`).
    """
    key = (model, precision, content_sha256)
    with _places_lock:
        place = _places.setdefault(key, _Place())
        _places.move_to_end(key)
    with place.lock:
        if place.encoder is None:
            try:
                place.encoder = _load(*key)
            finally:
                _make_room(key, has_failed=place.encoder is None)
        return place.encoder


def _make_room(key: tuple[str, str, str | None], *, has_failed: bool) -> None:
    """Keep the number of models bounded; a name that could not be loaded displaces none."""
    with _places_lock:
        if has_failed:
            _places.pop(key, None)
        while len(_places) > LOADED_MODELS:
            _places.popitem(last=False)


def _load(model: str, precision: str, content_sha256: str | None) -> SentenceEncoder:
    folder = locate(model)
    verify(model, folder, content_sha256)
    if not model_settings().allow_model_hub:  # read when the libraries are imported; the folder alone must do
        os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # the library annotates only some functions
    try:
        loaded = SentenceTransformer(str(folder), device="cpu", local_files_only=True).eval()
        is_plain = _is_plain(loaded)
        return TransformerEncoder(loaded, precision) if is_plain else WholeModelEncoder(loaded, precision)
    except Exception as error:  # whatever a damaged or foreign folder makes the library raise
        raise InvalidInputError(
            f"the model {model!r} cannot be loaded ({type(error).__name__}: {str(error)[:200]})",
            hint="name the folder that SentenceTransformer.save wrote, whole and readable",
            code="broken_model",
        ) from error


def _is_plain(model: Any) -> bool:
    """Tell whether the model is a text transformer with a fast tokenizer, then pooling and the like."""
    from sentence_transformers.base.modules import Dense, Normalize, Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    first, *later = model
    return (
        isinstance(first, Transformer)
        and all(isinstance(module, Pooling | Dense | Normalize) for module in later)
        and first.module_output_name == "token_embeddings"
        and first.modality_config.get("text", {}).get("method") == "forward"
        and "message" not in first.modality_config
        and getattr(first.tokenizer, "is_fast", False)
        and first.tokenizer.truncation_side == "right"
        and not model.default_prompt_name
    )


class TransformerEncoder(SentenceEncoder):
    """Runs transformer, pooling and what follows directly, without the library's cost per call.

    With bf16 the transformer computes in bfloat16; pooling, later dense layers and normalising stay in float32.
    """

    def __init__(self, model: Any, precision: str) -> None:
        from tokenizers import Tokenizer

        super().__init__()
        transformer, *self._later_modules = model
        self._transformer = _in_bfloat16(transformer) if precision == "bf16" else transformer
        self.dimensions = int(model.get_embedding_dimension())
        self._padding = transformer.tokenizer.pad_token_id or 0
        self._reads_types = "token_type_ids" in transformer.tokenizer.model_input_names
        description = transformer.tokenizer.backend_tokenizer.to_str()
        self._counter = Tokenizer.from_str(description)
        self._counter.no_truncation()
        self._counter.no_padding()
        self._tokenizer = Tokenizer.from_str(description)
        self._tokenizer.no_padding()
        self.window_tokens = _window_tokens(model.max_seq_length, self._counter.num_special_tokens_to_add(False))
        if self.window_tokens is None:
            self._tokenizer.no_truncation()
        else:
            self._tokenizer.enable_truncation(model.max_seq_length)
        pooling, *finishing = self._later_modules or [None]
        self._late = None
        if getattr(pooling, "pooling_mode", None) == "mean":
            room = self.window_tokens or LARGEST_WINDOW_TOKENS
            self._late = LateReading(self._counter, room, pooling.embedding_dimension, self._read, finishing)

    def inputs(self, texts: Sequence[str]) -> tuple[list[Any], list[int]]:
        """Tokenise, cut at the model's window."""
        encodings = self._tokenizer.encode_batch_fast([self._head(text) for text in texts])
        return encodings, [len(encoding) for encoding in encodings]

    def _head(self, text: str) -> str:
        """Return all of `text`, or of a long one a beginning with at least twice the tokens that the model reads."""
        if self.window_tokens is None:
            return text
        end = HEAD_CHARACTERS_PER_TOKEN * self.window_tokens
        while end < len(text) and len(self._counter.encode(text[:end])) < 2 * self.window_tokens:
            end *= 4
        return text[:end]

    def vectors(self, inputs: list[Any]) -> Vectors:
        """Run one batch, padded to its longest text."""
        import torch

        with torch.inference_mode():
            features = self._read(inputs)
            for module in self._later_modules:
                features = module(features)
            return unit_length(features["sentence_embedding"])

    def encode_spans(self, text: str, lead: str, spans: Sequence[Span]) -> Vectors:
        """Return float32 [len(spans), dimensions], computed by the workers that all models share."""
        if self._late is None:
            raise no_token_vectors("of a model with another pooling")
        return self._late.encode_spans(text, lead, spans)

    def _read(self, inputs: list[Any]) -> dict[str, Any]:
        """Return the transformer's features of one batch, padded to its longest text."""
        import torch

        _compute_on_one_thread()
        shape = (len(inputs), max(len(encoding) for encoding in inputs))
        arrays = {
            "input_ids": np.full(shape, self._padding, dtype=np.int64),
            "attention_mask": np.zeros(shape, dtype=np.int64),
        }
        if self._reads_types:
            arrays["token_type_ids"] = np.zeros(shape, dtype=np.int64)
        for row, encoding in enumerate(inputs):
            arrays["input_ids"][row, : len(encoding)] = encoding.ids
            arrays["attention_mask"][row, : len(encoding)] = 1
            if self._reads_types:
                arrays["token_type_ids"][row, : len(encoding)] = encoding.type_ids
        features: dict[str, Any] = self._transformer({name: torch.from_numpy(one) for name, one in arrays.items()})
        features["token_embeddings"] = features["token_embeddings"].float()
        return features

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count with the model's tokenizer."""
        return [len(encoding) for encoding in self._counter.encode_batch_fast(list(texts), add_special_tokens=False)]


class WholeModelEncoder(SentenceEncoder):
    """Runs models of any other make through the library's own `encode`, one batch after the other."""

    def __init__(self, model: Any, precision: str) -> None:
        super().__init__()
        self._model = model
        self._precision = precision
        self._lock = threading.Lock()
        self.dimensions = int(model.get_embedding_dimension())
        count_special_tokens = getattr(model.tokenizer, "num_special_tokens_to_add", lambda _: 0)
        self.window_tokens = _window_tokens(model.max_seq_length, count_special_tokens(False))

    def inputs(self, texts: Sequence[str]) -> tuple[list[Any], list[int]]:
        """Return the texts, with a guess of their tokens."""
        return list(texts), [len(text) // 4 + 2 for text in texts]

    def vectors(self, inputs: list[Any]) -> Vectors:
        """Run one batch; tokenizers of the library are not safe from several threads, hence the lock."""
        import torch

        with self._lock, torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, self._precision == "bf16"):
            _compute_on_one_thread()
            return unit_length(self._model.encode(inputs, convert_to_tensor=True, show_progress_bar=False))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count with the model's tokenizer."""
        with self._lock:
            return [len(self._model.tokenizer.tokenize(text)) for text in texts]


def _window_tokens(most_tokens: int | None, special_tokens: int) -> int | None:
    return None if most_tokens is None or most_tokens > UNLIMITED_TOKENS else most_tokens - special_tokens


def _compute_on_one_thread() -> None:
    """Keep torch from splitting the operations of a batch: workers share the processor by batches (thread-local)."""
    import torch

    if torch.get_num_threads() != 1:
        torch.set_num_threads(1)


def _in_bfloat16(transformer: Any) -> Any:
    """Cast the weights and, where oneDNN has bfloat16, lay them out for it (1.1x on batches, 1.3x on queries)."""
    import torch

    transformer.to(torch.bfloat16)
    if torch.ops.mkldnn._is_mkldnn_bf16_supported():
        for layer in transformer.modules():
            if type(layer) is torch.nn.Linear:
                _lay_out(layer)
    return transformer


def _lay_out(layer: Any) -> None:
    """Let a linear layer multiply by a copy of its weight in oneDNN's layout, as torch's own compiler would."""
    import torch

    weight = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach(), BATCH_TOKENS)
    layer.forward = lambda inputs: torch.ops.mkldnn._linear_pointwise(inputs, weight, layer.bias, "none", [], "")
