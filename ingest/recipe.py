"""The index recipe: what has to be baked before anything can be found, and the fingerprints that name it."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from configs.part import BAKE_TIME, JsonObject, fingerprint_of
from indexes.stores import Store
from ingest.chunkers import Chunker
from ingest.embedders import Embedder

DOCUMENT_MODEL_REVISION = 1
"""Raised when prefixes are made differently, so that old and new chunks never share a fingerprint."""


class IndexRecipe(BaseModel):
    """Chunker, embedder and stores of one index.

    An index holds every store of its recipe over the same rows, so that a document is switched in all of them at once
    (decision 0001). Live settings of the stores are not part of the fingerprint.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    chunker: Chunker
    context_prefix: bool = Field(
        True,
        description="put title and heading path in front of the text that is embedded and indexed",
        json_schema_extra=BAKE_TIME,
    )
    embedder: Embedder | None = Field(None, description="needed by dense stores, refused without one")
    stores: tuple[Store, ...] = Field(min_length=1, max_length=4, description="one of each kind at most")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        kinds = [store.kind_of_class() for store in self.stores]
        if len(set(kinds)) < len(kinds):
            raise ValueError(f"each kind of store may stand once, got {kinds}")
        is_dense = any(store.signal == "dense" for store in self.stores)
        if is_dense and self.embedder is None:
            raise ValueError("a dense store needs an embedder; add one, or take only lexical stores")
        if not is_dense and self.embedder is not None:
            raise ValueError("the embedder would not be used: no dense store among the stores; leave it out or add one")
        if self.chunker.pools_tokens:
            self._check_pooling()
        return self

    def _check_pooling(self) -> None:
        chunker = self.chunker.kind_of_class()
        if self.embedder is None:
            raise ValueError(f"the chunker {chunker} is about vectors: add a dense store, or take recursive")
        if not self.embedder.pools_tokens:
            raise ValueError(
                f"the chunker {chunker} averages the vectors of tokens, which the embedder "
                f"{self.embedder.kind_of_class()} does not make; take a sentence_transformer, or the chunker recursive"
            )

    def resolved(self) -> Self:
        """Return the recipe with settings that depend on the machine replaced by what they mean here.

        Raises what the parts raise, and InvalidInputError (`no_token_vectors`) where the embedder's model does not
        average the vectors of tokens and the chunker needs that.
        """
        if self.chunker.pools_tokens and self.embedder is not None:
            self.embedder.check_pooling()
        parts = {"chunker": self.chunker.resolved(), "stores": tuple(store.resolved() for store in self.stores)}
        embedder = self.embedder.resolved() if self.embedder is not None else None
        return self.model_copy(update={**parts, "embedder": embedder})

    @property
    def chunking(self) -> str:
        """Fingerprint of what decides the chunks and their indexed text."""
        baked = {"chunker": self.chunker.baked(), "prefix": self.context_prefix, "revision": DOCUMENT_MODEL_REVISION}
        return fingerprint_of(baked)

    def baked(self) -> JsonObject:
        """Return everything that is baked, as JSON."""
        return {
            "chunking": self.chunking,
            "embedder": self.embedder.baked() if self.embedder is not None else None,
            "stores": sorted(store.fingerprint for store in self.stores),
        }

    @property
    def fingerprint(self) -> str:
        """Name of the index that this recipe makes."""
        return fingerprint_of(self.baked())

    def is_served_by(self, other: IndexRecipe) -> bool:
        """Tell whether an index of recipe `other` holds everything this recipe asks for."""
        own, others = self.baked(), other.baked()
        has_embedder = own["embedder"] is None or own["embedder"] == others["embedder"]
        return own["chunking"] == others["chunking"] and has_embedder and set(own["stores"]) <= set(others["stores"])
