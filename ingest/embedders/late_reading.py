"""How a loaded model reads the windows of a text for late chunking, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from configs.span import Span
from ingest.embedders import Vectors
from ingest.embedders.sentence_encoder import BATCH_TOKENS, encoding_workers
from ingest.embedders.token_windows import CONTEXT_SHARE, TextTokens, TokenWindow, mean_by_chunk, plan_windows
from ingest.token_batches import token_batches

LARGEST_WINDOW_TOKENS = 8_192
"""For models without a window: attention takes memory with the square of it."""

WINDOWS_AT_ONCE = 64
"""Token vectors of so many windows are in memory at once: 25 MB for a model of 256 tokens and 384 dimensions."""


@dataclass(frozen=True, slots=True)
class _Input:
    """Token ids as the model reads them, special ones included."""

    ids: list[int]

    @property
    def type_ids(self) -> list[int]:
        return [0] * len(self.ids)

    def __len__(self) -> int:
        return len(self.ids)


class LateReading:
    """Reads windows of a text and averages the token vectors of each span; for models with mean pooling.

    `tokenizer` neither truncates nor pads; `read` returns the transformer's features of a batch; `finishing` are the
    modules behind the pooling.
    """

    def __init__(
        self,
        tokenizer: Any,
        window_tokens: int,
        dimensions: int,
        read: Callable[[list[Any]], dict[str, Any]],
        finishing: Sequence[Any],
    ) -> None:
        self._tokenizer = tokenizer
        self._window_tokens = window_tokens
        self._dimensions = dimensions
        self._read = read
        self._finishing = finishing
        sample = tokenizer.encode("a")
        own = [place for place, is_special in enumerate(sample.special_tokens_mask) if not is_special]
        self._begin, self._end = sample.ids[: own[0]], sample.ids[own[-1] + 1 :]

    def encode_spans(self, text: str, lead: str, spans: Sequence[Span]) -> Vectors:
        """Return what `Embedder.encode_spans` promises."""
        import torch

        opening = self._tokenizer.encode(lead, add_special_tokens=False).ids[: self._window_tokens // CONTEXT_SHARE]
        tokens = TextTokens.of(text, self._tokenizer)
        ranges = [tokens.range_of(span) for span in spans]
        windows = list(plan_windows(ranges, len(tokens.ids), self._window_tokens - len(opening)))
        read = self.token_vectors(windows, tokens, opening)
        means = mean_by_chunk(windows, len(spans), self._dimensions, read)
        with torch.inference_mode():
            features: dict[str, Any] = {"sentence_embedding": torch.from_numpy(means)}
            for module in self._finishing:
                features = module(features)
            vectors = unit_length(features["sentence_embedding"])
        vectors[~means.any(axis=1)] = 0.0
        return vectors

    def token_vectors(
        self, windows: Sequence[TokenWindow], tokens: TextTokens, opening: Sequence[int] = ()
    ) -> Iterator[Vectors]:
        """Yield float32 [tokens, dimensions] of each window in order, without those of `opening` and special tokens."""
        offset = len(self._begin) + len(opening)
        for first in range(0, len(windows), WINDOWS_AT_ONCE):
            some = windows[first : first + WINDOWS_AT_ONCE]
            inputs = [
                _Input([*self._begin, *opening, *tokens.ids[one.first : one.last].tolist(), *self._end]) for one in some
            ]
            batches = token_batches([len(one) for one in inputs], BATCH_TOKENS)
            results = encoding_workers().map(self._read_batch, [[inputs[index] for index in one] for one in batches])
            vectors: dict[int, Vectors] = {}
            for batch, result in zip(batches, results, strict=True):
                vectors.update(zip(batch, result, strict=True))
            for index, window in enumerate(some):
                yield vectors[index][offset : offset + window.last - window.first]

    def _read_batch(self, inputs: list[Any]) -> Vectors:
        import torch

        with torch.inference_mode():
            vectors: Vectors = self._read(inputs)["token_embeddings"].numpy()
            return vectors


def unit_length(vectors: Any) -> Vectors:
    """Return the tensor's rows as float32 of length 1, zeros for zeros."""
    import torch

    normalised: Vectors = torch.nn.functional.normalize(vectors.float(), dim=1).numpy()
    return normalised
