"""What the verdicts on the own and the wrong users' profiles mean together: exactly one of six."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Conclusion = Literal[
    "personal_effect", "group_effect", "workspace_effect", "no_effect_shown", "harmful", "not_enough_users"
]
Words = npt.NDArray[np.str_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """Verdicts of N tests, each [N]: own over anonymous (`gain`), over the nearest placebo and over other groups'
    profiles (`own_over_nearest`, `own_over_across`), and the placebos over anonymous (`within_gain`, `across_gain`).
    """

    gain: Words
    own_over_nearest: Words
    own_over_across: Words
    within_gain: Words
    across_gain: Words


def conclude(verdicts: Verdicts) -> Words:
    """Return the conclusions [N].

    Nothing is concluded of the placebos unless the gain is shown, and an effect is personal only where the own
    profile beats each kind of placebo. So every wrong claim needs a test whose null is true to fail by itself, and
    each test may use the whole level: none is adjusted for the others.
    """
    is_helped = verdicts.gain == "better"
    has_across = verdicts.own_over_across != "not_enough_users"
    beats_across = (verdicts.own_over_across == "better") | ~has_across
    beats_nearest = verdicts.own_over_nearest == "better"
    return np.select(
        [
            verdicts.gain == "not_enough_users",
            verdicts.gain == "worse",
            is_helped & beats_nearest & beats_across,
            is_helped & beats_across & (verdicts.within_gain == "better"),
            is_helped & ~beats_across & (verdicts.across_gain == "better"),
        ],
        ["not_enough_users", "harmful", "personal_effect", "group_effect", "workspace_effect"],
        "no_effect_shown",
    )
