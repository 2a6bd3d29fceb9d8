"""How much of the marked answers a ranked list sends within a token budget: span recall and span precision.

Only source text counts: no prefixes, no envelope, no question. One tokenizer counts for all strategies.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.evaluation.version_span import VersionSpan
from configs.span import Span, union
from ingest.tokenizers import DEFAULT_TOKENIZER, token_offsets

TOKENIZER = DEFAULT_TOKENIZER
"""The tokenizer that counts and cuts, whatever strategies use themselves."""


@dataclass(frozen=True, slots=True)
class SentText:
    """What of a ranked list fits a budget: spans in rank order, the last one cut, and their tokens."""

    spans: tuple[VersionSpan, ...]
    tokens: int


class TokenMeter:
    """Counts and cuts the tokens of texts, each place once; overlong unknown words count as several."""

    def __init__(self) -> None:
        self._counts: dict[VersionSpan, int] = {}
        self._cuts: dict[tuple[VersionSpan, int], int] = {}

    def count(self, place: VersionSpan, text: str) -> int:
        """Return the tokens of `text`, which is what stands at `place`."""
        if place not in self._counts:
            self._counts[place] = len(token_offsets(text, TOKENIZER).starts)
        return self._counts[place]

    def cut(self, place: VersionSpan, text: str, tokens: int) -> int:
        """Return behind how many characters the first `tokens` (1 or more) tokens of `text` end."""
        if (place, tokens) not in self._cuts:
            self._cuts[place, tokens] = token_offsets(text, TOKENIZER).ends[tokens - 1]
        return self._cuts[place, tokens]


def cut_at_budget(ranked: Iterable[tuple[VersionSpan, str]], budget_tokens: int, meter: TokenMeter) -> SentText:
    """Return the text of `ranked` (places with their texts, best first) up to the budget.

    The first text that does not fit is cut after its last token that does, and nothing follows it. Text that is sent
    twice pays twice.
    """
    spans: list[VersionSpan] = []
    left_tokens = budget_tokens
    for place, text in ranked:
        tokens = meter.count(place, text)
        if tokens > left_tokens:
            if left_tokens:
                cut = meter.cut(place, text, left_tokens)
                spans.append(VersionSpan(place.version_id, Span(place.span.start, place.span.start + cut)))
                left_tokens = 0
            break
        spans.append(place)
        left_tokens -= tokens
    return SentText(tuple(spans), budget_tokens - left_tokens)


def span_recall(gold: Sequence[VersionSpan], sent: Sequence[VersionSpan]) -> float:
    """Return the share of the gold characters that were sent; characters marked or sent twice count once.

    `gold` marks at least one character.
    """
    return shared_characters(gold, sent) / sum(len(span) for spans in _united(gold).values() for span in spans)


def span_precision(gold: Sequence[VersionSpan], sent: Sequence[VersionSpan]) -> float:
    """Return the share of the characters sent that are gold, 0 where nothing was sent.

    What is sent twice counts twice as sent and once as gold, so that overlap costs precision.
    """
    characters = sum(len(span) for span in sent)
    return shared_characters(gold, sent) / characters if characters else 0.0


def shared_characters(gold: Sequence[VersionSpan], sent: Sequence[VersionSpan]) -> int:
    """Return how many characters are both gold and sent, each counted once."""
    sent_by_version = _united(sent)
    return sum(
        wanted.overlap(found)
        for version_id, spans in _united(gold).items()
        for wanted in spans
        for found in sent_by_version.get(version_id, ())
    )


def _united(places: Sequence[VersionSpan]) -> dict[str, list[Span]]:
    by_version: defaultdict[str, list[Span]] = defaultdict(list)
    for place in places:
        by_version[place.version_id].append(place.span)
    return {version_id: union(spans) for version_id, spans in by_version.items()}
