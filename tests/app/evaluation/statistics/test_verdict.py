"""Verdicts: each of the four by a planted difference, their order, families, swaps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.evaluation.statistics.intervals import draw_resamples
from app.evaluation.statistics.score_table import Numbers
from app.evaluation.statistics.sign_flip import draw_signs
from app.evaluation.statistics.simulation import separate
from app.evaluation.statistics.verdict import Judgements, judge

VERDICTS = {"equivalent", "better", "worse", "too_close_to_call"}


def judged(values: Numbers, family: int = 1, margin: float = 0.02, alpha: float = 0.05) -> Judgements:
    questions = values.shape[1]
    signs, counts = draw_signs(questions, 1_000, seed=1), draw_resamples(questions, 500, seed=1)
    return judge(separate(values), family, signs=signs, counts=counts, margin=margin, alpha=alpha)


def spread(mean: float, deviation: float, questions: int = 400) -> Numbers:
    values = np.linspace(-1, 1, questions)
    return np.random.default_rng(6).permutation(mean + deviation * values / values.std())[np.newaxis]


@pytest.mark.parametrize(
    ("mean", "deviation", "verdict", "is_shown"),
    [
        (0.0, 0.1, "equivalent", False),
        (0.1, 0.3, "better", True),
        (-0.1, 0.3, "worse", True),
        (0.01, 0.5, "too_close_to_call", False),
        (0.019, 0.1, "too_close_to_call", True),
    ],
)
def test_each_verdict(mean: float, deviation: float, verdict: str, is_shown: bool) -> None:
    found = judged(spread(mean, deviation))
    assert found.verdicts.tolist() == [verdict]
    assert found.is_shown.tolist() == [is_shown]
    assert found.means == pytest.approx([mean])


def test_equivalent_comes_before_better() -> None:
    found = judged(spread(0.01, 0.02), margin=0.02)
    assert found.is_shown.tolist() == [True]
    assert found.verdicts.tolist() == ["equivalent"]
    assert judged(spread(0.01, 0.02), margin=0.005).verdicts.tolist() == ["better"]


def test_the_level_decides() -> None:
    values = spread(0.05, 0.4)
    p = judged(values).p[0]
    assert judged(values, alpha=p * 1.01).verdicts.tolist() == ["better"]
    assert judged(values, alpha=p).verdicts.tolist() == ["too_close_to_call"]


def test_a_family_is_adjusted_together() -> None:
    values = np.concatenate([spread(0.05, 0.4)] * 20)
    alone, together = judged(values), judged(values, family=20)
    assert set(alone.verdicts.tolist()) == {"better"}
    assert set(together.verdicts.tolist()) == {"too_close_to_call"}
    assert together.holm_p == pytest.approx(20 * alone.p)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.floats(-0.3, 0.3), st.sampled_from([0.02, 0.3]), st.integers(2, 150))
def test_exactly_one_verdict_and_swapping_swaps_it(seed: int, mean: float, deviation: float, questions: int) -> None:
    values = np.clip(np.random.default_rng(seed).normal(mean, deviation, (1, questions)), -1, 1)
    found = judged(np.concatenate([values, -values]))
    first, second = found.verdicts.tolist()
    assert {first, second} <= VERDICTS
    assert {"better": "worse", "worse": "better"}.get(first, first) == second
    assert ((found.p > 0) & (found.holm_p <= 1) & (found.p <= found.holm_p)).all()
    assert found.is_alarm.tolist() == [first in ("better", "worse")] * 2
