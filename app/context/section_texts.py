"""How the sections besides documents are written: lines inside tags that nothing inside can close."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

INDENT = "\n  "
LINES_KEPT = 20_000
"""Facts and memories come again with each question, and several times in one context."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenTurn:
    """A turn of the conversation as it is sent."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionTexts:
    """What stands in a context besides instructions, documents and question; the first two are trusted.

    `profile` and `memories` are one line each, `history` comes oldest first.
    """

    workspace_instructions: str = ""
    notes: str = ""
    profile: tuple[str, ...] = ()
    history: tuple[SpokenTurn, ...] = ()
    memories: tuple[str, ...] = ()

    @property
    def texts(self) -> list[str]:
        """Return every text, for what must not occur in any of them."""
        turns = [turn.text for turn in self.history]
        return [self.workspace_instructions, self.notes, *self.profile, *turns, *self.memories]


NO_SECTIONS = SectionTexts()


def instructions_with(instructions: str, sections: SectionTexts) -> str:
    """Return the trusted texts, one after the other: instructions, those of the workspace, notes."""
    return "\n\n".join(part for part in (instructions, sections.workspace_instructions, sections.notes) if part)


def profile_block(lines: Sequence[str]) -> str:
    """Return the facts and wishes of a user inside their tags; "" where there are none."""
    return _block("profile", "".join(map(profile_line, lines)))


def profile_line(text: str) -> str:
    """Return one fact as it stands in its block."""
    return f"{one_line(text)}\n"


def memories_block(lines: Sequence[str]) -> str:
    """Return the memories inside their tags; "" where there are none."""
    return _block("memories", "".join(map(memory_line, lines)))


def memory_line(text: str) -> str:
    """Return one memory as it stands in its block."""
    return f"- {one_line(text)}\n"


def history_block(turns: Sequence[SpokenTurn]) -> str:
    """Return the conversation inside its tags, one speaker a line; "" where there is none."""
    return _block("history", "".join(map(turn_lines, turns)))


def turn_lines(turn: SpokenTurn) -> str:
    """Return one turn as it stands in its block; only its first line can name a speaker."""
    speaker = "User" if turn.role == "user" else "Assistant"
    return f"{speaker}: {INDENT.join(html.escape(turn.text, quote=False).splitlines())}\n"


def _block(tag: str, inside: str) -> str:
    return f"<{tag}>\n{inside}</{tag}>" if inside else ""


@lru_cache(maxsize=LINES_KEPT)
def one_line(text: str) -> str:
    """Return the text escaped and in one line, remembered."""
    return html.escape(" ".join(text.split()), quote=False)
