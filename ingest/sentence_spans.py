"""The sentences of a text as spans, by the rule of thumb of `ingest.sentences`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from configs.span import Span
from ingest.sentences import is_inside_sentence

_REACH = 48
"""Characters around a possible end that decide; the rule looks no further back than an abbreviation."""

_POSSIBLE_END = re.compile(
    r"""(?:[.!?…]["'”’»)\]]*\s+)"""  # noqa: RUF001  # these very characters end sentences
    r"""|(?:[。！？]["'”’»)\]]*\s*)"""  # noqa: RUF001  # those sentences end in them
    r"|(?:\n\s*\n\s*)"
    r"|(?:\n(?=[ \t]*(?:[-*+•#>|]|\d+[.)])))"
)


def sentence_spans(text: str) -> Iterator[Span]:
    """Yield the sentences in order, none blank; together they are the text, white space behind each included.

    A line that opens a list item, heading, quotation or table row begins one, and so does what follows an empty line.
    """
    start = 0
    for match in _POSSIBLE_END.finditer(text):
        end = match.end()
        near = max(0, end - _REACH)
        if end == len(text) or is_inside_sentence(text[near : end + _REACH], end - near):
            continue
        if text[start:end].strip():
            yield Span(start, end)
            start = end
    if text[start:].strip():
        yield Span(start, len(text))
