"""What enters a context besides instructions, documents and question: of the workspace, and of the user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.context.personal.asker import RankedMemory
from app.context.users.banned_sources import Ban
from app.context.users.feedback_boosts import BoostParts
from app.context.users.known import Fact, Preferences, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalMaterial:
    """Candidates for the sections of the workspace and the user; bans and boosts are by document id.

    Facts come in the order in which they are sent, memories best first, turns oldest first. Of the preferences only
    language and length of answers are sent.
    """

    workspace_instructions: str = ""
    notes: str = ""
    facts: tuple[Fact, ...] = ()
    preferences: Preferences = field(default_factory=Preferences)
    turns: tuple[Turn, ...] = ()
    memories: tuple[RankedMemory, ...] = ()
    bans: Mapping[str, Ban] = field(default_factory=dict)
    boosts: Mapping[str, BoostParts] = field(default_factory=dict)


NOTHING_PERSONAL = PersonalMaterial()
