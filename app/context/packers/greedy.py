"""The best first, as long as they fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from app.context.packers import Packer, PackItem, Room


class Greedy(Packer):
    """Take items in order of their score; skip one that does not fit and go on with the next.

    The best item that fits at all is always sent. Ties are taken by document, then by position.
    """

    kind: Literal["greedy"]

    def fill(self, items: Sequence[PackItem], room: Room) -> None:
        """Offer the items best first."""
        for number in range(len(items)):
            room.offer(number)
