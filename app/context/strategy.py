"""Strategies: what to retrieve and what to send, as one named, versioned, immutable pair."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

import configs
from app.context.expansions import Expansion
from app.context.policy import ContextPolicy
from app.context.query_expansions import QueryExpansion
from app.context.rerankers import Reranker
from app.context.search.recency import Recency
from app.context.search.source_cap import SourceCap
from configs.errors import NotFoundError
from configs.part import BAKE_TIME, LIVE, fingerprint_of
from indexes.fusions import Fusion
from indexes.stores import Store
from ingest.chunkers import Chunker
from ingest.embedders import Embedder
from ingest.recipe import IndexRecipe

PRESETS_FOLDER = Path(configs.__file__).parent / "presets"
MAX_CANDIDATES = 1_000


class SearchSetup(BaseModel):
    """How to find: what is baked (chunker, prefix, embedder, stores) and how it is searched, all else.

    The search options come after one another: query expansion, recency, reranker, cap, and last the expansion, larger
    text in the place of what was found; each is off by default.
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
    fusion: Fusion | None = Field(None, description="needed with two or more stores, refused with one")
    candidates: int = Field(
        100,
        ge=1,
        le=MAX_CANDIDATES,
        description="how deep each store is searched, and how many hits packing may choose from",
        json_schema_extra=LIVE,
    )
    query_expansion: QueryExpansion | None = Field(
        None, description="search again with a question expanded by what was found first", json_schema_extra=LIVE
    )
    recency: Recency | None = Field(None, description="lower the scores of old documents", json_schema_extra=LIVE)
    reranker: Reranker | None = Field(None, description="order the best hits anew", json_schema_extra=LIVE)
    max_per_source: SourceCap | None = Field(
        None, description="keep at most so many hits of one document, or of one value of a metadata field",
        json_schema_extra=LIVE,
    )  # fmt: skip
    expansion: Expansion | None = Field(
        None,
        description="larger text in the place of found chunks; needed by chunkers that make parents",
        json_schema_extra=LIVE,
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        _ = self.recipe
        if len(self.stores) > 1 and self.fusion is None:
            raise ValueError("two or more stores need a fusion to make one order of their lists")
        if len(self.stores) == 1 and self.fusion is not None:
            raise ValueError("the fusion would not be used: there is only one store; leave it out or add a store")
        if self.fusion is not None:
            self.fusion.check_signals([store.signal for store in self.stores])
        if self.query_expansion is not None:
            self.query_expansion.check_setup([store.signal for store in self.stores], self.candidates)
        if self.reranker is not None and self.reranker.depth > self.candidates:
            raise ValueError(
                f"the reranker's depth ({self.reranker.depth}) is more than the candidates there are "
                f"({self.candidates}): lower depth, or raise candidates"
            )
        if self.expansion is not None:
            self.expansion.check_chunker(self.chunker)
        elif self.chunker.parents != "none":
            raise ValueError(
                f"the parents of {self.chunker.kind_of_class()} would not be used; "
                'add an expansion, as in "expansion": {"kind": "parent"}'
            )
        return self

    @property
    def recipe(self) -> IndexRecipe:
        """Return what has to be baked for this setup."""
        return IndexRecipe(
            chunker=self.chunker, context_prefix=self.context_prefix, embedder=self.embedder, stores=self.stores
        )

    def resolved(self) -> Self:
        """Return the setup with settings that depend on the machine replaced by what they mean here."""
        recipe = self.recipe.resolved()
        reranker = self.reranker.resolved() if self.reranker is not None else None
        return self.model_copy(
            update={
                "chunker": recipe.chunker, "embedder": recipe.embedder, "stores": recipe.stores, "reranker": reranker,
            }
        )  # fmt: skip

    @property
    def has_options(self) -> bool:
        """Tell whether anything happens to what the stores find beyond their fusion."""
        return any((self.query_expansion, self.recency, self.reranker, self.max_per_source))


class BaselineSetup(BaseModel):
    """A reference line: send nothing, or send whole documents until the budget is full."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    baseline: Literal["no_context", "whole_documents"] = Field(
        description="`no_context` retrieves nothing; `whole_documents` takes readable documents whole, oldest first"
    )

    def resolved(self) -> Self:
        """Return the setup as it is; nothing in it depends on the machine."""
        return self


def _tag(value: Any) -> str:
    names = value if isinstance(value, dict) else type(value).model_fields if isinstance(value, BaseModel) else {}
    return "baseline" if "baseline" in names else "search"


RetrievalSetup = Annotated[
    Annotated[SearchSetup, Tag("search")] | Annotated[BaselineSetup, Tag("baseline")], Discriminator(_tag)
]


class Strategy(BaseModel):
    """A retrieval setup and a context policy; the same JSON in requests, presets, the database and reports."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    retrieval: RetrievalSetup = Field(description="how to find")
    context: ContextPolicy = Field(default_factory=ContextPolicy, description="what to send")

    def resolved(self) -> Self:
        """Return the strategy as it is saved: nothing in it depends on the machine any more."""
        return self.model_copy(update={"retrieval": self.retrieval.resolved()})

    @property
    def fingerprint(self) -> str:
        """Hash of everything the strategy says; it is the ETag of its version."""
        return fingerprint_of(self.model_dump(mode="json"))


class Preset(BaseModel):
    """A named strategy that ships with the service."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str
    strategy: Strategy


@lru_cache(maxsize=1)
def load_presets() -> dict[str, Preset]:
    """Return the presets of `configs/presets/*.yaml` by name, validated."""
    presets: dict[str, Preset] = {}
    for path in sorted(PRESETS_FOLDER.glob("*.yaml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        presets[path.stem] = Preset.model_validate({"name": path.stem, **content})
    return presets


def load_preset(name: str) -> Preset:
    """Return one preset, or raise NotFoundError that lists what there is."""
    presets = load_presets()
    if name not in presets:
        raise NotFoundError("preset", name, hint=f"take one of: {', '.join(presets)}")
    return presets[name]
