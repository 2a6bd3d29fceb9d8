"""Score tables for the tests of the statistics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from app.evaluation.statistics.analysis import AnalysisPlan
from app.evaluation.statistics.score_table import Integers, Numbers, ScoreTable

PLAN = AnalysisPlan(seed=5, document_clusters=40, resamples=500)


def table_of(
    scores: Numbers, *, clusters: Integers | None = None, failed: Sequence[tuple[int, int]] = ()
) -> ScoreTable:
    """Return a table [S, Q] with strategies a, b, c ... and questions q000 ...; `failed` are cells, which score 0."""
    is_failed = np.zeros(scores.shape, dtype=np.bool_)
    for cell in failed:
        is_failed[cell] = True
    return ScoreTable(
        strategies=tuple("abcdefghijklmnopqrstuvwxyz"[: len(scores)]),
        questions=tuple(f"q{number:04}" for number in range(scores.shape[1])),
        scores=np.where(is_failed, 0.0, scores),
        failed=is_failed,
        clusters=np.arange(scores.shape[1], dtype=np.int64) if clusters is None else clusters,
    )


@st.composite
def tables(draw: st.DrawFn) -> ScoreTable:
    """Draw tables of 2 to 4 strategies that differ more or less, with clusters of 1 to 3 questions."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    strategies, questions = draw(st.integers(2, 4)), draw(st.integers(2, 60))
    steps = draw(st.sampled_from([1, 2, 4, 1_000]))
    means = random.uniform(0.1, 0.9, (strategies, 1))
    scores = random.binomial(steps, np.broadcast_to(means, (strategies, questions))) / steps
    clusters = np.arange(questions, dtype=np.int64) // draw(st.integers(1, 3))
    return table_of(scores, clusters=clusters)
