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
_ABBREVIATIONS_WITH_A_NAME = {
    "capt", "cmdr", "co", "col", "corp", "ft", "gen", "gov", "hon", "inc", "lt", "ltd", "maj", "mt", "pres", "rep",
    "rev", "sen", "sgt",
}  # fmt: skip
"""Written with a capital, of a title, a place or a company; in small letters some are units and words (10 ft.)."""

_OPENING_WORDS = {
    "a", "according", "after", "all", "also", "although", "an", "and", "as", "at", "because", "before", "both", "but",
    "by", "during", "each", "every", "for", "from", "he", "her", "here", "his", "how", "however", "i", "if", "in", "it",
    "its", "many", "meanwhile", "most", "my", "no", "not", "on", "or", "our", "she", "since", "so", "some", "such",
    "that", "the", "their", "then", "there", "therefore", "these", "they", "this", "those", "thus", "to", "under",
    "until", "we", "what", "when", "where", "which", "while", "who", "why", "with", "yet", "you", "your",
    "aber", "als", "am", "auch", "auf", "bei", "das", "dann", "der", "die", "dies", "diese", "dieser", "dieses", "doch",
    "ein", "eine", "er", "es", "ich", "im", "mit", "nach", "oder", "seit", "sie", "und", "vor", "wenn", "wir",
}  # fmt: skip
"""What no name begins with: after an abbreviation that belongs to a name these open a sentence."""

_NEXT_WORD = re.compile(r"[^\w\s]*([^\W\d_]+)(?!\.)\b")
_DAY = re.compile(r"(?<!\w)(?<!\d[.,])\d{1,2}\.$")
_GERMAN_MONTH = re.compile(
    r"(?:Januar|Jänner|Februar|Feber|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember"
    r"|(?:Jan|Feb|Mär|Apr|Jun|Jul|Aug|Sept?|Okt|Nov|Dez)\.)(?!\w)"
)
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
    number) ends no sentence, nor does the number of a list item, nor a day before the German name of its month
    (3. Oktober). An abbreviation that belongs to a name (Gen., Mt., Inc., with a capital) ends one where a usual
    opening word follows: "Acme Inc. The".
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
    if _DAY.search(left[-8:]) and _GERMAN_MONTH.match(right):
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
    written = left[start:end]
    word = written.lower()
    if start > 0 and (left[start - 1].isalnum() or left[start - 1] == "_"):
        return False
    is_before_number = right[0].isdigit() and word in _ABBREVIATIONS_BEFORE_A_NUMBER
    is_in_name = written[:1].isupper() and word in _ABBREVIATIONS_WITH_A_NAME and not _opens_sentence(right)
    return len(word) == 1 or word in _ABBREVIATIONS or is_before_number or is_in_name


def _opens_sentence(right: str) -> bool:
    """Tell whether the first word of `right` is one that opens sentences; an initial (A.) is not."""
    word = _NEXT_WORD.match(right)
    return word is not None and word[1].lower() in _OPENING_WORDS
