"""A table holds only what fits together, and placebos only others' profiles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.evaluation.personalisation.derangements import Derangements, derangements
from app.evaluation.personalisation.table import PersonalisationTable, PlaceboScores
from configs.errors import InvalidInputError
from tests.app.evaluation.personalisation.scores import private, table_of


@pytest.fixture(scope="module")
def table() -> PersonalisationTable:
    return table_of(private, users=12, questions=3)


def test_placebos_are_means_over_the_draws_in_which_somebody_lends() -> None:
    drawn = Derangements(users=("a", "b", "c"), donors=np.array([[1, 0, -1], [1, -1, -1]]), is_all=True)
    placebo = PlaceboScores(scores=np.array([[0.2, 0.5, np.nan], [0.4, np.nan, np.nan]]), drawn=drawn)
    assert placebo.means.tolist()[:2] == pytest.approx([0.3, 0.5])
    assert np.isnan(placebo.means[2])
    assert placebo.mean_of(np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 1.0]])).tolist()[:2] == [0.5, 1.0]


def test_the_nearest_placebo_is_a_groupmates_where_there_is_one(table: PersonalisationTable) -> None:
    within = np.where(np.arange(36) < 18, 0.0, np.nan)
    assert table.nearest(within, np.ones(36)).tolist() == [0] * 18 + [1] * 18


def test_few_placebos_are_refused_unless_they_are_all() -> None:
    drawn = derangements([str(user) for user in range(8)], 1, np.ones((8, 8), dtype=np.bool_), at_least=19)
    with pytest.raises(InvalidInputError, match="19 wrong-user placebos") as caught:
        PlaceboScores(scores=np.zeros((19, 8)), drawn=drawn)
    assert caught.value.code == "too_few_placebos"


def test_a_score_where_nobody_lends_and_a_donor_of_the_wrong_kind_are_refused(table: PersonalisationTable) -> None:
    holes = table.within.scores.copy()
    holes[0, 0] = np.nan
    with pytest.raises(ValueError, match="scored where nobody lends"):
        replace(table, within=replace(table.within, scores=holes))
    with pytest.raises(ValueError, match="does not lend to 'u000' within groups"):
        replace(table, within=table.across)
    themselves = Derangements(users=table.within.drawn.users, donors=np.tile(np.arange(12), (20, 1)), is_all=False)
    with pytest.raises(ValueError, match="user's own"):
        replace(table, within=PlaceboScores(scores=np.zeros((20, 36)), drawn=themselves))


def test_what_cannot_be_is_refused(table: PersonalisationTable) -> None:
    with pytest.raises(InvalidInputError, match="did not change") as caught:
        replace(table, changed=np.zeros(36, dtype=np.bool_))
    assert caught.value.code == "unchanged_but_scored_differently"
    with pytest.raises(InvalidInputError, match=r"one is 1\.5"):
        replace(table, own=np.full(36, 1.5))
    with pytest.raises(ValueError, match="without a score"):
        replace(table, own=np.full(36, np.nan))
    with pytest.raises(ValueError, match="twice"):
        replace(table, questions=("q0",) * 36)
    with pytest.raises(ValueError, match="different groups"):
        replace(table, groups=(("x",), *table.groups[1:]))
    with pytest.raises(ValueError, match="36 users"):
        replace(table, own=np.zeros(35))
