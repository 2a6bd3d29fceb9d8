"""Where sentences end in a text; a rule of thumb for cutting and for reports, not a linguistic analysis."""

from __future__ import annotations

import re
from collections.abc import Iterator

from configs.span import Span

_REACH = 400
"""Characters read on either side of a position."""

_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’»)\]]*$")  # noqa: RUF001  # these very characters end sentences
_ABBREVIATIONS = {
    "al", "approx", "bzw", "ca", "cf", "dept", "dr", "fig", "fr", "hr", "inkl", "jr", "mr", "mrs", "ms", "prof", "resp",
    "sr", "st", "usw", "vgl", "vs",
}  # fmt: skip
_ABBREVIATIONS_BEFORE_A_NUMBER = {
    "abs", "apr", "art", "aug", "ch", "chap", "dec", "eq", "feb", "figs", "jan", "jul", "jun", "mar", "no", "nos",
    "nov", "nr", "oct", "p", "par", "pp", "sec", "sect", "sep", "sept", "tab", "ver", "vol",
}  # fmt: skip
_LONGEST_ABBREVIATION = 6
_NEW_ITEM = re.compile(r"[ \t]*(?:[-*+•#>|]|\d+[.)])")
_ITEM_MARKER = re.compile(r"[ \t]*(?:\d{1,3}|[^\W\d_])[.)]")
"""The whole of a line before a cut, where it is but the number of a list item."""

_CANDIDATE = re.compile(
    r"[.!?…][\"'”’»)\]]*\s+"  # noqa: RUF001  # as above
    r"|[。！？][\"'”’»)\]]*\s*"  # noqa: RUF001  # as above
    r"|\n[^\S\n]*\n\s*"
    r"|\n(?=[ \t]*(?:[-*+•#>|]|\d+[.)]))"
)
"""Everything after which a sentence may begin; only `is_inside_sentence` decides."""


def is_inside_sentence(text: str, position: int) -> bool:
    """Tell whether a cut at `position` separates words of one sentence.

    It does not at either end of the text, at an empty line, before a line that opens a list item, heading, quotation
    or table row, or where the text before it ends in . ! ? … (closing quotes and brackets may follow) and white space
    and no lower-case letter comes next. An abbreviation (Dr., e.g., a single letter; No., Fig. and months before a
    number) ends no sentence, nor does the number of a list item.
    """
    before = text[max(0, position - _REACH) : position]
    after = text[position : position + _REACH]
    left, right = before.rstrip(), after.lstrip()
    if not left or not right:
        return False
    gap = before[len(left) :] + after[: len(after) - len(right)]
    if gap.count("\n") > 1 or ("\n" in gap and _NEW_ITEM.match(right)):
        return False
    if not _SENTENCE_END.search(left[-20:]) or _is_abbreviated(left, right):
        return True
    if "\n" not in gap and _ITEM_MARKER.fullmatch(left[left.rfind("\n") + 1 :]):
        return True
    return right[0].islower() or (not gap and left[-1] in ".!?" and right[0].isalnum())


def sentence_starts(text: str, start: int, end: int) -> Iterator[int]:
    """Yield, in order, each position after `start` and before `end` where a sentence begins.

    White space between two sentences belongs to the first. Time is linear in the stretch.
    """
    for match in _CANDIDATE.finditer(text, start, end):
        position = match.end()
        if start < position < end and not is_inside_sentence(text, position):
            yield position


def sentence_spans(text: str) -> Iterator[Span]:
    """Yield the sentences in order, none blank; together they are the text, white space behind each included."""
    start = 0
    for end in (*sentence_starts(text, 0, len(text)), len(text)):
        if text[start:end].strip():
            yield Span(start, end)
            start = end


def _is_abbreviated(left: str, right: str) -> bool:
    """Tell whether `left` ends in a full stop that belongs to its last word: a single letter, or an abbreviation."""
    start = end = len(left) - 1
    if left[end] != ".":
        return False
    while start > 0 and left[start - 1].isalpha() and end - start <= _LONGEST_ABBREVIATION:
        start -= 1
    word = left[start:end].lower()
    if start > 0 and (left[start - 1].isalnum() or left[start - 1] == "_"):
        return False
    is_before_number = right[0].isdigit() and word in _ABBREVIATIONS_BEFORE_A_NUMBER
    return len(word) == 1 or word in _ABBREVIATIONS or is_before_number
