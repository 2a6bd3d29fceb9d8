"""Embeddings by an endpoint that speaks OpenAI's protocol: a provider, or a server of the team's own."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from configs.errors import InvalidInputError, PlaygroundError
from configs.part import BAKE_TIME
from configs.text import Text
from ingest.embedders import Embedder, Vectors
from ingest.embedders.embedding_answers import BadAnswerError, Rows, read_answer
from ingest.embedders.shaping import (
    DocumentPrefix,
    KeptDimensions,
    QueryPrefix,
    count_behind,
    unit_rows,
    window_behind,
)
from ingest.metering import announce_calls, count_call
from ingest.model_registry import KnownModel, known_model, namesake
from ingest.remote_endpoints import TOO_SLOW, calls_at_once, check_allowed, invalid_answer, post_json
from ingest.token_batches import token_batches
from ingest.tokenizers import DEFAULT_TOKENIZER, count_many

TEXTS_PER_CALL = 32
"""What every server takes: the smallest default limit among the common ones."""
TOKENS_PER_CALL = 8_192
FIRST_SHARE, PROBE_SHARE = 0.7, 0.25
"""Of a call's deadline: what the first calls of several texts may take, and then a single text where none is answered,
so that an endpoint that hangs fails within one deadline.
"""
BYTES_PER_NUMBER = 32
BYTES_BESIDE_VECTOR = 1_024
BYTES_BESIDE_NUMBERS = 65_536


@dataclass(frozen=True, slots=True)
class _Paid:
    """The vectors of one call, float64 [texts, model_dimensions], and what it is charged for."""

    rows: Rows
    tokens: int


_Outcome = _Paid | PlaygroundError | None


class OpenaiCompatible(Embedder):
    """Sends texts to an endpoint that speaks OpenAI's protocol (OpenAI, Mistral, vLLM, Ollama, TEI, llama.cpp, ...).

    It pays where a model is better than those this machine can run. Every text and every question leaves this machine,
    each search waits for the endpoint, and a provider charges by token: jobs and estimates show what it comes to. The
    operator lists the URLs that may be called, with their keys, in PLAYGROUND_EMBEDDER_URLS. Whole vectors are asked
    for and shortened here, so `dimensions` works with every server. Tokens are counted with the tokenizer of
    all-MiniLM-L6-v2: an estimate, except in what the provider charges. A blank text is not sent; its vector is zeros.
    """

    is_remote: ClassVar[bool] = True
    tokens_per_second: ClassVar[float] = 20_000.0
    query_seconds: ClassVar[float] = 0.3

    kind: Literal["openai_compatible"]
    base_url: str = Field(
        pattern=r"^https?://[^\s?#@]+$",
        max_length=500,
        description="what stands before /embeddings, as in https://api.openai.com/v1; one that the operator lists",
        json_schema_extra=BAKE_TIME,
    )
    model: Text = Field(
        min_length=1, max_length=500, description="the model's name at the endpoint", json_schema_extra=BAKE_TIME
    )
    model_dimensions: int | None = Field(
        None,
        ge=1,
        le=65_536,
        description="length of the model's vectors, which each answer is checked against; needed for a model that the "
        "registry does not know at this URL",
        json_schema_extra=BAKE_TIME,
    )
    dimensions: KeptDimensions = None
    query_prefix: QueryPrefix = ""
    document_prefix: DocumentPrefix = ""

    @field_validator("base_url")
    @classmethod
    def _without_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @model_validator(mode="after")
    def _lengths_fit(self) -> Self:
        whole = self._whole_dimensions()
        if whole is None:
            raise ValueError(f"how long are the vectors of {self.model!r} at {self.base_url}? give model_dimensions")
        if self.dimensions is not None and self.dimensions > whole:
            raise ValueError(f"dimensions is {self.dimensions}, but the model's vectors have {whole} numbers")
        return self

    def resolved(self) -> Self:
        """Return the part with `model_dimensions` filled in."""
        return self.model_copy(update={"model_dimensions": self._whole_dimensions()})

    def check_usable(self) -> None:
        """Raise InvalidInputError: `endpoint_not_allowed`, or `wrong_dimensions` where the registry knows better."""
        check_allowed(self.base_url)
        known, whole = self._known_dimensions(), self._whole_dimensions()
        if known is not None and known != whole:
            raise InvalidInputError(
                f"model_dimensions is {whole}, but vectors of {self.model} have {known} numbers",
                hint="leave model_dimensions out; to keep only the first numbers, set dimensions",
                code="wrong_dimensions",
            )

    @property
    def vector_dimensions(self) -> int:
        """Return the length of a vector; calls nobody."""
        whole = self._whole_dimensions()
        assert whole is not None
        return whole if self.dimensions is None else self.dimensions

    @property
    def window_tokens(self) -> int | None:
        """Return the window that the registry of models names, None for a model that it does not know."""
        known = self._known()
        window = known.window_tokens.value if known and known.window_tokens else None
        return window_behind(self.document_prefix, window, _estimates)

    @property
    def usd_per_million_tokens(self) -> float | None:
        """Return the list price that the registry of models names, None for a model that it does not know."""
        known = self._known()
        return known.usd_per_million_tokens.value if known and known.usd_per_million_tokens else None

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), dimensions].

        Raises what `ingest.remote_endpoints.post_json` raises; no further call starts after one has failed,
        except that calls that were too slow are made again with half their texts, down to single ones. An endpoint that
        answers none of the first calls has to answer a single text before; else it fails within the deadline of a call.
        """
        return self._encode([self.document_prefix + text if text.strip() else "" for text in texts])

    def encode_query(self, text: str) -> Vectors:
        """Return float32 [dimensions]."""
        vector: Vectors = self._encode([self.query_prefix + text if text.strip() else ""])[0]
        return vector

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return an estimate: the tokens of all-MiniLM-L6-v2."""
        return count_behind(self.document_prefix, texts, _estimates)

    def advice(self) -> list[str]:
        """Return what the registry of models advises."""
        known = self._known() or namesake(self.model)
        if known is None:
            return []
        return known.advice(
            dimensions=self.dimensions, query_prefix=self.query_prefix, document_prefix=self.document_prefix
        )

    def _known(self) -> KnownModel | None:
        return known_model(self.model, self.base_url)

    def _known_dimensions(self) -> int | None:
        known = self._known()
        return known.dimensions.value if known and known.dimensions else None

    def _whole_dimensions(self) -> int | None:
        return self.model_dimensions or self._known_dimensions()

    def _encode(self, texts: list[str]) -> Vectors:
        rows = np.zeros((len(texts), self._whole_dimensions() or 0))
        filled = [index for index, text in enumerate(texts) if text]
        calls = [[filled[place] for place in batch] for batch in _batches([texts[index] for index in filled])]
        share = FIRST_SHARE if any(len(one) > 1 for one in calls) else 1.0
        later: list[list[int]] = []
        while calls:
            outcomes = _outcomes(
                [partial(self._call, [texts[index] for index in indices], share) for indices in calls],
                self.usd_per_million_tokens,
            )
            for indices, outcome in zip(calls, outcomes, strict=True):
                if isinstance(outcome, _Paid):
                    rows[indices], share = outcome.rows, 1.0
            calls = _left(calls, outcomes)
            if calls and share == FIRST_SHARE:  # nothing was answered: is there an answer to a single text?
                share, (index, *others), later = PROBE_SHARE, calls[0], calls[1:]
                calls, later = [[index]], [one for one in (others, *later) if one]
            elif not calls:
                calls, later = later, []
        return unit_rows(rows, self.dimensions)

    def _call(self, texts: list[str], share: float) -> _Paid:
        whole = self._whole_dimensions() or 0
        body = json.dumps({"model": self.model, "input": texts, "encoding_format": "float"})
        most_bytes = BYTES_BESIDE_NUMBERS + len(texts) * (whole * BYTES_PER_NUMBER + BYTES_BESIDE_VECTOR)
        content = post_json(self.base_url, "/embeddings", body.encode(), most_bytes=most_bytes, share=share)
        try:
            answer = read_answer(content, texts=len(texts), dimensions=whole)
        except BadAnswerError as error:
            raise invalid_answer(self.base_url, str(error)) from None
        tokens = sum(_estimates(texts)) if answer.tokens is None else answer.tokens
        return _Paid(answer.rows, tokens)


def _batches(texts: list[str]) -> list[list[int]]:
    """Return the indices of the texts of each call; long words count as what a provider makes of them at most."""
    lengths = [max(tokens, len(text) // 4) for tokens, text in zip(_estimates(texts), texts, strict=True)]
    return [
        batch[first : first + TEXTS_PER_CALL]
        for batch in token_batches(lengths, TOKENS_PER_CALL)
        for first in range(0, len(batch), TEXTS_PER_CALL)
    ]


def _outcomes(calls: list[Callable[[], _Paid]], usd_per_million_tokens: float | None) -> list[_Outcome]:
    """Return what came of each call, a few at the same moment; count what each cost, also where another one fails.

    After a failure no further call starts: None stands for these.
    """
    announce_calls()
    has_failed = threading.Event()

    def outcome(call: Callable[[], _Paid]) -> _Outcome:
        try:
            return None if has_failed.is_set() else call()
        except PlaygroundError as error:
            has_failed.set()
            return error

    if len(calls) < 2:
        outcomes = [outcome(call) for call in calls]
    else:
        with ThreadPoolExecutor(calls_at_once(), thread_name_prefix="embedding-calls") as pool:
            outcomes = list(pool.map(outcome, calls))
    for one in outcomes:
        if isinstance(one, _Paid):
            count_call(tokens=one.tokens, usd_per_million_tokens=usd_per_million_tokens)
    return outcomes


def _left(calls: list[list[int]], outcomes: list[_Outcome]) -> list[list[int]]:
    """Return the calls that are still to be made, with half as many texts as the one that was too slow; raise the first
    error that smaller calls cannot mend.
    """
    most_texts = TEXTS_PER_CALL
    for indices, outcome in zip(calls, outcomes, strict=True):
        if isinstance(outcome, PlaygroundError):
            if outcome.code != TOO_SLOW or len(indices) == 1:
                raise outcome
            most_texts = min(most_texts, len(indices) // 2)
    return [
        indices[first : first + most_texts]
        for indices, outcome in zip(calls, outcomes, strict=True)
        if not isinstance(outcome, _Paid)
        for first in range(0, len(indices), most_texts)
    ]


def _estimates(texts: Sequence[str]) -> list[int]:
    return count_many(texts, DEFAULT_TOKENIZER)
