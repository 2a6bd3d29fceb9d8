"""Candidates for the tests of fusions: drawn ones with ties and several stores a signal, and small written ones."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from indexes.fusions import Candidates

SIGNALS = ("dense", "lexical")
Float64 = npt.NDArray[np.float64]


def ranks_of(scores: Float64, depth: int) -> npt.NDArray[np.int64]:
    """Return ranks from 1 by score for the best `depth` candidates of each store, 0 for the rest."""
    order = np.argsort(-scores, axis=1, kind="stable")
    ranks = np.argsort(order, axis=1) + 1
    return np.where(ranks <= depth, ranks, 0)


@st.composite
def candidates(draw: st.DrawFn, least_candidates: int = 0) -> Candidates:
    """Draw up to 12 candidates of 2 to 5 stores, both signals among them; scores have few values, so that some tie."""
    signals = [*SIGNALS, *draw(st.lists(st.sampled_from(SIGNALS), max_size=3))]
    count = draw(st.integers(least_candidates, 12))
    values = st.lists(st.integers(-30, 300).map(lambda value: value / 10), min_size=count, max_size=count)
    scores = np.array([draw(values) for _ in signals]).reshape(len(signals), count)
    return Candidates(scores=scores, ranks=ranks_of(scores, draw(st.integers(1, 12))), signals=signals)


def pair(dense: list[float], lexical: list[float]) -> Candidates:
    scores = np.array([dense, lexical])
    return Candidates(scores=scores, ranks=ranks_of(scores, len(dense)), signals=SIGNALS)
