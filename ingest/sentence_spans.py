"""The sentences of a text as spans, by the rule of thumb of `ingest.sentences`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from configs.span import Span
from ingest.sentences import is_inside_sentence

_POSSIBLE_END = re.compile(
    r"""(?:[.!?…]["'”’»)\]]*\s+)"""  # noqa: RUF001  # these very characters end sentences
    r"""|(?:[。！？]["'”’»)\]]*\s*)"""  # noqa: RUF001
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
        if end < len(text) and not is_inside_sentence(text, end) and text[start:end].strip():
            yield Span(start, end)
            start = end
    if text[start:].strip():
        yield Span(start, len(text))
