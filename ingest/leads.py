"""Leads: spans of a text that are repeated in front of a chunk (`configs.span.Lead`), and how long they may be."""

from __future__ import annotations

from collections.abc import Sequence

from configs.span import NO_LEAD, Lead, Span
from ingest.tokenizers import count_tokens

PREFIX_SHARE = 4
"""A prefix, its lead included, has at most a quarter of the tokens a chunk may have: it never outweighs the text."""


def lead_text(text: str, lead: tuple[Span, ...]) -> str:
    """Return what the spans say, one right after the other."""
    return "".join(text[span.start : span.end] for span in lead)


def lead_fits(text: str, lead: tuple[Span, ...], size_tokens: int, tokenizer: str) -> bool:
    """Tell whether the lead has at most a quarter of the size in tokens."""
    return count_tokens(lead_text(text, lead), tokenizer) <= size_tokens // PREFIX_SHARE


def fitting_lead(text: str, lead: tuple[Span, ...], size_tokens: int, tokenizer: str) -> tuple[Span, ...]:
    """Return as many of the last spans as fit: what is closest to the chunk says most of it."""
    while lead and not lead_fits(text, lead, size_tokens, tokenizer):
        lead = lead[1:]
    return lead


def stored_lead(prefix: str, spans: Sequence[Sequence[int]] | None) -> Lead:
    """Return the lead of a stored chunk: its spans as [start, end], None for none, and the prefix that ends with it."""
    if spans is None:
        return NO_LEAD
    lead = tuple(Span(start, end) for start, end in spans)
    return Lead(lead, prefix[len(prefix) - sum(map(len, lead)) :])
