"""What is said of a pair of strategies."""

from __future__ import annotations

import math
from typing import Any, Literal, cast

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from app.evaluation.statistics.cluster_totals import ClusterTotals
from app.evaluation.statistics.power import (
    MOST_QUESTIONS,
    detectable,
    more_to_detect,
    more_to_show_equivalence,
)
from app.evaluation.statistics.score_table import Integers, ScoreTable
from app.evaluation.statistics.verdict import Judgements, Reason, Verdict

NOT_WORTH_DECIDING = "not worth deciding by labels"


class PairVerdict(BaseModel):
    """How the first strategy is to the second; differences are the first's score less the second's."""

    model_config = ConfigDict(frozen=True)

    first: str
    second: str
    difference: float = Field(description="of the mean scores; failed cells score 0")
    low: float = Field(description="lower end of the 95 % interval")
    high: float = Field(description="upper end of the 95 % interval")
    interval_method: Literal["bca", "plus_two"] = Field(
        description="plus_two: fewer than 10 clusters differ, or all alike"
    )
    p: float = Field(description="paired sign-flip randomisation over clusters")
    holm_p: float = Field(description="the same, adjusted for all pairs of the family")
    verdict: Verdict
    reason: Reason | None = Field(description="why it is too close to call; null for other verdicts")
    equivalence_low: float = Field(description="lower end of the plus-two 90 % interval")
    equivalence_high: float = Field(description="upper end of the plus-two 90 % interval")
    wins: int = Field(description="questions on which the first scores higher")
    ties: int = Field(description="questions on which both score the same")
    losses: int = Field(description="questions on which the second scores higher")
    effect_size: float | None = Field(
        description="difference over its standard deviation; null where that is 0 or unknown"
    )
    detectable_single: float | None = Field(
        description="seen with a power of .8 if this pair were the only one planned"
    )
    detectable_family: float | None = Field(description="seen with a power of .8 as one of the family")
    questions_to_detect: int | None = Field(
        description="how many more would show a difference as large as the margin; null unless too close to call"
    )
    questions_to_show_equivalence: int | None = Field(
        description="how many more would show equivalence if there is no difference; null unless too close to call"
    )
    note: str | None = Field(description=f"`{NOT_WORTH_DECIDING}` where both need more than {MOST_QUESTIONS:,} more")
    difference_without_failures: float | None = Field(description="without the questions that either failed on")

    def turned(self) -> PairVerdict:
        """Return how the second strategy is to the first."""
        turned: dict[Verdict, Verdict] = {"better": "worse", "worse": "better"}
        without = self.difference_without_failures
        return self.model_copy(
            update={
                "first": self.second,
                "second": self.first,
                "difference": 0.0 - self.difference,
                "low": 0.0 - self.high,
                "high": 0.0 - self.low,
                "verdict": turned.get(self.verdict, self.verdict),
                "equivalence_low": 0.0 - self.equivalence_high,
                "equivalence_high": 0.0 - self.equivalence_low,
                "wins": self.losses,
                "losses": self.wins,
                "effect_size": None if self.effect_size is None else 0.0 - self.effect_size,
                "difference_without_failures": None if without is None else 0.0 - without,
            }
        )


def pair_verdicts(
    table: ScoreTable, pairs: Integers, differences: ClusterTotals, found: Judgements, *, margin: float, alpha: float
) -> list[PairVerdict]:
    """Put judgements into words; `pairs` [P, 2] are strategy numbers, `alpha` the level they were judged at."""
    errors = differences.standard_errors
    single, family = detectable(errors, alpha), detectable(errors, alpha, len(pairs))
    verdicts = []
    for row, (first, second) in enumerate(pairs):
        verdict = cast(Verdict, str(found.verdicts[row]))
        needs = (
            _needs(float(errors[row]), differences.questions, margin, alpha, len(pairs)) if _is_open(verdict) else None
        )
        verdicts.append(
            PairVerdict(
                first=table.strategies[first],
                second=table.strategies[second],
                difference=float(found.means[row]),
                low=float(found.intervals.low[row]),
                high=float(found.intervals.high[row]),
                interval_method="plus_two" if found.intervals.is_plus_two[row] else "bca",
                p=float(found.p[row]),
                holm_p=float(found.holm_p[row]),
                verdict=verdict,
                reason=("smaller_than_margin" if found.is_shown[row] else "not_enough_questions") if needs else None,
                equivalence_low=float(found.equivalence_low[row]),
                equivalence_high=float(found.equivalence_high[row]),
                effect_size=_effect(float(found.means[row]), float(errors[row]), differences.questions),
                detectable_single=_finite(float(single[row])),
                detectable_family=_finite(float(family[row])),
                questions_to_detect=needs[0] if needs else None,
                questions_to_show_equivalence=needs[1] if needs else None,
                note=NOT_WORTH_DECIDING if needs and _is_hopeless(*needs) else None,
                **_by_question(table, int(first), int(second)),
            )
        )
    return verdicts


def _is_open(verdict: Verdict) -> bool:
    return verdict == "too_close_to_call"


def _needs(error: float, questions: int, margin: float, alpha: float, family: int) -> tuple[int | None, int | None]:
    detect = more_to_detect(error, questions, margin, alpha, family)
    return detect, more_to_show_equivalence(error, questions, margin)


def _is_hopeless(detect: int | None, equivalence: int | None) -> bool:
    return detect is not None and equivalence is not None and min(detect, equivalence) > MOST_QUESTIONS


def _effect(difference: float, error: float, questions: int) -> float | None:
    return difference / (error * math.sqrt(questions)) if 0 < error < math.inf else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _by_question(table: ScoreTable, first: int, second: int) -> dict[str, Any]:
    differences = np.round(table.scores[first] - table.scores[second], 12)
    served = differences[~(table.failed[first] | table.failed[second])]
    return {
        "wins": int(np.count_nonzero(differences > 0)),
        "ties": int(np.count_nonzero(differences == 0)),
        "losses": int(np.count_nonzero(differences < 0)),
        "difference_without_failures": float(served.mean()) if len(served) else None,
    }
