"""The best first, as long as they fit."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from app.context.packers import Packed, Packer, PackItem
from configs.part import LIVE


class Greedy(Packer):
    """Take items in order of their score; skip one that does not fit and go on with the next.

    The best item that fits at all is always sent, and whatever was left out for the budget would not fit into what is
    left in the end either. Ties are taken by document, then by position.
    """

    kind: Literal["greedy"]
    max_share_per_document: float = Field(
        1.0,
        gt=0,
        le=1,
        description="largest part of the budget that one document may take; 1 is no cap. Try 0.6 where one long "
        "document crowds out others; where only one document answers, room then stays unused",
        json_schema_extra=LIVE,
    )

    def pack(self, items: Sequence[PackItem], budget_tokens: int) -> list[Packed]:
        """Return the decision for each of `items`."""
        cap_tokens = math.floor(self.max_share_per_document * budget_tokens + 1e-9)
        left_tokens = budget_tokens
        used_tokens: Counter[str] = Counter()
        decisions: dict[int, Packed] = {}
        for number in sorted(range(len(items)), key=lambda number: _precedence(items[number])):
            item = items[number]
            left_under_cap_tokens = cap_tokens - used_tokens[item.document_id]
            if item.tokens > left_tokens:
                decisions[number] = Packed(reason="budget", needed_tokens=item.tokens, left_tokens=left_tokens)
            elif item.tokens > left_under_cap_tokens:
                decisions[number] = Packed(
                    reason="source_cap", needed_tokens=item.tokens, left_tokens=left_under_cap_tokens
                )
            else:
                decisions[number] = Packed(reason="packed")
                left_tokens -= item.tokens
                used_tokens[item.document_id] += item.tokens
        return [decisions[number] for number in range(len(items))]


def _precedence(item: PackItem) -> tuple[float, str, int, int, str, int]:
    return -item.score, item.document_id, item.span.start, item.span.end, item.version_id, item.tokens
