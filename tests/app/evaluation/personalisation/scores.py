"""Tables of users' scores for the tests of personalisation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from app.evaluation.personalisation.derangements import (
    NOBODY,
    Derangements,
    across_groups,
    derangements,
    within_groups,
)
from app.evaluation.personalisation.result import PersonalisationPlan
from app.evaluation.personalisation.table import PersonalisationTable, PlaceboScores
from app.evaluation.statistics.score_table import Flags

PLAN = PersonalisationPlan(metric="recall", seed=5, resamples=500)
Effect = Callable[[int, int], float]
"""What the profile of the second user adds to the first one's score."""


def private(user: int, owner: int) -> float:
    """Help by the user's own profile alone."""
    return 0.2 * (user == owner)


def shared(user: int, owner: int) -> float:
    """Help by every profile of the user's group of five."""
    return 0.2 * (user // 5 == owner // 5)


def anybodys(_user: int, _owner: int) -> float:
    """Help by every profile."""
    return 0.2


def nothing(_user: int, _owner: int) -> float:
    """Help by no profile."""
    return 0.0


def harmful(user: int, owner: int) -> float:
    """Harm by the user's own profile."""
    return -0.2 * (user == owner)


def groups_of(users: int, size: int) -> list[tuple[str, ...]]:
    """Return one group for each user, `size` users to a group; a size of 0 leaves all without."""
    return [(f"g{user // size}",) if size else () for user in range(users)]


def table_of(
    effect: Effect,
    *,
    users: int = 30,
    questions: int = 6,
    groups: Sequence[tuple[str, ...]] | None = None,
    noise: float = 0.05,
    failed: int = 0,
) -> PersonalisationTable:
    """Return a table in which a profile adds its effect to a score of about one half, and noise of its own."""
    random = np.random.default_rng(9)
    groups = groups_of(users, 5) if groups is None else groups
    names = [f"u{user:03}" for user in range(users)]
    row = np.repeat(np.arange(users), questions)
    effects = np.array([[effect(user, owner) for owner in range(users)] for user in range(users)])
    anonymous = np.round(random.uniform(0.4, 0.6, len(row)), 3)
    scores = np.clip(anonymous[:, np.newaxis] + effects[row] + random.normal(0, noise, (len(row), users)), 0, 1)

    def placebo(may_lend: Flags) -> PlaceboScores:
        drawn: Derangements = derangements(names, seed=1, may_lend=may_lend)
        donors = drawn.donors[:, row]
        found = np.where(donors == NOBODY, np.nan, scores[np.arange(len(row)), donors])
        return PlaceboScores(scores=found, drawn=drawn)

    is_failed = np.arange(len(row)) < failed
    own = scores[np.arange(len(row)), row]
    return PersonalisationTable(
        users=tuple(names[user] for user in row.tolist()),
        groups=tuple(groups[user] for user in row.tolist()),
        questions=tuple(f"q{number % questions}" for number in range(len(row))),
        clusters=tuple(f"c{number}" for number in range(len(row))),
        own=own,
        anonymous=anonymous,
        changed=own != anonymous,
        failed=is_failed,
        within=placebo(within_groups(groups)),
        across=placebo(across_groups(groups)),
    )


def rows_of(table: PersonalisationTable, rows: Sequence[int]) -> PersonalisationTable:
    """Return some rows of a table; everybody goes on lending."""
    chosen = np.array(rows)
    return PersonalisationTable(
        users=tuple(table.users[row] for row in rows),
        groups=tuple(table.groups[row] for row in rows),
        questions=tuple(table.questions[row] for row in rows),
        clusters=tuple(table.clusters[row] for row in rows),
        own=table.own[chosen],
        anonymous=table.anonymous[chosen],
        changed=table.changed[chosen],
        failed=table.failed[chosen],
        within=replace(table.within, scores=table.within.scores[:, chosen]),
        across=replace(table.across, scores=table.across.scores[:, chosen]),
    )
