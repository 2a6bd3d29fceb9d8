"""Which strategy a request means: what an alias answers with, a saved one by name, or a setup given inline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy.orm import Session

from app.api.parameters import Name
from app.context.aliases.serving import AnsweredAs, Role, serve
from app.context.aliases.workspace_default import default_of
from app.context.saved_strategies import SavedStrategy, load_strategy
from app.context.strategy import RetrievalSetup, Strategy
from indexes.database.catalog import load_workspace


class Choice(BaseModel):
    """An alias, a saved strategy by name (and version), or an inline retrieval setup.

    Where none is named, the workspace's default alias answers as if it were, else its default strategy.
    """

    model_config = ConfigDict(extra="forbid")

    strategy: Name | None = Field(None, description="name of a saved strategy; default: what the workspace has")
    version: int | None = Field(None, ge=1, le=1_000_000, description="its version; default: the newest")
    setup: RetrievalSetup | None = Field(None, description="a retrieval setup to try instead of a saved strategy")
    alias: Name | None = Field(None, description="an alias, instead of a strategy: what is active for it answers")

    @model_validator(mode="after")
    def _means_one(self) -> Self:
        if self.setup is not None and self.strategy is not None:
            raise ValueError("give either `strategy` or `setup`, not both")
        if self.alias is not None and (self.setup is not None or self.strategy is not None):
            raise ValueError("an alias says which strategy answers: leave `strategy` and `setup` out")
        if self.version is not None and self.strategy is None:
            raise ValueError("`version` goes with `strategy`")
        return self


class ServedBy(BaseModel):
    """The alias that a request was sent to, by name or as the default, and as what the strategy version answered."""

    alias: str
    role: Role = Field(description="`active`, or `canary`: the candidate, for a user in the alias's canary")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a choice stands for: `name` and `version` are None for an inline setup, `served_by` without an alias."""

    name: str | None
    version: int | None
    strategy: Strategy
    served_by: ServedBy | None = None

    @property
    def label(self) -> str:
        """Return how answers call it."""
        return "inline" if self.name is None else f"{self.name} version {self.version}"

    def answered_as(self, *, is_findable: bool) -> AnsweredAs | None:
        """Return what is kept with a context; None without an alias."""
        by = self.served_by
        return None if by is None else AnsweredAs(alias=by.alias, role=by.role, is_findable=is_findable)


def choose(session: Session, workspace_id: str, choice: Choice, user_id: str | None = None) -> Chosen:
    """Return what `choice` stands for in the workspace, for an alias by the user who asks.

    Raises NotFoundError, and ConflictError (`nothing_active`).
    """
    workspace = load_workspace(session, workspace_id)
    if choice.setup is not None:
        return Chosen(name=None, version=None, strategy=Strategy(retrieval=choice.setup.resolved()))
    if choice.strategy is not None:
        return _chosen(load_strategy(session, workspace_id, choice.strategy, choice.version))
    alias = choice.alias or workspace.default_alias
    if alias is None:
        return _chosen(default_of(session, workspace))
    served = serve(session, workspace_id, alias, user_id)
    return _chosen(served.saved, served_by=ServedBy(alias=served.alias, role=served.role))


def _chosen(saved: SavedStrategy, **more: Any) -> Chosen:
    return Chosen(name=saved.name, version=saved.version, strategy=saved.strategy, **more)
