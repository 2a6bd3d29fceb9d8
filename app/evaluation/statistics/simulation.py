"""Worlds in which the truth is known: differences and scores drawn many times over, and judged as real ones are."""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations
from typing import Literal

import numpy as np

from app.evaluation.statistics.cluster_totals import ClusterTotals
from app.evaluation.statistics.intervals import Counts, draw_resamples
from app.evaluation.statistics.score_table import Flags, Integers, Numbers
from app.evaluation.statistics.sign_flip import Signs, draw_signs
from app.evaluation.statistics.verdict import Judgements, judge

Shape = Literal["normal", "zeros", "skewed"]

MARGIN = 0.02
RESAMPLES = 2_000
SHARE_OF_ZEROS = 0.55
_ROWS_AT_ONCE = 4_000


@lru_cache(maxsize=32)
def shared_draws(clusters: int) -> tuple[tuple[Signs, ...], Counts]:
    """Return the signs and resamples that all repetitions with so many clusters share."""
    return tuple(draw_signs(clusters, RESAMPLES, seed=clusters)), draw_resamples(clusters, RESAMPLES, seed=clusters)


def judged(differences: ClusterTotals, family: int = 1, alpha: float = 0.05) -> list[Judgements]:
    """Run the verdict code over all rows, in batches of whole families."""
    signs, counts = shared_draws(differences.clusters)
    step = family * max(1, _ROWS_AT_ONCE // family)
    return [
        judge(
            differences.rows(slice(start, start + step)), family, signs=signs, counts=counts, margin=MARGIN, alpha=alpha
        )
        for start in range(0, len(differences.sums), step)
    ]


def verdicts_of(found: list[Judgements]) -> list[str]:
    """Return the verdicts of all batches."""
    return [str(verdict) for batch in found for verdict in batch.verdicts]


def alarms_of(found: list[Judgements], family: int = 1) -> Flags:
    """Tell in which families any pair is called better or worse."""
    return np.asarray(np.concatenate([batch.is_alarm for batch in found]).reshape(-1, family).any(axis=1))


def separate(values: Numbers) -> ClusterTotals:
    """Return totals [N, Q] in which each question is a cluster of its own."""
    return ClusterTotals(sums=np.round(values, 12), sizes=np.ones(values.shape[1]))


def shaped(
    shape: Shape, size: tuple[int, int], random: np.random.Generator, mean: float = 0.0, deviation: float = 0.1
) -> Numbers:
    """Draw differences [repetitions, questions] of a true mean; the deviation is about the given one.

    `zeros`: 55 % are 0, the others uniform. `skewed`: a beta (.5, 4.5) moved to the mean, of skewness 1.87.
    """
    if shape == "normal":
        return random.normal(mean, deviation, size)
    if shape == "skewed":
        return np.asarray((random.beta(0.5, 4.5, size) - 0.1) / np.sqrt(0.015) * deviation + mean)
    share = 1 - SHARE_OF_ZEROS
    reach = np.sqrt(3 / share) * deviation
    return np.where(random.random(size) < share, random.uniform(-reach, reach, size) + mean / share, 0.0)


def rare(size: tuple[int, int], random: np.random.Generator, share: float) -> Numbers:
    """Draw differences that are 1 on a share of the questions and 0 on the others."""
    return (random.random(size) < share).astype(np.float64)


def clustered(
    repetitions: int, random: np.random.Generator, clusters: int = 30, correlation: float = 0.1
) -> ClusterTotals:
    """Draw differences without a true one in clusters of 4 to 10 questions with an intraclass correlation."""
    sizes = np.arange(clusters) % 7 + 4
    within = random.normal(0, np.sqrt(sizes * (1 - correlation)), (repetitions, clusters))
    between = random.normal(0, np.sqrt(correlation), (repetitions, clusters)) * sizes
    return ClusterTotals(sums=0.2 * (within + between), sizes=sizes.astype(np.float64))


def permuted_arms(repetitions: int, random: np.random.Generator, arms: int = 6, clusters: int = 60) -> ClusterTotals:
    """Return all pairs' differences, repetition by repetition, of one score table with its arms permuted by cluster.

    The arms' scores differ truly (0, 1/2 or 1, means from .4 to .65), so only permuting makes them exchangeable.
    """
    sizes = np.arange(clusters) % 4 + 1
    level = np.linspace(0.4, 0.65, arms)[:, np.newaxis]
    scores = random.binomial(2, level, (arms, int(sizes.sum()))) / 2
    sums = np.add.reduceat(scores, np.cumsum(sizes) - sizes, axis=1)
    permuted = random.permuted(np.broadcast_to(sums, (repetitions, arms, clusters)), axis=1)
    first, second = pairs_of(arms)
    differences = permuted[:, first] - permuted[:, second]
    return ClusterTotals(sums=differences.reshape(-1, clusters), sizes=sizes.astype(np.float64))


def pairs_of(arms: int) -> tuple[Integers, Integers]:
    """Return the numbers of the first and of the second of all pairs."""
    pairs = np.array(list(combinations(range(arms), 2)), dtype=np.int64)
    return pairs[:, 0], pairs[:, 1]


def arm_scores(
    repetitions: int, random: np.random.Generator, means: Numbers, questions: int = 100, deviation: float = 0.15
) -> Numbers:
    """Draw scores [repetitions, arms, questions] of true means; the arms share what makes a question hard."""
    hardness = random.normal(0, deviation, (repetitions, 1, questions))
    own = random.normal(0, deviation, (repetitions, len(means), questions))
    return np.asarray(means[:, np.newaxis] + hardness + own)
