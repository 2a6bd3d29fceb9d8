"""A context that was put together, and how it came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass

from app.context.envelope import Origin
from app.context.passages import Decision
from app.context.personal.fitting import FittedSections
from app.context.personal.material import PersonalMaterial
from app.context.personal.ranking import FoundAt
from app.context.policy import ContextPolicy
from app.context.renderers import Rendered
from configs.span import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a label stands for: the text of `lead`, then that of `span`; `tokens` counts both.

    `described_at` is the position whose headings and page `origin` names.
    """

    label: str
    document_id: str
    version_id: str
    span: Span
    origin: Origin
    described_at: int
    tokens: int
    lead: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUse:
    """Where the tokens of a rendered context went; `envelope` is all that is none of the others."""

    instructions: int
    question: int
    documents: int
    envelope: int
    workspace_instructions: int = 0
    notes: int = 0
    profile: int = 0
    history: int = 0
    memories: int = 0

    @property
    def total(self) -> int:
        """Return the tokens of the whole rendering."""
        return sum(astuple(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """A context and how it came about: one decision for each candidate, in order of rank.

    `found_at` tells by rank where a candidate stood before the user's bans and boosts; empty where they changed
    nothing. `broken_tokens` are the chat-template tokens in the sources' texts, each with its number.
    """

    policy: ContextPolicy
    question: str
    nonce: str
    rendered: Rendered
    tokens: TokenUse
    tokenizer: str
    is_exact: bool
    sources: tuple[Source, ...]
    decisions: tuple[Decision, ...]
    sections: FittedSections
    found_at: Mapping[int, FoundAt]
    personal: PersonalMaterial
    broken_tokens: Mapping[str, int]
