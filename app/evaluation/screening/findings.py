"""From scores to what a screening says: kinds, families, calibration, and what is kept for which reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.evaluation.screening.answers import Arm
from app.evaluation.screening.calibration import (
    FEWEST_CALIBRATED_STRATEGIES,
    FEWEST_LABELLED,
    Calibration,
    calibrate,
)
from app.evaluation.screening.family_agreement import agreement
from app.evaluation.screening.leaving_out import cannot_leave_out
from app.evaluation.screening.pseudo_questions import FAMILIES, KINDS, Family, Kind, Made
from app.evaluation.screening.ranking import FEWEST_STRATEGIES, Combination, Decision, Floats, decide, standardised
from app.evaluation.screening.result import (
    AgreementReport,
    CalibrationReport,
    KindReport,
    ScreenedStrategy,
)

NOT_SHOWN_ADVICE = (
    "Asking for a known passage and asking what a text is about may need different strategies here: label some of your "
    "users' questions before you drop any."
)
SHOWN_ADVICE = "Both families order the strategies alike; your users' questions may still differ from both."


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Recall of all arms: float64 [arms, questions] for each available kind and for the labelled questions (perhaps
    none). NaN in a whole row where nothing can be left out of the arm's rows.
    """

    arms: Sequence[Arm]
    kinds: Mapping[Kind, Floats]
    gold: Floats

    @property
    def used(self) -> dict[Kind, Floats]:
        """Return the kinds that could be asked of any arm."""
        return {kind: scores for kind, scores in self.kinds.items() if not np.isnan(scores).all()}

    @property
    def measured(self) -> npt.NDArray[np.int64]:
        """Return the numbers of the arms that every used kind could be asked of; they alone are compared."""
        used = self.used.values()
        return np.array(
            [arm for arm in range(len(self.arms)) if used and not any(np.isnan(one[arm]).any() for one in used)],
            dtype=np.int64,
        )

    def compared(self) -> dict[Kind, Floats]:
        """Return the used kinds' scores of the measured arms."""
        measured = self.measured
        return {kind: scores[measured] for kind, scores in self.used.items()}

    def calibration(self) -> Calibration | None:
        """Return what the labelled questions say, None where they or the measured arms are too few."""
        measured = self.measured
        if len(measured) < FEWEST_CALIBRATED_STRATEGIES or self.gold.shape[1] < FEWEST_LABELLED:
            return None
        return calibrate(self.gold[measured], {str(kind): scores for kind, scores in self.compared().items()})

    def combination(self) -> Combination | None:
        """Return what the decision rests on: the calibrated value, else the mean of the families; None without any."""
        calibration = self.calibration()
        if calibration is not None:
            return calibration.combination
        kinds = self.compared()
        families = [members for members in _members(kinds).values() if members]
        weights = {str(kind): 1 / len(families) / len(members) for members in families for kind in members}
        return Combination(scores={str(kind): one for kind, one in kinds.items()}, weights=weights) if weights else None


def kind_reports(made: Made, scored: Scored) -> list[KindReport]:
    """Return for every kind whether it was measured, and why not."""
    used = scored.used
    return [
        KindReport(
            kind=kind,
            family=family,
            state="measured" if kind in used else "not_available",
            questions=len(made.questions[kind]) if kind in used else 0,
            reason=""
            if kind in used
            else made.not_available.get(kind, "nothing can be left out of any strategy's rows"),
        )
        for family, kinds in FAMILIES.items()
        for kind in kinds
    ]


def strategy_reports(scored: Scored) -> list[ScreenedStrategy]:
    """Return one report for each arm, in their order."""
    measured = scored.measured.tolist()
    combination = scored.combination() if measured else None
    decisions = dict(zip(measured, decide(combination), strict=True)) if combination is not None else {}
    values = dict(zip(measured, combination.values.tolist(), strict=True)) if combination is not None else {}
    families = {family: _family_values(scored, family) for family in FAMILIES}
    has_labels = scored.calibration() is not None
    reports = []
    for number, arm in enumerate(scored.arms):
        decision: Decision = decisions.get(number, "not_measured")
        recall = {kind: _mean(scores[number]) for kind, scores in scored.used.items()}
        reports.append(
            ScreenedStrategy(
                strategy=arm.label,
                index_documents=len(arm.view.documents),
                recall=recall,
                lookup=families["lookup"].get(number),
                aboutness=families["aboutness"].get(number),
                gold_recall=_mean(scored.gold[number]) if has_labels else None,
                value=values.get(number),
                is_kept=decision != "dropped",
                decision=decision,
                note=(cannot_leave_out(arm.setup) or "") if None in recall.values() else "",
            )
        )
    return reports


def agreement_report(scored: Scored, seed: int) -> AgreementReport:
    """Return how far the families agree over the arms that both could be asked of."""
    kinds = scored.compared()
    members = _members(kinds)
    if len(scored.measured) < FEWEST_STRATEGIES or not all(members.values()):
        advice = f"It takes both families, and {FEWEST_STRATEGIES} strategies that they can be asked of."
        return AgreementReport(state="not_available", tau=None, low=None, high=None, advice=advice)
    scores = {str(kind): one for kind, one in kinds.items()}
    found = agreement(scores, members["lookup"], members["aboutness"], seed=seed)
    return AgreementReport(
        state="families agree" if found.is_shown else "families not shown to agree",
        tau=found.tau,
        low=found.low,
        high=found.high,
        advice=SHOWN_ADVICE if found.is_shown else NOT_SHOWN_ADVICE,
    )


def calibration_report(scored: Scored) -> CalibrationReport:
    """Return the weights that labelled questions gave, or why they gave none."""
    calibration = scored.calibration()
    labelled = int(scored.gold.shape[1])
    if calibration is None:
        reason = (
            f"{labelled} labelled questions with marked spans and {len(scored.measured)} strategies that every kind "
            f"can be asked of; it takes {FEWEST_LABELLED} and {FEWEST_CALIBRATED_STRATEGIES}"
        )
        return CalibrationReport(
            state="not_calibrated", reason=reason, labelled_questions=labelled, weights={}, prior_factor=0.0
        )
    weights = {kind: calibration.weights[kind] for kind in KINDS if kind in calibration.weights}
    return CalibrationReport(
        state="calibrated",
        reason="",
        labelled_questions=labelled,
        weights=weights,
        prior_factor=calibration.prior_factor,
    )


def _members(kinds: Mapping[Kind, Floats]) -> dict[Family, list[Kind]]:
    return {family: [kind for kind in members if kind in kinds] for family, members in FAMILIES.items()}


def _family_values(scored: Scored, family: Family) -> dict[int, float]:
    """Return the mean standardised recall of the family's kinds by arm; nothing where it has no kind."""
    kinds = scored.compared()
    members = _members(kinds)[family]
    if not members or not len(scored.measured):
        return {}
    values = np.mean([standardised(kinds[kind].mean(axis=1)) for kind in members], axis=0)
    return dict(zip(scored.measured.tolist(), values.tolist(), strict=True))


def _mean(scores: Floats) -> float | None:
    return None if np.isnan(scores).any() else float(scores.mean())
