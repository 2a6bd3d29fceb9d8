"""Pages of a version: where each begins, and which one holds a position."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from operator import itemgetter

from configs.part import JsonObject


def page_starts(structure: Sequence[JsonObject]) -> list[tuple[int, str]]:
    """Return where each page of a version begins, with its label, in order."""
    return [(block["start"], block["label"]) for block in structure if block["kind"] == "page"]


def page_at(pages: Sequence[tuple[int, str]], position: int) -> str:
    """Return the label of the page that holds `position`, "" where there is none."""
    number = bisect.bisect_right(pages, position, key=itemgetter(0))
    return pages[number - 1][1] if number else ""
