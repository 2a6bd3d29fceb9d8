"""Which strategy a request means: a saved one by name, or a setup given inline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy.orm import Session

from app.api.parameters import Name
from app.context.saved_strategies import load_strategy
from app.context.strategy import RetrievalSetup, Strategy
from indexes.database.catalog import load_workspace


class Choice(BaseModel):
    """A saved strategy by name (and version), or an inline retrieval setup; neither means the default strategy."""

    model_config = ConfigDict(extra="forbid")

    strategy: Name | None = Field(None, description="name of a saved strategy; default: the workspace's default one")
    version: int | None = Field(None, ge=1, le=1_000_000, description="its version; default: the newest")
    setup: RetrievalSetup | None = Field(None, description="a retrieval setup to try instead of a saved strategy")

    @model_validator(mode="after")
    def _means_one(self) -> Self:
        if self.setup is not None and self.strategy is not None:
            raise ValueError("give either `strategy` or `setup`, not both")
        if self.version is not None and self.strategy is None:
            raise ValueError("`version` goes with `strategy`")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a choice stands for: `name` and `version` are None for an inline setup."""

    name: str | None
    version: int | None
    strategy: Strategy

    @property
    def label(self) -> str:
        """Return how answers call it."""
        return "inline" if self.name is None else f"{self.name} version {self.version}"


def choose(session: Session, workspace_id: str, choice: Choice) -> Chosen:
    """Return what `choice` stands for in the workspace, or raise NotFoundError."""
    workspace = load_workspace(session, workspace_id)
    if choice.setup is not None:
        return Chosen(name=None, version=None, strategy=Strategy(retrieval=choice.setup.resolved()))
    saved = load_strategy(
        session, workspace_id, choice.strategy or workspace.default_strategy or "default", choice.version
    )
    return Chosen(name=saved.name, version=saved.version, strategy=saved.strategy)
