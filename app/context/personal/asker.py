"""Whoever a context is for: what is known of them, what holds for them, and their memories in order."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from app.context.users.known import ANONYMOUS, KnownUser, Memory, Preferences, principal_of
from indexes.access import Principal
from indexes.database.engine import now


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Whoever a context is for, as known at `moment`; nobody has no rights and nothing known.

    `preferences` are those that hold after the request's, the user's and the workspace's were weighed;
    `requested` are the request's own alone. `workspace_instructions` and `notes` are the workspace's and apply to
    everybody. `is_past` tells that a moment was
    asked for: what such a context sends does not count as used.
    """

    workspace_id: str
    known: KnownUser = ANONYMOUS
    preferences: Preferences = field(default_factory=Preferences)
    requested: Preferences | None = None
    workspace_instructions: str = ""
    notes: str = ""
    moment: datetime = field(default_factory=now)
    is_past: bool = False

    @property
    def principal(self) -> Principal:
        """Return on whose behalf to search; nobody has no right of their own."""
        return principal_of(self.known)


def nobody(workspace_id: str) -> Asker:
    """Return an asker of whom nothing is known, in a workspace that says nothing."""
    return Asker(workspace_id=workspace_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedMemory:
    """A memory and why it stands where it does: `rank` counts from 1, the parts of `score` are each from 0 to 1.

    `relevance` is None where the memory has no vector yet; it then counted as if its cosine to the question were 0.
    """

    memory: Memory
    rank: int
    score: float
    recency: float
    importance: float
    relevance: float | None


def joined(asker: Asker, principals: Collection[str]) -> Principal:
    """Return the asker's own rights and those of `principals` together."""
    return Principal.of(asker.principal.names.union(principals))
