"""The family of renderers: from chosen texts to what a model is sent."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from app.context.envelope import NONCE, SourceBlock, closing, occurs, opening, texts_of
from app.context.section_texts import NO_SECTIONS, SectionTexts, SpokenTurn, turn_lines
from configs.part import Part, canonical_json, import_members

CountAll = Callable[[Sequence[str]], list[int]]
"""Returns the tokens of each text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What is to be rendered; the sources are untrusted, the instructions come from whoever made the policy.

    Of the sections, those of the workspace are trusted, those of the user are not. Building it raises ValueError where
    the nonce occurs in any text, so that no renderer can be given an unsafe one.
    """

    instructions: str
    question: str
    sources: Sequence[SourceBlock]
    nonce: str
    sections: SectionTexts = NO_SECTIONS

    def __post_init__(self) -> None:
        sources = (text for source in self.sources for text in texts_of(source))
        texts = [self.instructions, self.question, *self.sections.texts, *sources]
        if not NONCE.fullmatch(self.nonce) or occurs(self.nonce, texts):
            raise ValueError(f"the nonce {self.nonce!r} is malformed or occurs in a text that it should enclose")


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """A context ready to send: one text, or chat messages.

    `framing_tokens` is what the provider adds around messages; it is counted with the contents.
    """

    text: str | None = None
    messages: tuple[Message, ...] = ()
    framing_tokens: int = 0

    @property
    def contents(self) -> tuple[str, ...]:
        """Return every string that a model reads, in order; instructions in the first, sources in the last."""
        return tuple(message.content for message in self.messages) if self.text is None else (self.text,)

    def as_json(self) -> dict[str, Any]:
        """Return `{"text": ...}` or `{"messages": [{"role": ..., "content": ...}, ...]}`."""
        return (
            {"messages": [asdict(message) for message in self.messages]} if self.text is None else {"text": self.text}
        )

    @property
    def sha256(self) -> str:
        """Hash of the JSON form in 64 hex digits: equal exactly where the model reads the same."""
        return hashlib.sha256(canonical_json(self.as_json()).encode("ascii")).hexdigest()


class Renderer(Part):
    """Writes instructions, sources and question as one model input.

    Promises: every source stands in it once, its text as it is, inside delimiters that carry the nonce and its label,
    in the given order; nothing untrusted stands outside, and never in a system message; no label stands without its
    source; without sources there is no envelope; the question comes last; the same material gives the same bytes.
    Sections come most stable first: instructions, those of the workspace, notes, profile, history, memories, sources,
    question. What a user's sections say stands in tags that they cannot close, or in messages of their own. What a text
    says to a model cannot be taken from it: the border is kept visible, obedience is not prevented.
    """

    @abstractmethod
    def render(self, material: Material) -> Rendered:
        """Return the model input."""

    def frame(self, source: SourceBlock, nonce: str) -> str:
        """Return what stands around the text of one source, for planning; the finished context is counted anyway."""
        return opening(source, nonce) + closing(nonce)

    def turns_tokens(self, turns: Sequence[SpokenTurn], count_all: CountAll) -> list[int]:
        """Return what sending each turn of the conversation costs, for planning."""
        return count_all([turn_lines(turn) for turn in turns])


import_members(__name__, __path__)
