"""A table of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """A head and rows of as many cells, all of it plain text; without rows there is nothing to show."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
