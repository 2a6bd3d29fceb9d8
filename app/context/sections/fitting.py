"""What is kept of a section that wants more tokens than it got."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from app.context.sections.settings import Overflow
from configs.errors import InvalidInputError

T = TypeVar("T")

_GAP = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted(Generic[T]):
    """The items that are sent, in their order, and those that are not; a cut item stands in `kept` as it was cut.

    `cut` is the position in the given items of the one that was cut, None where all are whole.
    """

    kept: tuple[T, ...]
    dropped: tuple[T, ...]
    cut: int | None = None


def fit_items(
    items: Sequence[T],
    tokens: Callable[[T], int],
    allowed_tokens: int,
    overflow: Overflow,
    *,
    score: Callable[[T], float] | None = None,
    cut: Callable[[T, int], T | None] | None = None,
) -> Fitted[T]:
    """Return which items are kept within `allowed_tokens`; they come oldest first, or in the order of reading.

    Where all fit, all are kept. Otherwise `drop_oldest` keeps the newest ones without a gap (and of the newest alone
    what `cut` leaves of it, rather than nothing); `drop_lowest` takes them by `score`, earlier ones first where equal,
    and passes over what does not fit; `truncate_tail` keeps from the beginning and `truncate_head` from the end, and
    the item at the border is cut; `fail` raises InvalidInputError (`sections_do_not_fit`). `cut(item, tokens)` returns
    the item cut to so many tokens or None where nothing useful is left; without it no item is cut.
    """
    sizes = [tokens(item) for item in items]
    if sum(sizes) <= allowed_tokens:
        return Fitted(kept=tuple(items), dropped=())
    if overflow == "fail":
        raise InvalidInputError(
            f"{len(items)} items need {sum(sizes)} tokens, but {allowed_tokens} are available",
            hint="raise the budget, shorten the section, or choose another overflow for it",
            code="sections_do_not_fit",
            needed_tokens=sum(sizes),
            available_tokens=allowed_tokens,
        )
    if overflow == "drop_lowest":
        return _by_score(items, sizes, allowed_tokens, score)
    from_end = overflow in ("drop_oldest", "truncate_head")
    order = range(len(items) - 1, -1, -1) if from_end else range(len(items))
    return _without_gap(items, sizes, allowed_tokens, order, cut, only_first=overflow == "drop_oldest")


def cut_text(text: str, allowed_tokens: int, count: Callable[[str], int], keep: Literal["head", "tail"]) -> str:
    """Return the beginning or the end of `text`, cut between words, that counts at most `allowed_tokens`.

    It is the longest such one where a longer text never counts fewer tokens. "" where not even one word fits.
    """
    if count(text) <= allowed_tokens:
        return text
    ends = [gap.start() if keep == "head" else gap.end() for gap in _GAP.finditer(text)]
    if keep == "tail":
        ends.reverse()
    fits, too_long = -1, len(ends)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if count(_side(text, ends[middle], keep)) <= allowed_tokens:
            fits = middle
        else:
            too_long = middle
    return _side(text, ends[fits], keep) if fits >= 0 else ""


def _side(text: str, border: int, keep: Literal["head", "tail"]) -> str:
    return text[:border] if keep == "head" else text[border:]


def _by_score(
    items: Sequence[T], sizes: Sequence[int], allowed_tokens: int, score: Callable[[T], float] | None
) -> Fitted[T]:
    """Keep by score, passing over what does not fit; without a score earlier items count as better."""
    scores = [0.0 if score is None else score(item) for item in items]
    kept: set[int] = set()
    left_tokens = allowed_tokens
    for number in sorted(range(len(items)), key=lambda number: (-scores[number], number)):
        if sizes[number] <= left_tokens:
            kept.add(number)
            left_tokens -= sizes[number]
    return Fitted(
        kept=tuple(item for number, item in enumerate(items) if number in kept),
        dropped=tuple(item for number, item in enumerate(items) if number not in kept),
    )


def _without_gap(
    items: Sequence[T],
    sizes: Sequence[int],
    allowed_tokens: int,
    order: Sequence[int],
    cut: Callable[[T, int], T | None] | None,
    *,
    only_first: bool,
) -> Fitted[T]:
    """Keep items in `order` up to the first that does not fit, which is cut; `only_first` cuts no other."""
    left_tokens = allowed_tokens
    whole = 0
    for number in order:
        if sizes[number] > left_tokens:
            break
        left_tokens -= sizes[number]
        whole += 1
    kept = {number: items[number] for number in order[:whole]}
    border = order[whole]
    rest = cut(items[border], left_tokens) if cut and left_tokens > 0 and not (only_first and whole) else None
    if rest is not None:
        kept[border] = rest
    return Fitted(
        kept=tuple(kept[number] for number in sorted(kept)),
        dropped=tuple(item for number, item in enumerate(items) if number not in kept),
        cut=border if rest is not None else None,
    )
