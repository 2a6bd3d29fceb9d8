"""Items written in one line, and every set of them that may be sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations

from app.context.packers import Packed, PackItem
from configs.span import Span

PACKED = Packed(reason="packed")


def item(tokens: int, score: float, document_id: str = "a", start: int = 0, text: str = "") -> PackItem:
    """Return an item of ten characters."""
    return PackItem(
        tokens=tokens,
        score=score,
        document_id=document_id,
        version_id=f"{document_id}-1",
        span=Span(start, start + 10),
        text=text,
    )


def skipped(needed_tokens: int, left_tokens: int) -> Packed:
    """Return the decision on an item that the budget had no room for."""
    return Packed(reason="budget", needed_tokens=needed_tokens, left_tokens=left_tokens)


def sent(decisions: Sequence[Packed]) -> list[int]:
    """Return the numbers of the items that are sent."""
    return [number for number, decision in enumerate(decisions) if decision.is_included]


def allowed_sets(items: Sequence[PackItem], budget_tokens: int, share: float = 1.0) -> Iterator[tuple[int, ...]]:
    """Yield the numbers of each set of items that budget and cap allow."""
    for size in range(len(items) + 1):
        for numbers in combinations(range(len(items)), size):
            used_tokens: Counter[str] = Counter()
            for number in numbers:
                used_tokens[items[number].document_id] += items[number].tokens
            if used_tokens.total() <= budget_tokens and all(
                tokens <= share * budget_tokens + 1e-9 for tokens in used_tokens.values()
            ):
                yield numbers
