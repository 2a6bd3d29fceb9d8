"""Tokens of chat templates in sources: broken in what is sent, so that no backend can read them as a new message."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from app.context.envelope import Origin, SourceBlock

WORD_JOINER = "\N{WORD JOINER}"
"""Invisible; stands behind the first character of each token. Taking it out there gives back what the source says."""

OTHER = "<|…|>"
NAMES = (
    *("im_start", "im_end", "endoftext", "start_header_id", "end_header_id", "eot_id", "begin_of_text"),
    *("end_of_text", "system", "user", "assistant", "end"),
)
KNOWN = frozenset(f"<|{name}|>" for name in NAMES)
ANGLED = "s|bos|eos|BOS_TOKEN|EOS_TOKEN|(?:start|end)_of_turn|think|tool_call|tool_response"
"""Between angle brackets, each with its closing form: Llama, Gemma, Command, Qwen."""

BRACKETED = "INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|THINK"
"""Between square brackets, each with its closing form: Mistral."""

TEMPLATE_TOKEN = re.compile(
    rf"<[|\uff5c][^\s|\uff5c<>]{{1,64}}[|\uff5c]>|<</?SYS>>|</?(?:{ANGLED})>|\[/?(?:{BRACKETED})\]"
    r"|(?:(?<=[\n\r])|\A)(?:Human|Assistant):"
)

MARKS = ("<", *(f"{name}]" for name in BRACKETED.split("|")), "Human:", "Assistant:")
"""One of them is in every token; looking for them first takes a tenth of the time."""


def without_tokens(text: str) -> str:
    """Return the text with every template token broken; the same text where it has none."""
    if not any(mark in text for mark in MARKS):
        return text
    return TEMPLATE_TOKEN.sub(lambda token: token[0][0] + WORD_JOINER + token[0][1:], text)


def guarded(source: SourceBlock) -> SourceBlock:
    """Return the source as it is sent: the tokens in its text and in what its origin says are broken."""
    origin = source.origin
    safe = Origin(
        title=without_tokens(origin.title),
        heading_path=tuple(map(without_tokens, origin.heading_path)),
        page=without_tokens(origin.page),
        row=without_tokens(origin.row),
        line=without_tokens(origin.line),
    )
    return replace(source, origin=safe, text=without_tokens(source.text))


def token_counts(texts: Iterable[str]) -> dict[str, int]:
    """Return how often each token stands in the texts; `<|…|>` are those that are not known by name."""
    found = (token for text in texts for token in TEMPLATE_TOKEN.findall(text))
    named = (OTHER if token[1] in "|\uff5c" and token not in KNOWN else token for token in found)
    return dict(sorted(Counter(named).items()))
