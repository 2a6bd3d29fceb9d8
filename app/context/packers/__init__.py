"""The family of packers: which candidates fit into a token budget."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from configs.part import Part, import_members
from configs.span import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class PackItem:
    """A candidate as packers see it. `tokens` is all that sending it costs, its delimiters included."""

    tokens: int
    score: float
    document_id: str
    version_id: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What became of an item. One that was left out says how many tokens it needed and how many were left for it.

    `source_cap` means that its document had used up its share.
    """

    reason: Literal["packed", "budget", "source_cap"]
    needed_tokens: int = 0
    left_tokens: int = 0

    @property
    def is_included(self) -> bool:
        """Tell whether the item is sent."""
        return self.reason == "packed"


class Packer(Part):
    """Chooses the items that are sent.

    Promises: one answer for each item, in the order of the items; the tokens of the included ones never exceed the
    budget; an item left out for `budget` or `source_cap` needed more than was left for it; the order in which items of
    equal score are given changes nothing; where everything fits and no setting caps it, everything is included. Scores
    are finite and higher is better; tokens are 0 or more.
    """

    @abstractmethod
    def pack(self, items: Sequence[PackItem], budget_tokens: int) -> list[Packed]:
        """Return the decision for each of `items`; `budget_tokens` is 0 or more."""


import_members(__name__, __path__)
