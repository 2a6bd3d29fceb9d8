"""Whether the statistics keep what they promise, measured: `python -m app.evaluation.statistics.verification`.

Writes `docs/statistics.md`.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from scipy.stats import binom

from app.evaluation.personalisation.verification import GROUPS as BY_USER
from app.evaluation.statistics.check import Check
from app.evaluation.statistics.cluster_totals import ClusterTotals
from app.evaluation.statistics.co_winners import loss_bounds
from app.evaluation.statistics.cross_fit import cross_fitted
from app.evaluation.statistics.equivalence import equivalence_intervals, is_within
from app.evaluation.statistics.holm import level_at_look
from app.evaluation.statistics.intervals import difference_intervals
from app.evaluation.statistics.power import detectable
from app.evaluation.statistics.score_table import Numbers
from app.evaluation.statistics.simulation import (
    MARGIN,
    RESAMPLES,
    Shape,
    alarms_of,
    arm_scores,
    clustered,
    judged,
    pairs_of,
    permuted_arms,
    rare,
    separate,
    shaped,
    shared_draws,
    verdicts_of,
)

SHAPES: tuple[Shape, ...] = ("normal", "zeros", "skewed")
ALPHA = 0.05
POWER_CASES: tuple[tuple[Shape, int, float], ...] = (
    ("normal", 100, ALPHA),
    ("normal", 150, ALPHA),
    ("zeros", 100, ALPHA),
    ("skewed", 100, ALPHA),
    ("normal", 100, level_at_look(ALPHA, 1)),
)
LOOKS = 8


def false_alarms(repetitions: int, seed: int) -> Iterator[Check]:
    """Rules 6, 8 and 15: how often better or worse is said where there is nothing."""
    random = np.random.default_rng([seed, 15])
    nothing = judged(separate(np.zeros((10, 100))))
    sure = all(np.all(batch.p == 1) for batch in nothing)
    yield Check(
        rule=15,
        what="identity: alarms, or p below 1",
        measured=float(alarms_of(nothing).mean() + (not sure)),
        at_most=0.0,
    )
    pairs = permuted_arms(repetitions, random)
    alarms = alarms_of(judged(pairs, family=15, alpha=ALPHA), family=15)
    yield Check(
        rule=15, what="null: 6 arms permuted by cluster, any alarm", measured=float(alarms.mean()), at_most=0.06
    )
    alarms = alarms_of(judged(clustered(repetitions, random)))
    yield Check(rule=6, what="30 clusters, correlation .1: alarms", measured=float(alarms.mean()), at_most=0.065)


def looks(repetitions: int, seed: int) -> Iterator[Check]:
    """Rule 8: eight looks on a set that grows from 50 to 400 questions."""
    values = shaped("normal", (repetitions, 50 * LOOKS), np.random.default_rng([seed, 8]), deviation=0.25)
    spent, free = np.zeros(repetitions, dtype=np.bool_), np.zeros(repetitions, dtype=np.bool_)
    for look in range(1, LOOKS + 1):
        grown = separate(values[:, : 50 * look])
        spent |= alarms_of(judged(grown, alpha=level_at_look(ALPHA, look)))
        free |= alarms_of(judged(grown))
    yield Check(rule=8, what="eight looks, level spent: any alarm", measured=float(spent.mean()), at_most=ALPHA)
    yield Check(rule=8, what="eight looks at .05 each: any alarm (for comparison)", measured=float(free.mean()))


def coverage(repetitions: int, seed: int) -> Iterator[Check]:
    """Rule 11: how often the interval of a difference holds the true one."""
    random = np.random.default_rng([seed, 11])
    for shape in SHAPES:
        for questions, at_least, at_most in ((100, 0.93, 0.97), (50, 0.92, None)):
            found = separate(shaped(shape, (repetitions, questions), random, mean=0.03))
            is_enough = found.non_zero >= 15
            measured = float(_covers(found, 0.03)[is_enough].mean())
            what = f"coverage of BCa, {shape}, {questions} questions"
            yield Check(rule=11, what=what, measured=measured, at_least=at_least, at_most=at_most)
    signs = np.where(random.random((repetitions, 100)) < 0.75, 1.0, -1.0)
    few = separate(rare((repetitions, 100), random, 0.04) * signs)
    what = "coverage where 4 % of 100 questions differ by 1 (mostly plus-two)"
    yield Check(rule=11, what=what, measured=float(_covers(few, 0.02).mean()))


def _covers(differences: ClusterTotals, truth: float) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    intervals = difference_intervals(differences, shared_draws(differences.clusters)[1])
    return np.asarray((intervals.low <= truth) & (truth <= intervals.high))


def equivalence(repetitions: int, seed: int) -> Iterator[Check]:
    """Rule 12: how often equivalence is claimed where the difference is exactly the margin."""
    random = np.random.default_rng([seed, 12])
    for shape in SHAPES:
        for sign in (1, -1) if shape == "skewed" else (1,):
            found = separate(sign * shaped(shape, (repetitions, 300), random, mean=sign * MARGIN))
            what = f"error at the margin, {shape}{'' if sign > 0 else ' downwards'}, 300 questions"
            yield Check(rule=12, what=what, measured=_claims(found), at_most=0.075)
    for questions in (100, 150, 200, 300, 500, 1_000):
        what = f"error at the margin, 2 % of {questions:,} questions differ by 1"
        claims = _claims(separate(rare((repetitions, questions), random, MARGIN)))
        yield Check(rule=12, what=what, measured=claims, at_most=0.075)
    questions, error = worst_rare_error()
    what = f"the same, counted out: the worst number of questions up to 1,000, {questions}"
    yield Check(rule=12, what=what, measured=error, at_most=0.075)


def _claims(differences: ClusterTotals) -> float:
    return float(is_within(*equivalence_intervals(differences), MARGIN).mean())


def worst_rare_error(most_questions: int = 1_000) -> tuple[int, float]:
    """Return with how many questions a true 2 % is oftenest called equivalent, and how often, without simulation."""
    errors = []
    for questions in range(1, most_questions + 1):
        differing = np.arange(min(questions, 60) + 1)
        rows = separate((np.arange(questions) < differing[:, np.newaxis]).astype(np.float64))
        is_claimed = is_within(*equivalence_intervals(rows), MARGIN)
        errors.append(float(binom.pmf(differing, questions, MARGIN)[is_claimed].sum()))
    return int(np.argmax(errors)) + 1, max(errors)


def power(repetitions: int, seed: int) -> Iterator[Check]:
    """Rule 14: how often the detectable difference is found, at least twice the margin, in one planned comparison."""
    random = np.random.default_rng([seed, 14])
    for shape, questions, alpha in POWER_CASES:
        truth = float(detectable(np.array(0.25 / np.sqrt(questions)), alpha))
        found = separate(shaped(shape, (repetitions, questions), random, mean=truth, deviation=0.25))
        better = np.mean(np.array(verdicts_of(judged(found, alpha=alpha))) == "better")
        what = f"power at the detectable difference {truth:.3f}, {shape}, {questions} questions, level {alpha:.3f}"
        yield Check(rule=14, what=what, measured=float(better), at_least=0.75, at_most=0.85)


def winners(repetitions: int, seed: int) -> Iterator[Check]:
    """Rule 16: whether the true best is a co-winner, and whether the bound on the loss holds."""
    random = np.random.default_rng([seed, 16])
    means: Numbers = np.linspace(0.5, 0.55, 6)
    scores = arm_scores(repetitions, random, means)
    first, second = pairs_of(len(means))
    found = judged(separate((scores[:, first] - scores[:, second]).reshape(-1, scores.shape[2])), family=15)
    verdicts = np.array(verdicts_of(found)).reshape(repetitions, -1)
    is_beaten = (verdicts[:, second == len(means) - 1] == "better").any(axis=1)
    yield Check(rule=16, what="the true best is a co-winner", measured=float(1 - is_beaten.mean()), at_least=0.95)
    held = []
    for one in scores:
        bounds, top = loss_bounds(separate(one)), int(one.mean(axis=1).argmax())
        held.append(bool(np.all(means[top] - means <= bounds[:, top] + 1e-12)))
    yield Check(
        rule=16,
        what="every loss against the top scorer is within its bound",
        measured=float(np.mean(held)),
        at_least=0.95,
    )


def winners_curse(repetitions: int, seed: int) -> Iterator[Check]:
    """Rule 17: by how much the cross-fitted score of the winner is off, against its true mean."""
    random = np.random.default_rng([seed, 17])
    for what, means in (("ten equal arms", np.full(10, 0.5)), ("ten arms .005 apart", np.linspace(0.5, 0.545, 10))):
        scores = arm_scores(repetitions, random, means)
        observed = scores.mean(axis=2)
        truth = means[observed.argmax(axis=1)].mean()
        fitted = _mean_of_cross_fits(scores)
        yield Check(
            rule=17,
            what=f"bias of the cross-fitted score, {what}",
            measured=fitted - float(truth),
            at_least=-0.005,
            at_most=0.005,
        )
        naive = float(observed.max(axis=1).mean() - truth)
        yield Check(rule=17, what=f"bias of the naive score, {what} (for comparison)", measured=naive)


def _mean_of_cross_fits(scores: Numbers) -> float:
    return float(np.mean([cross_fitted(separate(one), seed) for seed, one in enumerate(scores)]))


GROUPS: tuple[Callable[[int, int], Iterator[Check]], ...] = (
    false_alarms,
    looks,
    coverage,
    equivalence,
    power,
    winners,
    winners_curse,
    *BY_USER,
)

REPETITIONS = 4_000
SEED = 7
PAGE = """\
# Statistics, measured

What the tests, intervals and verdicts of an experiment do where the truth is known. Each figure comes from
{repetitions:,} simulated runs of the code that judges real experiments, with the margin at {margin}, {resamples:,}
resamples and patterns of signs, seed {seed}, commit
{commit}. This page is written by
`python -m app.evaluation.statistics.verification`.

Means are over questions and resampling is over clusters: a mean is the ratio of two sums over clusters, so a large
cluster weighs as many times as it has questions. Look k, the first included, is tested at .05 x 6 / (pi x k)^2, so all
looks together spend .05; detectable differences and further questions use the level of the look, and at .05 the
detectable difference of one comparison is 2.80 standard errors.

Of personalisation (rules 22 to 24) the clusters are users: 30 with 10 questions each in groups of 5, where a profile's
gain varies by .15 between pairs of user and profile and by .2 between questions, unless a row says otherwise.

| Rule | What | Measured | Bound | Met |
| --- | --- | --- | --- | --- |
{rows}
"""


def page(checks: Sequence[Check], *, repetitions: int, seed: int, commit: str) -> str:
    """Return the page with the table of all checks."""
    rows = "\n".join(
        f"| {check.rule} | {check.what} | {check.measured:.4f} | {_bound(check)} | {_met(check)} |" for check in checks
    )
    return PAGE.format(repetitions=repetitions, margin=MARGIN, resamples=RESAMPLES, seed=seed, commit=commit, rows=rows)


def _bound(check: Check) -> str:
    if check.at_least is None:
        return "none" if check.at_most is None else f"at most {check.at_most:g}"
    return f"at least {check.at_least:g}" if check.at_most is None else f"{check.at_least:g} to {check.at_most:g}"


def _met(check: Check) -> str:
    if check.at_least is None and check.at_most is None:
        return "-"
    return "yes" if check.is_met() else "**no**"


def commit_of(folder: Path) -> str:
    """Return the commit of a folder, and whether it holds changes since; `unknown` without git."""
    git = shutil.which("git")
    if git is None:
        return "unknown"
    commands = ([git, "rev-parse", "HEAD"], [git, "status", "--porcelain", "--", "."])
    done = [subprocess.run(command, cwd=folder, capture_output=True, text=True) for command in commands]  # noqa: S603  # commands of this module
    if any(one.returncode for one in done):
        return "unknown"
    return done[0].stdout.strip() + (" with uncommitted changes" if done[1].stdout.strip() else "")


def main() -> None:
    """Run every simulation and write the page."""
    checks = [check for group in GROUPS for check in group(REPETITIONS, SEED)]
    text = page(checks, repetitions=REPETITIONS, seed=SEED, commit=commit_of(Path(__file__).parent))
    Path("docs/statistics.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
