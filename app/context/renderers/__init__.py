"""The family of renderers: from chosen texts to what a model is sent."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from app.context.envelope import NONCE, SourceBlock, closing, occurs, opening, texts_of
from app.context.section_texts import (
    NO_SECTIONS,
    SectionTexts,
    SpokenTurn,
    history_block,
    instructions_with,
    memories_block,
    profile_block,
    turn_lines,
)
from configs.part import JsonObject, Part, canonical_json, import_members

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
class TextBlock:
    """A part of a message; where `ends_prefix`, the provider is asked to keep everything up to its end in its cache."""

    text: str
    ends_prefix: bool = False

    def as_json(self) -> JsonObject:
        """Return the block as Anthropic's Messages API takes it."""
        return {"type": "text", "text": self.text} | (
            {"cache_control": {"type": "ephemeral"}} if self.ends_prefix else {}
        )


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message: its text, or the blocks that make it up."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | tuple[TextBlock, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """Return what a model reads of it."""
        return (self.content,) if isinstance(self.content, str) else tuple(block.text for block in self.content)

    def as_json(self) -> JsonObject:
        """Return the message as providers take it."""
        content = self.content
        written = content if isinstance(content, str) else [block.as_json() for block in content]
        return {"role": self.role, "content": written}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A context ready to send: one text, or chat messages, with `system` in front where the provider has it apart.

    `framing_tokens` is what the provider adds around messages; it is counted with the contents.
    """

    text: str | None = None
    messages: tuple[Message, ...] = ()
    framing_tokens: int = 0
    system: tuple[TextBlock, ...] = ()

    @property
    def contents(self) -> tuple[str, ...]:
        """Return every string that a model reads, in order; instructions in the first, sources in the last."""
        if self.text is not None:
            return (self.text,)
        return (*(block.text for block in self.system), *(text for one in self.messages for text in one.texts))

    def as_json(self) -> JsonObject:
        """Return `{"text": ...}` or `{"messages": [{"role": ..., "content": ...}, ...]}`, the latter with `system`
        where it stands apart.
        """
        if self.text is not None:
            return {"text": self.text}
        system = {"system": [block.as_json() for block in self.system]} if self.system else {}
        return system | {"messages": [message.as_json() for message in self.messages]}

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
    Tokens of chat templates in sources are broken before they come here (`template_tokens.guarded`).
    """

    @abstractmethod
    def render(self, material: Material) -> Rendered:
        """Return the model input."""

    def opening(self, source: SourceBlock, nonce: str) -> str:
        """Return the lines in front of a source's text; what they say of its origin is `envelope.escaped`."""
        return opening(source, nonce)

    def closing(self, nonce: str) -> str:
        """Return the lines behind a source's text, the same for each; they carry the nonce."""
        return closing(nonce)

    def framed(self, sources: Sequence[SourceBlock], nonce: str) -> str:
        """Return the sources, each between its own lines and as it is."""
        return "".join(self.opening(source, nonce) + source.text + self.closing(nonce) for source in sources)

    def frame(self, source: SourceBlock, nonce: str) -> str:
        """Return what stands around the text of one source, for planning; the finished context is counted anyway."""
        return self.opening(source, nonce) + self.closing(nonce)

    def turns_tokens(self, turns: Sequence[SpokenTurn], count_all: CountAll) -> list[int]:
        """Return what sending each turn of the conversation costs, for planning."""
        return count_all([turn_lines(turn) for turn in turns])


def one_text(material: Material, documents: str, question: str) -> Rendered:
    """Return a text with one section after the other, those that say nothing left out."""
    sections = material.sections
    parts = [
        instructions_with(material.instructions, sections),
        profile_block(sections.profile),
        history_block(sections.history),
        memories_block(sections.memories),
        documents,
        question,
    ]
    return Rendered(text="\n\n".join(part for part in parts if part))


import_members(__name__, __path__)
