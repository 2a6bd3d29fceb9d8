"""Whether a position in a text lies inside a sentence; a rule of thumb for reports, not a linguistic analysis."""

from __future__ import annotations

import re

_REACH = 400
"""Characters read on either side of a position."""

_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’»)\]]*$")  # noqa: RUF001  # these very characters end sentences
_NO_SENTENCE_END = re.compile(r"\b(?:[^\W\d_]|dr|mr|mrs|ms|prof|fig|vs|cf|e\.g|i\.e|approx)\.$", re.IGNORECASE)
_NEW_ITEM = re.compile(r"[ \t]*(?:[-*+•#>|]|\d+[.)])")


def is_inside_sentence(text: str, position: int) -> bool:
    """Tell whether a cut at `position` separates words of one sentence.

    It does not at either end of the text, at an empty line, before a line that opens a list item, heading, quotation
    or table row, or where the text before it ends in . ! ? … (closing quotes and brackets may follow) and white space
    and no lower-case letter comes next. An abbreviation (Dr., e.g., a single letter) ends no sentence.
    """
    before = text[max(0, position - _REACH) : position]
    after = text[position : position + _REACH]
    left, right = before.rstrip(), after.lstrip()
    if not left or not right:
        return False
    gap = before[len(left) :] + after[: len(after) - len(right)]
    if gap.count("\n") > 1 or ("\n" in gap and _NEW_ITEM.match(right)):
        return False
    if not _SENTENCE_END.search(left) or _NO_SENTENCE_END.search(left):
        return True
    return right[0].islower() or (not gap and left[-1] in ".!?" and right[0].isalnum())
