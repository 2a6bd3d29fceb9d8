"""The family of embedders: from texts to vectors of unit length."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from configs.errors import InvalidInputError
from configs.part import Part, import_members
from configs.span import Span

Vectors = npt.NDArray[np.float32]
"""float32 [texts, dimensions], each row of length 1 (or all zeros for a text without any token)."""


class Embedder(Part):
    """Turns texts into vectors whose inner product is their similarity.

    Promises: `encode` returns float32 [len(texts), dimensions] in the order of `texts`; a row does not depend on its
    neighbours (within 1e-5 for fp32, 1e-2 for bf16); rows have unit length; zero texts give an array of shape [0,
    dimensions]. Heavy state is loaded on first use, once a process, by a module-level loader; building the part
    loads nothing and calls nobody. Raises UnavailableError where the model is not on this machine or does not answer,
    InvalidInputError where its weights are not the expected or the service may not call it.
    """

    is_remote: ClassVar[bool] = False
    """True for members that call another machine: each call may cost money, take long, and fail."""
    pools_tokens: ClassVar[bool] = False
    """True for members that have `encode_spans`."""
    tokens_per_second: ClassVar[float] = math.inf
    """A careful figure of how fast documents are encoded on two processor cores, for estimates; inf: no time at all."""
    query_seconds: ClassVar[float] = 0.0
    """How long a query takes, for estimates."""

    @property
    @abstractmethod
    def vector_dimensions(self) -> int:
        """Return the length of a vector."""

    @property
    @abstractmethod
    def window_tokens(self) -> int | None:
        """Return how many tokens of a text the model reads (special tokens and prefixes not counted).

        None where it reads all, or where nobody here knows.
        """

    @property
    def usd_per_million_tokens(self) -> float | None:
        """Return what encoding costs beside this machine's time: 0 for what runs here, None where it is unknown."""
        return 0.0

    @abstractmethod
    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of document texts."""

    @abstractmethod
    def encode_query(self, text: str) -> Vectors:
        """Return the vector of one query, float32 [dimensions]."""

    @abstractmethod
    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the tokens of each text by the model's own tokenizer, special tokens not counted, never truncated.

        What `encode` puts in front of a text is not counted. A member without its model's tokenizer gives an estimate
        and says so.
        """

    def check_usable(self) -> None:
        """Raise a PlaygroundError where this installation cannot use the settings.

        It is asked before a strategy or an index is saved, not again at each use; it calls no other machine.
        """

    def advice(self) -> list[str]:
        """Return what the authors of the model advise and these settings do not do, a sentence each."""
        return []

    def check_pooling(self) -> None:
        """Raise InvalidInputError (`no_token_vectors`) where the model has no `encode_spans`; loads no model."""
        if not self.pools_tokens:
            raise no_token_vectors(self.kind_of_class())

    def encode_spans(self, text: str, lead: str, spans: Sequence[Span]) -> Vectors:  # noqa: ARG002  # refused here
        """Return float32 [len(spans), dimensions]: of each span the mean of its tokens' vectors, of unit length.

        The model reads each span in one window of the text, which `lead` opens; neither `lead` nor special tokens are
        part of the mean. `spans` come in order. A span without any token gives zeros; one that is longer than the
        window is read in several. Raises InvalidInputError (`no_token_vectors`) for members and models that do not
        average the vectors of tokens.
        """
        raise no_token_vectors(self.kind_of_class())


def no_token_vectors(name: str) -> InvalidInputError:
    """Return the refusal of an embedder that does not average the vectors of tokens."""
    return InvalidInputError(
        f"the embedder {name!r} does not average the vectors of tokens, which late chunking needs",
        hint="take a sentence_transformer model with mean pooling, as all-MiniLM-L6-v2; or the chunker recursive, "
        "which makes the same chunks",
        code="no_token_vectors",
    )


import_members(__name__, __path__)
