"""The registry of embedding models: windows, lengths, licences, prefixes and prices, each with its source."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Generic, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field

import configs

REGISTRY_FILE = Path(configs.__file__).parent / "models.yaml"

Value = TypeVar("Value", int, float, str)


class Sourced(BaseModel, Generic[Value]):
    """A figure, and where it comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: Value
    source: str = Field(
        min_length=1,
        description="a page of its authors or provider, a file of the model, or a package with its version",
    )


class KnownModel(BaseModel):
    """What is known of one embedding model; null stands for what its authors do not state, or what it does not have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    base_url: str | None = Field(None, description="the provider that alone serves it; null: it runs anywhere")
    note: str = ""
    dimensions: Sourced[int] | None = Field(None, description="length of a vector; null: unknown")
    smallest_dimensions: Sourced[int] | None = Field(
        None, description="the fewest first numbers that its authors call a vector of their own; null: do not shorten"
    )
    window_tokens: Sourced[int] | None = Field(None, description="what it reads; null: all of a text, or unknown")
    pooling: Sourced[str] | None = None
    licence: Sourced[str] | None = Field(
        None, description="of its weights; null: unknown, or only its provider has them"
    )
    query_prefix: Sourced[str] | None = None
    document_prefix: Sourced[str] | None = None
    usd_per_million_tokens: Sourced[float] | None = Field(
        None, description="list price at `base_url`; null: unknown, or it runs on a machine of one's own"
    )

    def advice(
        self, *, dimensions: int | None, query_prefix: str | None = None, document_prefix: str | None = None
    ) -> list[str]:
        """Return a sentence for each setting that is not as the model's authors advise.

        A prefix of None says that the embedder has none to set.
        """
        sentences = []
        prefixes = {"query_prefix": (query_prefix, self.query_prefix)}
        prefixes["document_prefix"] = (document_prefix, self.document_prefix)
        for name, (given, advised) in prefixes.items():
            if given == "" and advised is not None:
                sentences.append(f"{self.model} was trained with a prefix: set {name} to {advised.value!r}.")
        if dimensions is None or (self.dimensions is not None and dimensions == self.dimensions.value):
            return sentences
        if self.smallest_dimensions is None:
            sentences.append(f"{self.model} was not trained to be shortened: leave dimensions out.")
        elif dimensions < self.smallest_dimensions.value:
            fewest = self.smallest_dimensions.value
            sentences.append(f"{self.model} was trained to be shortened to no less than {fewest} dimensions.")
        return sentences


@lru_cache(maxsize=1)
def known_models() -> tuple[KnownModel, ...]:
    """Return the registry, in the order of its file."""
    entries = yaml.safe_load(REGISTRY_FILE.read_text(encoding="utf-8"))
    return tuple(KnownModel.model_validate(entry) for entry in entries)


def known_model(model: str, base_url: str | None = None) -> KnownModel | None:
    """Return what is known of the model of that name, at that provider or of its own; None where nothing is."""
    return next((one for one in known_models() if one.model == model and one.base_url in (None, base_url)), None)


def namesake(path: str) -> KnownModel | None:
    """Return what is known of a model that a folder is called by, as in /models/e5-base-v2; good for advice only."""
    name = path.replace("\\", "/").rstrip("/").rpartition("/")[2].lower()
    own = (one for one in known_models() if one.base_url is None)
    return next((one for one in own if one.model.rpartition("/")[2].lower() == name), None)
