"""How much of a request a prompt cache can hold: what is stable by plan, and what the last request shares with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from app.context.sections.settings import DEFAULT_SECTIONS, SECTION_ORDER, SectionName, SectionSettings

LONGEST_WORD_CHARACTERS = 64


def common_prefix_tokens(previous: Sequence[str], current: Sequence[str], count: Callable[[str], int]) -> int:
    """Return the tokens of what two requests, given as the contents of their messages, have in common at the front.

    Messages are compared one after the other, characters within the first that differs. A word in which they part is
    not shared, since its tokens differ from its first letter on.
    """
    tokens = 0
    for one, other in zip(previous, current, strict=False):
        if one != other:
            return tokens + count(common_text(one, other))
        tokens += count(one)
    return tokens


def common_text(one: str, other: str) -> str:
    """Return the longest beginning of both texts that ends at the border of a word in both."""
    length = _common_length(one, other)
    if not (_is_inside_word(one, length) or _is_inside_word(other, length)):
        return one[:length]
    start = length
    while start > 0 and one[start - 1].isalnum():
        start -= 1
    # A run of letters longer than any word is a text without spaces, where every letter is a border.
    return one[: length if length - start > LONGEST_WORD_CHARACTERS else start]


def stable_prefix_tokens(
    tokens: Mapping[SectionName, int], settings: Mapping[SectionName, SectionSettings] = DEFAULT_SECTIONS
) -> int:
    """Return the tokens of the sections before the first one that changes with every turn.

    An empty section is not sent and ends nothing.
    """
    stable_tokens = 0
    for name in SECTION_ORDER:
        if tokens.get(name, 0) and settings.get(name, DEFAULT_SECTIONS[name]).stability == "turn":
            break
        stable_tokens += tokens.get(name, 0)
    return stable_tokens


def _common_length(one: str, other: str) -> int:
    """Return the number of characters at the front that are the same: comparing halves beats comparing letters."""
    same, too_many = 0, min(len(one), len(other)) + 1
    while too_many - same > 1:
        middle = (same + too_many) // 2
        if one[same:middle] == other[same:middle]:
            same = middle
        else:
            too_many = middle
    return same


def _is_inside_word(text: str, position: int) -> bool:
    return 0 < position < len(text) and text[position - 1].isalnum() and text[position].isalnum()
