"""Exactly one conclusion, and none without a gain."""

from __future__ import annotations

from itertools import product
from typing import get_args

import numpy as np
import pytest

from app.evaluation.personalisation.conclusion import Conclusion, Verdicts, conclude

WORDS = ("better", "worse", "equivalent", "too_close_to_call", "not_enough_users", "not_asked")


def concluded(gain: str, nearest: str, across: str, within_gain: str, across_gain: str) -> str:
    verdicts = Verdicts(
        gain=np.array([gain]),
        own_over_nearest=np.array([nearest]),
        own_over_across=np.array([across]),
        within_gain=np.array([within_gain]),
        across_gain=np.array([across_gain]),
    )
    return str(conclude(verdicts)[0])


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (("better", "better", "better", "too_close_to_call", "too_close_to_call"), "personal_effect"),
        (("better", "better", "better", "better", "better"), "personal_effect"),
        (("better", "better", "not_enough_users", "too_close_to_call", "not_enough_users"), "personal_effect"),
        (("better", "too_close_to_call", "better", "better", "too_close_to_call"), "group_effect"),
        (("better", "equivalent", "better", "better", "better"), "group_effect"),
        (("better", "too_close_to_call", "not_enough_users", "better", "not_enough_users"), "group_effect"),
        (("better", "too_close_to_call", "too_close_to_call", "better", "better"), "workspace_effect"),
        (("better", "better", "too_close_to_call", "too_close_to_call", "better"), "workspace_effect"),
        (("better", "too_close_to_call", "better", "too_close_to_call", "too_close_to_call"), "no_effect_shown"),
        (("better", "not_enough_users", "better", "not_enough_users", "too_close_to_call"), "no_effect_shown"),
        (("worse", "worse", "worse", "better", "better"), "harmful"),
        (("not_enough_users", "better", "better", "better", "better"), "not_enough_users"),
    ],
)
def test_a_pattern_of_verdicts_has_its_conclusion(verdicts: tuple[str, str, str, str, str], expected: str) -> None:
    assert concluded(*verdicts) == expected


def test_without_a_gain_there_is_no_effect_and_without_beating_the_placebo_no_personal_one() -> None:
    gain, nearest, across, within_gain, across_gain = np.array(list(product(WORDS, repeat=5))).T
    found = conclude(
        Verdicts(
            gain=gain,
            own_over_nearest=nearest,
            own_over_across=across,
            within_gain=within_gain,
            across_gain=across_gain,
        )
    )
    is_effect = np.isin(found, ("personal_effect", "group_effect", "workspace_effect"))
    assert (gain[is_effect] == "better").all()
    is_personal = found == "personal_effect"
    assert (nearest[is_personal] == "better").all()
    assert np.isin(across[is_personal], ("better", "not_enough_users")).all()
    assert ((found == "harmful") == (gain == "worse")).all()
    assert set(found) == set(get_args(Conclusion))
