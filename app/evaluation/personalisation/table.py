"""The scores of users' questions with the own, with nobody's and with others' profiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.evaluation.personalisation.derangements import (
    FEWEST_DERANGEMENTS,
    NOBODY,
    Derangements,
)
from app.evaluation.statistics.score_table import Flags, Integers, Numbers, numbered
from configs.errors import InvalidInputError

_DECIMALS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceboScores:
    """Scores [draws, rows] with the profile that each derangement lends the row's user; NaN where nobody lends.

    Fewer than 20 draws are refused unless they are all that there are.
    """

    scores: Numbers
    drawn: Derangements

    def __post_init__(self) -> None:
        draws = len(self.scores)
        if draws != len(self.drawn.donors):
            raise ValueError(f"scores of {draws} draws, donors of {len(self.drawn.donors)}")
        if draws < FEWEST_DERANGEMENTS and not self.drawn.is_all:
            raise InvalidInputError(
                f"{draws} wrong-user placebos, and {FEWEST_DERANGEMENTS} are needed unless there are no more",
                hint=f"draw {FEWEST_DERANGEMENTS} derangements over the users, or all of them",
                code="too_few_placebos",
            )

    def donors(self, users: Sequence[str]) -> Integers:
        """Return who lends to the user of each row, [draws, rows], as numbers into `drawn.users`.

        Raises ValueError where scores and donors do not fit together, or a user lends to themselves.
        """
        number = {user: place for place, user in enumerate(self.drawn.users)}
        if unknown := sorted(set(users) - set(number)):
            raise ValueError(f"users {unknown} are not among those whose profiles are lent")
        rows = np.array([number[user] for user in users], dtype=np.int64)
        donors = self.drawn.donors[:, rows]
        if not np.array_equal(donors == NOBODY, np.isnan(self.scores)) or np.any(donors == rows):
            raise ValueError("a placebo is scored where nobody lends, is not where somebody does, or is the user's own")
        return np.asarray(donors)

    @property
    def means(self) -> Numbers:
        """Return the mean over the draws, [rows]; NaN where no draw has a donor."""
        return self.mean_of(self.scores)

    def mean_of(self, values: Numbers) -> Numbers:
        """Return the mean of `values` [draws, rows] over the draws in which somebody lent, [rows]."""
        is_lent = ~np.isnan(self.scores)
        times = is_lent.sum(axis=0)
        sums = np.where(is_lent, values, 0.0).sum(axis=0)
        return np.asarray(np.where(times > 0, sums / np.maximum(times, 1), np.nan))


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalisationTable:
    """One row for each question that a user asked, [Q]; only sampled questions with labels of this user belong here.

    `groups` are those of the row's user; `clusters` name questions that are not independent; `own`, `anonymous` and
    the placebos are scores within [0, 1], the placebos with the real user's access rights. `changed`: the own context
    is not the anonymous one. `failed`: an arm failed on the row and scores 0 there. Raises ValueError for parts that
    do not fit together, InvalidInputError for scores that cannot be.
    """

    users: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]
    questions: tuple[str, ...]
    clusters: tuple[str, ...]
    own: Numbers
    anonymous: Numbers
    changed: Flags
    failed: Flags
    within: PlaceboScores
    across: PlaceboScores

    def __post_init__(self) -> None:
        rows = len(self.users)
        columns = (self.groups, self.questions, self.clusters, self.own, self.anonymous, self.changed, self.failed)
        lengths = {len(column) for column in columns}
        widths = {placebo.scores.shape[1:] for placebo in (self.within, self.across)}
        if rows == 0 or lengths != {rows} or widths != {(rows,)}:
            raise ValueError(f"{rows} users, other columns of {sorted(lengths)} rows, placebos {sorted(widths)}")
        if len(set(zip(self.users, self.questions, strict=True))) < rows:
            raise ValueError("a user's question stands twice in the table")
        if len(set(zip(self.users, map(frozenset, self.groups), strict=True))) > len(set(self.users)):
            raise ValueError("a user has different groups in different rows")
        self._check_scores()
        for placebo, is_within in ((self.within, True), (self.across, False)):
            self._check_donors(placebo, is_within)

    def _check_donors(self, placebo: PlaceboScores, is_within: bool) -> None:
        groups = dict(zip(self.users, self.groups, strict=True))
        lent = placebo.donors(self.users)
        _, first = np.unique(self.user_numbers, return_index=True)
        for row in first.tolist():
            for number in {*lent[:, row].tolist()} - {NOBODY}:
                donor = placebo.drawn.users[number]
                if donor in groups and bool({*groups[donor]} & {*self.groups[row]}) != is_within:
                    kind = "within" if is_within else "across"
                    raise ValueError(f"{donor!r} does not lend to {self.users[row]!r} {kind} groups")

    def _check_scores(self) -> None:
        scores = np.concatenate([self.own, self.anonymous, self.within.scores.ravel(), self.across.scores.ravel()])
        if np.isnan(self.own).any() or np.isnan(self.anonymous).any():
            raise ValueError("a question without a score does not belong in the table")
        is_outside: Flags = (scores < -1e-9) | (scores > 1 + 1e-9)
        outside = scores[is_outside]
        if len(outside):
            raise InvalidInputError(
                f"verdicts need scores within 0 and 1, and one is {outside[0]}",
                hint="let a recall, success or ranking metric decide, one that is best at 1",
                code="metric_out_of_range",
            )
        is_wrong: Flags = ~self.changed & ~self.failed & (self.gain != 0)
        wrong = np.flatnonzero(is_wrong)
        if len(wrong):
            row = int(wrong[0])
            raise InvalidInputError(
                f"question {self.questions[row]!r} of user {self.users[row]!r} scores {self.own[row]} with the profile "
                f"and {self.anonymous[row]} without, although its context did not change",
                hint="mark a row as changed wherever the two contexts differ",
                code="unchanged_but_scored_differently",
            )

    @property
    def gain(self) -> Numbers:
        """Return by how much the own profile scores above anonymous, [Q]."""
        return np.asarray(np.round(self.own - self.anonymous, _DECIMALS))

    @property
    def user_numbers(self) -> Integers:
        """Return the number of each row's user, [Q], by first appearance."""
        return numbered(self.users)

    def nearest(self, within: Numbers, across: Numbers) -> Numbers:
        """Return values of the placebo that is hardest to beat, [Q]: a groupmate's, anybody's where `within` is NaN.

        Groupmates lend whether or not questions of theirs stand in the table.
        """
        return np.asarray(np.where(np.isnan(within), across, within))

    def in_order(self) -> PersonalisationTable:
        """Return the table sorted by user and question, so that the order of its rows changes no random draw."""
        order = sorted(range(len(self.users)), key=lambda row: (self.users[row], self.questions[row]))
        return PersonalisationTable(
            users=tuple(self.users[row] for row in order),
            groups=tuple(self.groups[row] for row in order),
            questions=tuple(self.questions[row] for row in order),
            clusters=tuple(self.clusters[row] for row in order),
            own=self.own[order],
            anonymous=self.anonymous[order],
            changed=self.changed[order],
            failed=self.failed[order],
            within=PlaceboScores(scores=self.within.scores[:, order], drawn=self.within.drawn),
            across=PlaceboScores(scores=self.across.scores[:, order], drawn=self.across.drawn),
        )
