"""Single changes to how a context is made, and how small each is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session

from app.context.explanations.asked import Setup
from app.context.packers import Packer
from app.context.policy import ContextPolicy
from app.context.saved_strategies import find_index, list_strategies
from app.context.strategy import SearchSetup
from configs.part import canonical_json
from indexes.database.catalog import list_indexes
from indexes.fusions import Fusion
from indexes.fusions.convex import Convex
from indexes.fusions.reciprocal_rank import ReciprocalRank
from ingest.recipe import IndexRecipe

Model = TypeVar("Model", bound=BaseModel)

ChangeKind = Literal["budget", "candidates", "fusion", "packer", "duplicates", "merging", "options", "index"]

SWITCH = 1.0
"""Size of taking another packer or fusion, of turning merging on or off, or a search option off."""

OTHER_INDEX = 2.0
"""Size of searching by another retrieval setup, whose index exists."""

LARGEST_DISTANCE = 16

OPTIONS = ("query_expansion", "recency", "reranker", "max_per_source")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A setup and a policy that differ from the asked ones in one thing; `before` and `after` are its values as JSON.

    `size` is what changes are ordered by: for candidates, the budget and the constant of reciprocal ranks the number
    of doublings |log2(after / before)|; for weights, thresholds and distances the share of their range; SWITCH for
    another packer or fusion, for merging and for a search option; OTHER_INDEX for another retrieval setup.
    """

    kind: ChangeKind
    setting: str
    before: Any
    after: Any
    size: float
    setup: Setup
    policy: ContextPolicy


@dataclass(frozen=True, slots=True)
class Changes:
    """Makes changes of one setup and policy; those that are not valid are left out."""

    setup: Setup
    policy: ContextPolicy

    def budget(self, tokens: int) -> Change:
        """Return another budget; the answer's reserve stays."""
        before = self.policy.budget_tokens
        return self._of_policy("budget", "budget_tokens", tokens, abs(math.log2(tokens / before)))

    def candidates(self, setup: SearchSetup, count: int) -> Change:
        """Return another number of candidates."""
        changed = setup.model_copy(update={"candidates": count})
        size = abs(math.log2(count / setup.candidates))
        return self._of_setup("candidates", "retrieval.candidates", setup.candidates, count, size, changed)

    def dense_weight(self, setup: SearchSetup, fusion: Convex, weight: float) -> Change:
        """Return another weight of the dense signal."""
        changed = setup.model_copy(update={"fusion": fusion.model_copy(update={"dense_weight": weight})})
        before = fusion.dense_weight
        return self._of_setup("fusion", "retrieval.fusion.dense_weight", before, weight, abs(weight - before), changed)

    def reciprocal_constants(self, setup: SearchSetup, fusion: ReciprocalRank) -> Iterator[Change]:
        """Yield other constants of reciprocal ranks, the nearest first."""
        for k in sorted({1, 5, 15, 30, 60, 120, 300, 1000} - {fusion.k}, key=lambda k: abs(math.log2(k / fusion.k))):
            changed = setup.model_copy(update={"fusion": fusion.model_copy(update={"k": k})})
            size = abs(math.log2(k / fusion.k))
            yield self._of_setup("fusion", "retrieval.fusion.k", fusion.k, k, size, changed)

    def fusions(self, setup: SearchSetup) -> Iterator[Change]:
        """Yield every other kind of fusion with its default settings that can combine the setup's stores."""
        if setup.fusion is None:
            return
        for kind in Fusion.members():
            if kind != setup.fusion.kind_of_class():
                changed = _validated(SearchSetup, {**setup.model_dump(), "fusion": {"kind": kind}})
                if changed is not None:
                    before = setup.fusion.model_dump(mode="json")
                    yield self._of_setup("fusion", "retrieval.fusion", before, {"kind": kind}, SWITCH, changed)

    def options(self, setup: SearchSetup) -> Iterator[Change]:
        """Yield each search option turned off."""
        for name in OPTIONS:
            option = getattr(setup, name)
            if option is not None:
                before = option.model_dump(mode="json")
                changed = setup.model_copy(update={name: None})
                yield self._of_setup("options", f"retrieval.{name}", before, None, SWITCH, changed)

    def packers(self) -> Iterator[Change]:
        """Yield every other kind of packer with its default settings, and the present one with its defaults."""
        now = self.policy.packer.model_dump(mode="json")
        for kind in Packer.members():
            policy = _validated(ContextPolicy, {**self.policy.model_dump(), "packer": {"kind": kind}})
            if policy is not None and policy.packer != self.policy.packer:
                after = {"kind": kind}
                yield Change(
                    kind="packer", setting="context.packer", before=now, after=after, size=SWITCH, setup=self.setup,
                    policy=policy,
                )  # fmt: skip

    def merging(self) -> Change:
        """Return merging of neighbours turned on or off."""
        return self._of_policy("merging", "merge_adjacent", not self.policy.merge_adjacent, SWITCH)

    def near_duplicates(self) -> list[Change]:
        """Return smaller distances of near duplicates, the nearest first, down to none at all."""
        before = self.policy.near_duplicate_distance
        if before is None:
            return []
        values: list[int | None] = [*range(before - 1, -1, -1), None]
        return [
            self._of_policy(
                "duplicates", "near_duplicate_distance", value,
                (before - (value if value is not None else -1)) / LARGEST_DISTANCE,
            )
            for value in values
        ]  # fmt: skip

    def overlaps(self) -> list[Change]:
        """Return larger thresholds of overlap, the nearest first."""
        before = self.policy.span_overlap_threshold
        values = [value for value in (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0) if value > before]
        return [self._of_policy("duplicates", "span_overlap_threshold", value, value - before) for value in values]

    def setups(self, session: Session, workspace_id: str) -> Iterator[Change]:
        """Yield the other retrieval setups that can be searched at once: saved strategies', then indexes' own."""
        seen = {_key(self.setup)}
        served: set[str] = set()
        for saved in list_strategies(session, workspace_id):
            setup = saved.strategy.retrieval
            if isinstance(setup, SearchSetup):
                index = find_index(session, workspace_id, setup)
                if index is None or index.built_at is None:
                    continue
                served.add(index.id)
            if _key(setup) not in seen:
                seen.add(_key(setup))
                yield self._other_setup(f"strategy {saved.name} version {saved.version}", setup)
        for index in list_indexes(session, workspace_id):
            other = _setup_of(IndexRecipe.model_validate(index.recipe), self.setup)
            if index.built_at is not None and index.id not in served and other and _key(other) not in seen:
                seen.add(_key(other))
                yield self._other_setup(f"index {index.id}", other)

    def _other_setup(self, name: str, setup: Setup) -> Change:
        return self._of_setup("index", "retrieval", "as asked", name, OTHER_INDEX, setup)

    def _of_policy(self, kind: ChangeKind, field: str, value: Any, size: float) -> Change:
        policy = ContextPolicy.model_validate({**self.policy.model_dump(), field: value})
        return Change(
            kind=kind, setting=f"context.{field}", before=getattr(self.policy, field), after=value, size=size,
            setup=self.setup, policy=policy,
        )  # fmt: skip

    def _of_setup(self, kind: ChangeKind, setting: str, before: Any, after: Any, size: float, setup: Setup) -> Change:
        return Change(
            kind=kind, setting=setting, before=before, after=after, size=size, setup=setup, policy=self.policy
        )


def _setup_of(recipe: IndexRecipe, like: Setup) -> SearchSetup | None:
    """Return a setup that searches all stores of an index, with all live settings of `like` where they fit."""
    content, options, own = recipe.model_dump(), dict[str, Any](), None
    if isinstance(like, SearchSetup):
        content["candidates"] = like.candidates
        options = {name: option.model_dump() for name in OPTIONS if (option := getattr(like, name)) is not None}
        own = like.fusion.model_dump() if like.fusion is not None else None
    fusions = [None] if len(recipe.stores) == 1 else [own, {"kind": "convex"}, {"kind": "reciprocal_rank"}]
    for kept in (options, {}):
        for fusion in fusions:
            setup = _validated(SearchSetup, {**content, **kept, "fusion": fusion})
            if setup is not None:
                return setup
    return None


def _validated(model: type[Model], content: dict[str, Any]) -> Model | None:
    try:
        return model.model_validate(content)
    except ValidationError:
        return None


def _key(setup: Setup) -> str:
    return canonical_json(setup.model_dump(mode="json"))
