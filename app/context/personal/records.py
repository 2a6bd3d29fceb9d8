"""What a receipt says of sections and of the user: ids, scores and decisions; never what a user said."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from app.context.personal.asker import RankedMemory
from app.context.personal.fitting import ItemDecision, ItemReason
from app.context.personal.ranking import FoundAt
from app.context.sections.settings import SectionName
from configs.text import Text


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SectionRecord(_Record):
    """The tokens of one section. What the borders of items leave unused goes to the documents."""

    name: SectionName
    wanted_tokens: int
    allocated_tokens: int
    used_tokens: int


class ItemRecord(_Record):
    """A fact, wish, turn or memory that could have entered, and the one final decision on it."""

    section: SectionName
    id: str
    rank: int = Field(description="in its section: turns oldest first, memories best first")
    included: bool
    reason: ItemReason = Field(description="`sent`, `cut` to a part of it, or `budget`: it did not fit")
    tokens: int
    sent_characters: int | None = Field(
        description="how many of its characters are sent: the first ones, with `truncate_head` the last; null where "
        "nothing is"
    )
    score: float | None = Field(None, description="of a memory: the weighted sum of the next three")
    recency: float | None = None
    importance: float | None = None
    relevance: float | None = Field(None, description="null too where the memory had no vector yet: it counts as 0")

    @classmethod
    def of(cls, decision: ItemDecision, memory: RankedMemory | None) -> Self:
        """Return the record of a decision, with the score of the memory it is on."""
        return cls(
            section=decision.section,
            id=decision.id,
            rank=decision.rank,
            included=decision.reason != "budget",
            reason=decision.reason,
            tokens=decision.tokens,
            sent_characters=decision.sent_characters,
            score=None if memory is None else memory.score,
            recency=None if memory is None else memory.recency,
            importance=None if memory is None else memory.importance,
            relevance=None if memory is None else memory.relevance,
        )


class BoostRecord(_Record):
    """Where a candidate stood in the search, and what the user's preferences and feedback did to its score."""

    found_rank: int
    found_score: float
    total: float | None = Field(description="part of the normalised score that was added; null for a banned one")
    own_feedback: float | None = None
    workspace_feedback: float | None = None
    preferred_source: float | None = None
    preferred_tag: float | None = None

    @classmethod
    def of(cls, found: FoundAt) -> Self:
        """Return the record of a candidate's former place."""
        boost = found.boost
        if boost is None:
            total = None if found.is_banned else 0.0
            return cls(found_rank=found.rank, found_score=found.score, total=total)
        return cls(
            found_rank=found.rank,
            found_score=found.score,
            total=boost.total,
            own_feedback=boost.own_feedback,
            workspace_feedback=boost.workspace_feedback,
            preferred_source=boost.preferred_source,
            preferred_tag=boost.preferred_tag,
        )


class AnswerWishes(_Record):
    """How the user wanted to be answered when the context was made."""

    language: Text | None = None
    verbosity: Literal["brief", "normal", "detailed"] | None = None
