"""The strategies that nothing beats, and the cheapest of them that loses little at worst."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from app.evaluation.statistics.cluster_totals import ClusterTotals
from app.evaluation.statistics.intervals import plus_two
from app.evaluation.statistics.pair_verdict import PairVerdict
from app.evaluation.statistics.score_table import Numbers

LOSS_ALPHA = 0.05


class SafeChoice(BaseModel):
    """What may be chosen, and what that loses at most."""

    model_config = ConfigDict(frozen=True)

    label: str
    instead_of: str = Field(description="the top scorer; for itself the strategy that may be ahead of it by most")
    loss_bound: float = Field(ge=0, description="the mean score lost at most, one-sided 95 %, over all contestants")

    @property
    def sentence(self) -> str:
        """Return the choice in words."""
        return f"choosing {self.label} instead of {self.instead_of} loses at most {self.loss_bound:.3f}"


def co_winners(labels: Sequence[str], pairs: Sequence[PairVerdict]) -> list[str]:
    """Return the labels, in their order, than which no other is better."""
    beaten = {pair.second if pair.verdict == "better" else pair.first for pair in pairs if pair.verdict in BEATS}
    return [label for label in labels if label not in beaten]


BEATS = ("better", "worse")


def loss_bounds(scores: ClusterTotals) -> Numbers:
    """Return what choosing row x instead of row y loses at most, [S, S] in [0, 1]; 0 on the diagonal.

    The upper end of a one-sided plus-two interval, at .05 shared among the S strategies (Bonferroni).
    """
    size = len(scores.sums)
    chosen, other = np.divmod(np.arange(size * size), size)
    _, high = plus_two(scores.differences(other, chosen), 1 - 2 * LOSS_ALPHA / size)
    bounds = np.maximum(high, 0.0).reshape(size, size)
    np.fill_diagonal(bounds, 0.0)
    return bounds


def loss_of(label: str, top: str, bounds: Mapping[str, Mapping[str, float]]) -> SafeChoice | None:
    """Return what `label` loses at most against the top scorer, and the top scorer against its strongest rival.

    `bounds` are by the chosen label, then by the other's. None where there is no other strategy.
    """
    rivals = {other: bound for other, bound in bounds[label].items() if other != label}
    if not rivals:
        return None
    other = top if label != top else min(rivals, key=lambda rival: (-rivals[rival], rival))
    return SafeChoice(label=label, instead_of=other, loss_bound=rivals[other])


def cheapest_safe_choice(
    winners: Sequence[str],
    top: str,
    bounds: Mapping[str, Mapping[str, float]],
    costs: Mapping[str, float],
    tolerance: float,
) -> SafeChoice | None:
    """Return the cheapest co-winner whose loss is at most the tolerance; None where no loss is so small.

    A strategy without a cost is not chosen; ties end by the smaller loss, then the label.
    """
    losses = [loss_of(label, top, bounds) for label in winners if label in costs]
    safe = [loss for loss in losses if loss is not None and loss.loss_bound <= tolerance]
    return min(safe, key=lambda loss: (costs[loss.label], loss.loss_bound, loss.label), default=None)
