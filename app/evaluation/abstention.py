"""How well a signal of the search, such as its best score, tells answerable questions from unanswerable ones."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

Signals = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

REFUSED_SHARES = (0.0, 0.05, 0.1, 0.2)
"""Of the answerable questions, what may be refused."""


class Abstention(BaseModel):
    """What comes of answering where the signal reaches the threshold and refusing where it does not.

    A false answer is one to an unanswerable question, a false refusal one of an answerable question. A threshold of
    None is below every signal: everything is answered.
    """

    model_config = ConfigDict(frozen=True)

    threshold: float | None
    answerable: int
    unanswerable: int
    false_answers: int
    false_refusals: int


def abstention_at(threshold: float, signals: Signals, is_answerable: Flags) -> Abstention:
    """Return what comes of a threshold; `signals` [questions] are higher where an answer is likelier.

    Where nothing was found the signal is -inf. Raises ValueError for a signal or threshold that is not a number.
    """
    _check(signals, is_answerable)
    if np.isnan(threshold):
        raise ValueError("the threshold is not a number")
    is_answered = signals >= threshold
    return Abstention(
        threshold=None if np.isneginf(threshold) else threshold,
        answerable=int(is_answerable.sum()),
        unanswerable=int((~is_answerable).sum()),
        false_answers=int((is_answered & ~is_answerable).sum()),
        false_refusals=int((~is_answered & is_answerable).sum()),
    )


def abstention_curve(
    signals: Signals, is_answerable: Flags, refused_shares: Sequence[float] = REFUSED_SHARES
) -> list[Abstention]:
    """Return what comes of the highest threshold that refuses at most each share of the answerable questions.

    `signals` as in `abstention_at`; equal outcomes are listed once. Empty where the questions are all answerable or
    none is.
    """
    _check(signals, is_answerable)
    ordered = np.sort(signals[is_answerable])
    if not len(ordered) or len(ordered) == len(signals):
        return []
    places = [min(math.floor(share * len(ordered) + 1e-9), len(ordered) - 1) for share in refused_shares]
    thresholds = dict.fromkeys(float(ordered[place]) for place in places)
    return [abstention_at(threshold, signals, is_answerable) for threshold in thresholds]


def abstention_auroc(signals: Signals, is_answerable: Flags) -> float | None:
    """Return the chance that an answerable question has the higher signal of two, a tie counting one half; in [0, 1].

    The area under the receiver operating characteristic as the Mann-Whitney U statistic: Hanley and McNeil, Radiology
    143 (1), 1982. `signals` as in `abstention_at`. None where the questions are all answerable or none is.
    """
    _check(signals, is_answerable)
    answerable, unanswerable = signals[is_answerable], np.sort(signals[~is_answerable])
    if not len(answerable) or not len(unanswerable):
        return None
    below = np.searchsorted(unanswerable, answerable, side="left")
    not_above = np.searchsorted(unanswerable, answerable, side="right")
    return float((below + not_above).mean() / (2 * len(unanswerable)))


def _check(signals: Signals, is_answerable: Flags) -> None:
    if signals.shape != is_answerable.shape or signals.ndim != 1:
        raise ValueError(f"one signal for each question: got {signals.shape} and {is_answerable.shape}")
    if np.isnan(signals).any():
        raise ValueError("a signal is not a number")
