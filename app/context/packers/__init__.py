"""The family of packers: which candidates fit into a token budget."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from configs.part import LIVE, Part, import_members
from configs.span import Span

CLOSE_TO_THE_TOP = 0.9
"""Documents compete for a place as one of `min_sources` where their best score, 1 for the top and 0 for the lowest, is
at least this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackItem:
    """A candidate as packers see it. `tokens` is all that sending it costs, its delimiters included.

    `text` is what packers compare that look at what items say; the others never read it.
    """

    tokens: int
    score: float
    document_id: str
    version_id: str
    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What became of an item. One that was left out says how many tokens it needed and how many were left for it.

    `left_tokens` is what was left when its turn came, in the order of the packer; `source_cap` means that it would have
    fitted but for its document, which had used up its share.
    """

    reason: Literal["packed", "budget", "source_cap"]
    needed_tokens: int = 0
    left_tokens: int = 0

    @property
    def is_included(self) -> bool:
        """Tell whether the item is sent."""
        return self.reason == "packed"


class Room:
    """What is left of a budget while items, known by their number, are offered one after the other."""

    def __init__(self, items: Sequence[PackItem], budget_tokens: int, cap_tokens: int) -> None:
        self.left_tokens = budget_tokens
        self.decisions: dict[int, Packed] = {}
        self._items = items
        self._cap_tokens = cap_tokens
        self._used_tokens: Counter[str] = Counter()

    def copy(self) -> Room:
        """Return a room in the same state, to try something out in."""
        room = Room(self._items, self.left_tokens, self._cap_tokens)
        room.decisions = dict(self.decisions)
        room._used_tokens = self._used_tokens.copy()
        return room

    def offer(self, number: int) -> bool:
        """Take the item if it fits, else note why not; tell which. An item has one turn: a second changes nothing."""
        if number not in self.decisions:
            self.decisions[number] = self._decision(self._items[number])
        return self.decisions[number].is_included

    def left_for(self, document_id: str) -> int:
        """Return the tokens that one more item of the document may have."""
        return min(self.left_tokens, self._cap_tokens - self._used_tokens[document_id])

    def fits(self, number: int) -> bool:
        """Tell whether the item had no turn yet and would be taken."""
        item = self._items[number]
        return number not in self.decisions and item.tokens <= self.left_for(item.document_id)

    def fits_all(self) -> bool:
        """Tell whether all items would be taken, in whatever order they are offered; none may have had a turn yet."""
        wanted_tokens: Counter[str] = Counter()
        for item in self._items:
            wanted_tokens[item.document_id] += item.tokens
        return wanted_tokens.total() <= self.left_tokens and max(wanted_tokens.values(), default=0) <= self._cap_tokens

    def taken(self) -> list[int]:
        """Return the numbers of the items taken so far, in the order in which they were."""
        return [number for number, decision in self.decisions.items() if decision.is_included]

    def _decision(self, item: PackItem) -> Packed:
        left_tokens = self.left_for(item.document_id)
        if item.tokens > self.left_tokens:
            return Packed(reason="budget", needed_tokens=item.tokens, left_tokens=self.left_tokens)
        if item.tokens > left_tokens:
            return Packed(reason="source_cap", needed_tokens=item.tokens, left_tokens=left_tokens)
        self.left_tokens -= item.tokens
        self._used_tokens[item.document_id] += item.tokens
        return Packed(reason="packed")


class Packer(Part):
    """Chooses the items that are sent.

    Promises: one answer for each item, in the order of the items; the tokens of the included ones never exceed the
    budget; an item left out for `budget` or `source_cap` needed more than was left when its turn came, and more than is
    left in the end; the order in which items are given changes nothing; where everything fits and no setting caps it,
    everything is included. Scores are finite and higher is better; tokens are 0 or more.

    Every item has one turn. First come the best items of different documents that `min_sources` asks for, then the
    member's choice, then what it passed over, by score, as long as it fits.
    """

    max_share_per_document: float = Field(
        1.0,
        gt=0,
        le=1,
        description="largest part of the budget that one document may take; 1 is no cap. Try 0.6 where one long "
        "document crowds out others; where only one document answers, room then stays unused",
        json_schema_extra=LIVE,
    )
    min_sources: int = Field(
        0,
        ge=0,
        le=20,
        description="so many documents are represented, by their best item that fits, where at least so many score "
        "within 90 % of the top (of the way from the lowest score to the highest); 0 asks for none. Try 2 where "
        "questions compare documents",
        json_schema_extra=LIVE,
    )

    @abstractmethod
    def fill(self, items: Sequence[PackItem], room: Room) -> None:
        """Offer items to the room in the order of the packer's preference.

        `items` are best first, and those of equal score by document and position. Some may have been taken already;
        what is not offered is offered afterwards, best first.
        """

    def pack(self, items: Sequence[PackItem], budget_tokens: int) -> list[Packed]:
        """Return the decision for each of `items`; `budget_tokens` is 0 or more."""
        order = sorted(range(len(items)), key=lambda number: _precedence(items[number]))
        ranked = [items[number] for number in order]
        room = Room(ranked, budget_tokens, math.floor(self.max_share_per_document * budget_tokens + 1e-9))
        if not room.fits_all():
            self._represent(ranked, room)
            self.fill(ranked, room)
        for rank in range(len(ranked)):
            room.offer(rank)
        decisions = {number: room.decisions[rank] for rank, number in enumerate(order)}
        return [decisions[number] for number in range(len(items))]

    def _represent(self, ranked: Sequence[PackItem], room: Room) -> None:
        """Take the best item that fits of each of the first `min_sources` documents, if so many are close to the top.

        An item that does not fit keeps its turn for later: the room it is refused for may not be the reason.
        """
        if not self.min_sources or not ranked:
            return
        highest, lowest = ranked[0].score, ranked[-1].score
        bar = lowest + CLOSE_TO_THE_TOP * (highest - lowest)
        close = [rank for rank, item in enumerate(ranked) if item.score >= bar]
        if len({ranked[rank].document_id for rank in close}) < self.min_sources:
            return
        represented: set[str] = set()
        for rank in close:
            if len(represented) < self.min_sources and ranked[rank].document_id not in represented and room.fits(rank):
                room.offer(rank)
                represented.add(ranked[rank].document_id)


def _precedence(item: PackItem) -> tuple[float, str, int, int, str, int]:
    return -item.score, item.document_id, item.span.start, item.span.end, item.version_id, item.tokens


import_members(__name__, __path__)
