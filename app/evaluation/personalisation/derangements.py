"""Wrong-user placebos: who borrows whose profile, so that nobody gets their own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching, min_weight_full_bipartite_matching

from app.evaluation.statistics.score_table import Flags, Integers

FEWEST_DERANGEMENTS = 20
NOBODY = -1
_TRIES_PER_DERANGEMENT = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Derangements:
    """Who lends to whom: `donors` [draws, users] are numbers into `users`, NOBODY where nobody is left to lend.

    No user has their own number, nobody lends twice in a draw, and no draw could serve more users than it does.
    `is_all` tells that there are no other draws than these.
    """

    users: tuple[str, ...]
    donors: Integers
    is_all: bool


def derangements(users: Sequence[str], seed: int, may_lend: Flags, at_least: int = FEWEST_DERANGEMENTS) -> Derangements:
    """Return `at_least` different random derangements of the users, or all where there are not so many.

    `may_lend` [users, users] tells from whom (column) a user (row) may borrow, never from themselves; see
    `within_groups` and `across_groups`. Only profiles change hands: access rights stay the real user's, which is the
    caller's part. Raises ValueError for a user named twice or flags of another shape.
    """
    size = len(users)
    if len(set(users)) < size:
        raise ValueError("a user is named twice")
    if may_lend.shape != (size, size):
        raise ValueError(f"{size} users, flags {may_lend.shape}")
    may_lend = may_lend & ~np.eye(size, dtype=np.bool_)
    most = _matched(may_lend)
    found: dict[tuple[int, ...], None] = {}
    is_all = most == 0
    if most:
        random = np.random.default_rng([seed, 23])
        for _ in range(at_least * _TRIES_PER_DERANGEMENT):
            found[_random_draw(may_lend, random)] = None
            if len(found) == at_least:
                break
        else:
            found, is_all = _listed(may_lend, most, at_least)
    donors = np.array(list(found), dtype=np.int64).reshape(len(found), size)
    return Derangements(users=tuple(users), donors=donors, is_all=is_all)


def within_groups(groups: Sequence[Collection[str]]) -> Flags:
    """Tell which users share a group, [users, users]; nobody with themselves."""
    names = sorted({name for some in groups for name in some})
    column = {name: number for number, name in enumerate(names)}
    is_member = np.zeros((len(groups), len(names)), dtype=np.bool_)
    for row, some in enumerate(groups):
        is_member[row, [column[name] for name in some]] = True
    counts = is_member.astype(np.float64)
    return np.asarray((counts @ counts.T > 0) & ~np.eye(len(groups), dtype=np.bool_))


def across_groups(groups: Sequence[Collection[str]]) -> Flags:
    """Tell which users share no group, [users, users]; nobody with themselves."""
    return np.asarray(~within_groups(groups) & ~np.eye(len(groups), dtype=np.bool_))


def _random_draw(may_lend: Flags, random: np.random.Generator) -> tuple[int, ...]:
    """Return the cheapest assignment at random prices; a forbidden pair costs more than all the others together.

    Every price has 1 on top, as a price of 0 would be no pair; each assignment pays it once for each user.
    """
    size = len(may_lend)
    prices = 1 + np.where(may_lend, random.random((size, size)), size + 1.0)
    _, donors = min_weight_full_bipartite_matching(csr_array(prices))
    return tuple(np.where(may_lend[np.arange(size), donors], donors, NOBODY).tolist())


def _listed(may_lend: Flags, most: int, at_least: int) -> tuple[dict[tuple[int, ...], None], bool]:
    """Return up to `at_least` draws in the order of counting, and whether they are all."""
    found: dict[tuple[int, ...], None] = {}
    for draw in _counted(may_lend, most):
        if len(found) == at_least:
            return found, False
        found[draw] = None
    return found, True


def _counted(may_lend: Flags, most: int) -> Iterator[tuple[int, ...]]:
    """Yield every draw that serves `most` users; a beginning that cannot end in one is never followed."""
    size = len(may_lend)
    stack: list[tuple[int, ...]] = [()]
    while stack:
        begun = stack.pop()
        row = len(begun)
        if row == size:
            yield begun
            continue
        is_free = np.ones(size, dtype=np.bool_)
        is_free[[donor for donor in begun if donor != NOBODY]] = False
        for donor in (*np.flatnonzero(may_lend[row] & is_free).tolist(), NOBODY):
            left = is_free.copy()
            if donor != NOBODY:
                left[donor] = False
            served = size - int(left.sum())
            if served + _matched(may_lend[row + 1 :, left]) == most:
                stack.append((*begun, donor))


def _matched(may_lend: Flags) -> int:
    """Return how many users can borrow at once."""
    if not may_lend.any():
        return 0
    return int(np.count_nonzero(maximum_bipartite_matching(csr_array(may_lend), perm_type="column") != NOBODY))
