"""The set of items that is worth most."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from app.context.packers import Packer, PackItem, Room
from app.context.packers.gain import gains_of, reciprocal_ranks_of
from app.context.packers.programme import Load, best_loads
from configs.part import LIVE

MOST_LOADS = 100
"""So many of the best items that fit at all enter the programme; the others fill what it leaves."""

MOST_UNITS = 32_768
"""Larger budgets are counted in units of so many tokens that there are no more units than this."""

MOST_UNITS_UNDER_A_CAP = 4_096
"""The same where documents are capped: each way to fill a document up to its cap is then a choice of the programme."""


class Knapsack(Packer):
    """Send the set of items that is worth most together, found by dynamic programming (0/1 knapsack).

    - Counted by the token, the set is exactly the best one of the best 100 items that fit at all, caps included: no
      less than `greedy` would send, and a larger budget is never worth less.
    - Items beyond those 100 fill what is left, best first. With larger units, which budgets over 32,768 tokens get in
      any case (over 4,096 where documents are capped), tokens are rounded up: a set is missed that fits by less than a
      unit for each item. The result is then still never worth less than that of `greedy`.
    - The items of the set have their turn before the others.
    """

    kind: Literal["knapsack"]
    value: Literal["reciprocal_rank", "score"] = Field(
        "reciprocal_rank",
        description="what an item is worth: `reciprocal_rank`: 1, 1/2, 1/3 ... by score, equal scores alike; `score`: "
        "its score, counted from the lowest where that is negative",
        json_schema_extra=LIVE,
    )
    unit_tokens: int = Field(
        1,
        ge=1,
        le=1_024,
        description="tokens are counted in units of so many, rounded up for each item; 1 is exact; 8 takes about half "
        "the time and loses less than 1 % of what the items are worth",
        json_schema_extra=LIVE,
    )

    def fill(self, items: Sequence[PackItem], room: Room) -> None:
        """Offer the items of the best set."""
        values = reciprocal_ranks_of(items) if self.value == "reciprocal_rank" else gains_of(items)
        by_score = range(len(items))
        plans = [self._best_set(items, values, room), by_score]
        worths = [_worth([*plan, *by_score], values, room.copy()) for plan in plans]
        for number in plans[worths.index(max(worths))]:
            room.offer(number)

    def _best_set(self, items: Sequence[PackItem], values: Sequence[float], room: Room) -> Sequence[int]:
        numbers = [number for number in range(len(items)) if room.fits(number)][:MOST_LOADS]
        most_units = MOST_UNITS if self.max_share_per_document == 1 else MOST_UNITS_UNDER_A_CAP
        unit = max(self.unit_tokens, -(-room.left_tokens // most_units))
        loads = [
            Load(-(-items[number].tokens // unit), values[number], items[number].document_id) for number in numbers
        ]
        left = {load.group: room.left_for(load.group) // unit for load in loads}
        return [numbers[chosen] for chosen in best_loads(loads, room.left_tokens // unit, left)]


def _worth(order: Sequence[int], values: Sequence[float], room: Room) -> float:
    for number in order:
        room.offer(number)
    return math.fsum(values[number] for number in room.taken())
