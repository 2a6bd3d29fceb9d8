"""Static embeddings (model2vec): one vector for each token, averaged; no transformer runs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from configs.errors import InvalidInputError
from configs.part import BAKE_TIME
from configs.text import Text
from ingest.embedders import Embedder, Vectors
from ingest.embedders.shaping import KeptDimensions, check_dimensions, unit_rows
from ingest.model_registry import known_model, namesake
from ingest.models import content_sha256, locate, verify

if TYPE_CHECKING:
    from model2vec import StaticModel

LOADED_MODELS = 3


class Static(Embedder):
    """A model2vec model: looks up one vector for each token and takes their mean; hundreds of times faster than a
    transformer.

    It reads a text to its end, knows no word order, and finds somewhat less than the transformer it was distilled from:
    for large collections on small machines, and for queries that must not wait. Tokens that the model does not know
    are left out. A text of none it knows has a vector of zeros, which no search finds.
    """

    tokens_per_second: ClassVar[float] = 200_000.0

    kind: Literal["static"]
    model: Text = Field(
        min_length=1,
        max_length=500,
        description="the path of a folder that model2vec wrote (tokenizer.json, model.safetensors, config.json), the "
        "name of one in PLAYGROUND_MODEL_FOLDER, or, where PLAYGROUND_ALLOW_MODEL_HUB is set, organisation/model on "
        "the model hub",
        json_schema_extra=BAKE_TIME,
    )
    dimensions: KeptDimensions = None
    content_sha256: str | None = Field(
        None,
        pattern="^[0-9a-f]{64}$",
        description="hash of the model's files; filled in when a strategy is saved, so that other weights under the "
        "same name make another index, and checked when the model is loaded",
        json_schema_extra=BAKE_TIME,
    )

    def resolved(self) -> Self:
        """Return the part with the content of its model's files.

        Raises what `ingest.models.locate` raises.
        """
        content = self.content_sha256 or content_sha256(locate(self.model))
        return self.model_copy(update={"content_sha256": content})

    def check_usable(self) -> None:
        """Raise InvalidInputError (`broken_model`, `too_many_dimensions`) before anything rests on the model."""
        check_dimensions(self.dimensions, self._loaded().dim)

    @property
    def vector_dimensions(self) -> int:
        """Return the length of a vector; loads the model where `dimensions` does not tell."""
        return self.dimensions if self.dimensions is not None else int(self._loaded().dim)

    @property
    def window_tokens(self) -> int | None:
        """Return None: every token is read."""
        return None

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), dimensions]."""
        model = self._loaded()
        means = np.zeros((len(texts), model.dim), np.float32)
        for row, ids in enumerate(_known_tokens(model, texts)):
            if ids:
                means[row] = _mean(model, ids)
        return unit_rows(means, self.dimensions)

    def encode_query(self, text: str) -> Vectors:
        """Return float32 [dimensions], the same as `encode` gives."""
        vector: Vectors = self.encode([text])[0]
        return vector

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens of each text the model knows."""
        return [len(ids) for ids in _known_tokens(self._loaded(), texts)]

    def advice(self) -> list[str]:
        """Return what the registry of models advises."""
        known = known_model(self.model) or namesake(self.model)
        return known.advice(dimensions=self.dimensions) if known is not None else []

    def _loaded(self) -> StaticModel:
        return _load(self.model, locate(self.model), self.content_sha256)


@lru_cache(maxsize=LOADED_MODELS)
def _load(model: str, folder: Path, content: str | None) -> StaticModel:
    """Return the model without a limit of tokens. Its tokenizer is never changed afterwards: threads share it."""
    verify(model, folder, content)
    from model2vec import StaticModel

    try:
        loaded = StaticModel.from_pretrained(folder, max_length=None)
    except Exception as error:  # whatever a damaged or foreign folder makes the library raise
        raise InvalidInputError(
            f"the model {model!r} cannot be loaded as a static one ({type(error).__name__}: {str(error)[:200]})",
            hint="name a folder that model2vec's StaticModel.save_pretrained wrote, whole and readable; "
            "transformers are for the embedder `sentence_transformer`",
            code="broken_model",
        ) from error
    loaded.tokenizer.no_truncation()
    return loaded


def _known_tokens(model: StaticModel, texts: Sequence[str]) -> list[list[int]]:
    return model.tokenize(list(texts)) if texts else []


def _mean(model: StaticModel, ids: list[int]) -> Vectors:
    """Return the mean of the tokens' vectors, weighted where the model says how."""
    places = ids if model.token_mapping is None else model.token_mapping[ids]
    vectors = model.embedding[places].astype(np.float32)
    if model.weights is not None:
        vectors *= model.weights[ids][:, None].astype(np.float32)
    mean: Vectors = vectors.mean(axis=0)
    return mean
