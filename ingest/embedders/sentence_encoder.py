"""How a loaded sentence model is driven: batches for documents on several threads, joined calls for queries."""

from __future__ import annotations

import os
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np

from configs.span import Span
from ingest.embedders import Vectors, no_token_vectors
from ingest.models import model_settings
from ingest.query_batches import QueryBatches
from ingest.token_batches import token_batches

BATCH_TOKENS = 2_048
"""512 to 4,096 padded tokens are about equally fast; fewer pay each layer's weights too often, more fill the memory."""
TEXTS_AT_ONCE = 512
"""Callers share the workers in rounds of so many texts, so that one document does not wait for a whole corpus."""
QUERIES_AT_ONCE = 32

ENCODING_NICENESS = 10
"""Documents give way to searches: with two workers on two cores, a query took 9 ms instead of 41 (8 ms when idle)."""

RunAll = Callable[[Callable[[list[Any]], Vectors], list[list[Any]]], Iterable[Vectors]]


class SentenceEncoder(ABC):
    """A model in memory. Each batch runs on one thread; what runs in parallel are batches."""

    dimensions: int
    window_tokens: int | None

    def __init__(self) -> None:
        self._queries: QueryBatches[Vectors] = QueryBatches(self._encode_queries, QUERIES_AT_ONCE)

    @abstractmethod
    def inputs(self, texts: Sequence[str]) -> tuple[list[Any], list[int]]:
        """Return what `vectors` reads of each text, and how many tokens that is, special tokens included."""

    @abstractmethod
    def vectors(self, inputs: list[Any]) -> Vectors:
        """Return the vectors of one batch, float32 [inputs, dimensions] of unit length; safe from any thread."""

    @abstractmethod
    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the tokens of each text, special tokens not counted, never truncated."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), dimensions], computed by the workers that all models share."""
        workers = encoding_workers()
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for first in range(0, len(texts), TEXTS_AT_ONCE):
            part = slice(first, first + TEXTS_AT_ONCE)
            self._fill(vectors[part], texts[part], workers.map)
        return vectors

    def encode_spans(self, text: str, lead: str, spans: Sequence[Span]) -> Vectors:  # noqa: ARG002  # refused here
        """Return what `Embedder.encode_spans` promises; raise InvalidInputError (`no_token_vectors`)."""
        raise no_token_vectors(type(self).__name__)

    def encode_query(self, text: str) -> Vectors:
        """Return float32 [dimensions], computed by the calling thread or by one that calls at the same moment."""
        return self._queries(text)

    def _encode_queries(self, texts: list[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        self._fill(vectors, texts, map)
        return vectors

    def _fill(self, vectors: Vectors, texts: Sequence[str], run_all: RunAll) -> None:
        inputs, lengths = self.inputs(texts)
        batches = token_batches(lengths, BATCH_TOKENS)
        results = run_all(self.vectors, [[inputs[index] for index in batch] for batch in batches])
        for batch, result in zip(batches, results, strict=True):
            vectors[batch] = result


def encoding_workers() -> ThreadPoolExecutor:
    """Return the threads that all models share."""
    return _workers(model_settings().encoding_threads)


@lru_cache(maxsize=1)
def _workers(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="encoding", initializer=_give_way)


def _give_way() -> None:
    if sys.platform == "linux":  # elsewhere niceness is a process's, not a thread's
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), ENCODING_NICENESS)
