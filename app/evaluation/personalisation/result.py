"""What is found of personalisation; all of it goes into a report as JSON."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from app.evaluation.personalisation.by_user import Comparison, Estimate
from app.evaluation.personalisation.conclusion import Conclusion
from app.evaluation.personalisation.worst_decile import WorstDecile


class Value(BaseModel):
    """A part of the findings."""

    model_config = ConfigDict(frozen=True)


class PersonalisationPlan(BaseModel):
    """What is settled before the scores are seen."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    metric: str = Field(description="name of the metric that the scores are of")
    margin: float = Field(0.02, gt=0, le=1, description="smaller differences do not matter")
    alpha: float = Field(0.05, gt=0, lt=1, description="level of all looks together")
    look: int = Field(1, ge=1, description="counts the runs on a growing question set")
    harm_threshold: float = Field(
        0.1, gt=0, lt=1, description="a question that loses more than this is harmed, one that gains more is helped"
    )
    resamples: int = Field(10_000, ge=100, description="of the bootstrap")
    seed: int = Field(ge=0, description="of every random draw")


class HarmAndHelp(Value):
    """Shares of the questions that a profile harms and helps, against anonymous; placebos are means over their draws.

    Pure noise harms and helps too: read the own profile's beside the placebo's.
    """

    harm: Estimate
    help: Estimate


class Harm(Value):
    """Harm and help of the own profile beside those of others' profiles."""

    threshold: float
    own: HarmAndHelp
    placebo_within: HarmAndHelp | None = Field(description="null: nobody shares a group with another user")
    placebo_across: HarmAndHelp | None = Field(description="null: all users share a group")
    own_at_placebo_questions: HarmAndHelp | None = Field(
        description="the own profile's on the questions that have the nearest placebo"
    )
    harm_beyond_placebo: Estimate | None = Field(description="own share harmed less the nearest placebo's")
    help_beyond_placebo: Estimate | None = Field(description="own share helped less the nearest placebo's")


class Changes(Value):
    """What the profile changed at all."""

    share: Estimate = Field(description="questions whose context is not the anonymous one")
    gain_among_changed: Estimate | None = Field(description="null: no question changed. Described, not tested")


class Comparisons(Value):
    """Every comparison that the conclusion rests on; the nearest placebo is a groupmate's profile, anybody's for a
    user without groupmates.
    """

    gain: Comparison
    own_over_nearest: Comparison
    own_over_within: Comparison
    own_over_across: Comparison
    within_gain: Comparison
    across_gain: Comparison


class PersonalisationFindings(Value):
    """Whether the own profile helps, whether it is the user's own that does, and whom it harms."""

    metric: str
    conclusion: Conclusion
    conclusion_sentence: str
    comparisons: Comparisons
    placebo_reading: Literal["workspace_or_group_effect"] | None = Field(
        description="set where somebody else's profile is shown to help as well"
    )
    harm: Harm
    changes: Changes
    worst_decile: WorstDecile
    users: int
    questions: int
    failures: int = Field(description="questions on which an arm failed and scores 0")
    no_conclusion_reason: str | None = Field(description="set where too many questions failed")
    scope_note: str | None = Field(description="for what questions this holds, where few are independent")
    draws_within: int = Field(description="derangements within groups")
    draws_across: int = Field(description="derangements across groups")
    margin: float
    look: int
    alpha_used: float = Field(description="the level at this look")
