"""The most score for each token first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from app.context.packers import Packer, PackItem, Room
from app.context.packers.gain import gains_of
from configs.part import LIVE


class Density(Packer):
    """Take items in order of their score per token; skip one that does not fit and go on with the next.

    Many short items with good scores are sent in place of one long item with a somewhat better score. Scores count from
    0, or from the lowest where that is negative. Where two give the same per token, the better score goes first.
    """

    kind: Literal["density"]
    smallest_tokens: int = Field(
        64,
        ge=1,
        le=100_000,
        description="an item with fewer tokens counts as having so many, so that headings and crumbs do not win by "
        "being short",
        json_schema_extra=LIVE,
    )

    def fill(self, items: Sequence[PackItem], room: Room) -> None:
        """Offer the items by score per token."""
        densities = [
            gain / max(item.tokens, self.smallest_tokens) for gain, item in zip(gains_of(items), items, strict=True)
        ]
        for number in sorted(range(len(items)), key=lambda number: -densities[number]):
            room.offer(number)
