"""What a screening is asked and what it says: the part worth keeping, and never a winner."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from app.evaluation.screening.pseudo_questions import Family, Kind
from app.evaluation.screening.ranking import Decision

SCREENING_ONLY = (
    "Screening only: it tells which strategies are worth labelling questions for, not which one is better. A verdict "
    "needs questions of your users with marked answers."
)
CALIBRATED_BY_HAND = (
    "The weights' exponent and the prior's factor were chosen once, by hand, on three data sets; the labelled "
    "questions come from the same documents."
)

AgreementState = Literal["families agree", "families not shown to agree", "not_available"]


class Value(BaseModel):
    """A part of a screening."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ScreeningSettings(Value):
    """How to screen."""

    questions_per_kind: int = Field(100, ge=10, le=400, description="questions made of each kind, if there are so many")
    budget_tokens: int = Field(1_000, ge=50, le=100_000, description="tokens of source text that are read")
    overlap: float = Field(
        0.56,
        ge=0.1,
        le=1,
        allow_inf_nan=False,
        description="share of a question's words that stand in its passage, for the overlap-matched kinds; real "
        "questions had 0.36 (a speech) to 0.70 (chat logs)",
    )
    next_questions: int = Field(10, ge=0, le=100, description="questions to propose for labelling")
    seed: int = Field(20_240_724, ge=0, le=2**32 - 1, description="of every random draw")


class KindReport(Value):
    """One kind of pseudo-question."""

    kind: Kind
    family: Family
    state: Literal["measured", "not_available"]
    questions: int
    reason: str = Field(description="why it is not available; empty where it is measured")


class ScreenedStrategy(Value):
    """One strategy, in the order in which they were given."""

    strategy: str
    index_documents: int = Field(description="documents its index answers with")
    recall: dict[Kind, float | None] = Field(
        description="mean share of the gold passage within the budget, for each measured kind; null where nothing can "
        "be left out of its rows. Known-item recall is near 1 for most strategies and says nothing about answers"
    )
    lookup: float | None = Field(description="mean of the lookup kinds, in standard deviations over the strategies")
    aboutness: float | None = Field(description="likewise for the aboutness kinds")
    gold_recall: float | None = Field(description="mean over the labelled questions; null without calibration")
    value: float | None = Field(description="what the decision rests on; null where a kind could not be measured")
    is_kept: bool
    decision: Decision = Field(
        description="`upper_half`; `within_one_standard_error` of the last one of it; `too_few_strategies` to drop "
        "any; `not_measured` by every kind, hence not dropped; `dropped`"
    )
    note: str


class AgreementReport(Value):
    """Whether lookup and aboutness order the strategies alike."""

    state: AgreementState
    tau: float | None = Field(description="Kendall's tau-b between the families; null where one is not available")
    low: float | None = Field(description="lower end of the 95 % bootstrap interval; up to 0.3 nothing is shown")
    high: float | None
    advice: str


class CalibrationReport(Value):
    """What labelled questions changed."""

    state: Literal["calibrated", "not_calibrated"]
    reason: str = Field(description="why not; empty where calibrated")
    labelled_questions: int
    weights: dict[Kind, float] = Field(
        description="trust in each kind, Spearman's correlation with the labels to the 4"
    )
    prior_factor: float = Field(description="how much the pseudo-questions count beside the labels, 0 to 1")
    caveat: str = CALIBRATED_BY_HAND


class NextQuestion(Value):
    """A question worth labelling, because the strategies that are left send different text for it."""

    id: str
    question: str
    difference: float = Field(description="1 less the mean span Jaccard index over pairs of kept strategies")
    is_pseudo: bool = Field(description="made by the screening, because no unlabelled question was given")
    origin: Literal["active"] = Field("active", description="which it carries once labelled: it enters no verdict")


class Screening(Value):
    """Which strategies are worth keeping. Strategies stand in the order given: it names no best one."""

    note: str = SCREENING_ONLY
    settings: ScreeningSettings
    tokenizer: str
    documents: int = Field(description="documents that every strategy's index answers with, in the same version")
    documents_drawn: int = Field(description="documents that questions were made from")
    kinds: list[KindReport]
    families: AgreementReport
    calibration: CalibrationReport
    strategies: list[ScreenedStrategy]
    next_questions: list[NextQuestion]
