"""The search for the smallest change of each setting that admits a text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from app.context.explanations.changes import Change, Changes
from app.context.explanations.trials import Outcome, Trials
from app.context.explanations.walk import Walk
from app.context.explanations.why_not import Opened
from app.context.strategy import MAX_CANDIDATES, BaselineSetup, SearchSetup
from indexes.fusions.convex import Convex
from indexes.fusions.reciprocal_rank import ReciprocalRank

LARGEST_BUDGET_TOKENS = 2_000_000
WEIGHT_STEPS = 10


class ChangeSearch:
    """Looks for the smallest change of each setting; what cannot help is told by its extreme in one trial."""

    def __init__(self, changes: Changes, trials: Trials, walked: Walk, opened: Opened) -> None:
        self.changes = changes
        self._trials = trials
        self._walked = walked
        self._opened = opened

    def outcomes(self, setups: Iterable[Change]) -> Iterator[Outcome]:
        """Yield the outcome of the smallest change of each setting that has one."""
        if self._walked.place is not None:
            yield from self._of_policy()
            if isinstance(self.changes.setup, SearchSetup):
                yield from self._of_search(self.changes.setup)
        yield from self._all(setups)

    def _of_policy(self) -> Iterator[Outcome]:
        yield from self._some(self._budget())
        yield from self._all(self.changes.packers())
        yield from self._all([self.changes.merging()])
        for listed in (self.changes.near_duplicates(), self.changes.overlaps()):
            extreme = self._trials.attempt(listed[-1]) if listed else None
            if extreme is not None:
                yield next(self._first(listed[:-1]), extreme)

    def _of_search(self, setup: SearchSetup) -> Iterator[Outcome]:
        yield from self._some(self._candidates(setup))
        if isinstance(setup.fusion, Convex):
            yield from self._some(self._weight(setup, setup.fusion))
        if isinstance(setup.fusion, ReciprocalRank):
            yield from self._first(self.changes.reciprocal_constants(setup, setup.fusion))
        yield from self._all(self.changes.fusions(setup))
        yield from self._all(self.changes.options(setup))

    def _budget(self) -> Outcome | None:
        """Gallop from what the receipt says is missing, then halve; a budget for everything tells whether any helps."""
        policy = self.changes.policy
        hits = [decision.hit for decision in self._opened.assembled.decisions]
        largest = policy.budget_tokens + sum(2 * hit.tokens + 200 for hit in hits)
        if isinstance(self.changes.setup, BaselineSetup):
            largest = 16 * policy.budget_tokens  # a larger budget reads more documents
        largest = min(LARGEST_BUDGET_TOKENS, largest)
        if largest <= policy.budget_tokens or self._trials.attempt(self.changes.budget(largest)) is None:
            return None
        details = self._walked.ways[0].details if self._walked.ways else {}
        step = max(16, int(details.get("needed_tokens", 0) - details.get("left_tokens", 0)))
        failed, value = policy.budget_tokens, min(largest, policy.budget_tokens + step)
        while (outcome := self._trials.attempt(self.changes.budget(value))) is None:
            if self._trials.is_over or value >= largest:
                return None
            step *= 2
            failed, value = value, min(largest, value + step)
        return self._trials.smallest(failed, outcome, value, self.changes.budget)

    def _candidates(self, setup: SearchSetup) -> Outcome | None:
        """Gallop from the depth at which a list reaches the text, then halve."""
        ranks = [
            one.rank
            for way in self._walked.ways
            for one in (*way.standings, *([way.fused] if way.fused is not None else []))
            if one.rank is not None and not one.is_taken
        ]
        if not ranks and not self._walked.is_cut:  # every list reaches it: only the normalisation would change
            deepest = self.changes.candidates(setup, MAX_CANDIDATES)
            if setup.candidates == MAX_CANDIDATES or self._trials.attempt(deepest) is None:
                return None
        failed, value = setup.candidates, min([*ranks, 2 * setup.candidates, MAX_CANDIDATES])
        while failed < value:
            outcome = self._trials.attempt(self.changes.candidates(setup, value))
            if outcome is not None:
                return self._trials.smallest(
                    failed, outcome, value, lambda count: self.changes.candidates(setup, count)
                )
            failed, value = value, min(2 * value, MAX_CANDIDATES)
        return None

    def _weight(self, setup: SearchSetup, fusion: Convex) -> Outcome | None:
        """Try tenths, the nearest first, then the middle between the one found and its neighbour."""
        now = fusion.dense_weight
        tenths = [number / WEIGHT_STEPS for number in range(WEIGHT_STEPS + 1)]
        for weight in sorted((one for one in tenths if abs(one - now) > 1e-9), key=lambda one: (abs(one - now), one)):
            outcome = self._trials.attempt(self.changes.dense_weight(setup, fusion, weight))
            if outcome is None:
                continue
            towards = weight - 1 / (2 * WEIGHT_STEPS) if weight > now else weight + 1 / (2 * WEIGHT_STEPS)
            nearer = round(towards, 4)
            if abs(nearer - now) < abs(weight - now) and abs(nearer - now) > 1e-9:
                return self._trials.attempt(self.changes.dense_weight(setup, fusion, nearer)) or outcome
            return outcome
        return None

    def _first(self, changes: Iterable[Change]) -> Iterator[Outcome]:
        found = (self._trials.attempt(change) for change in changes)
        yield from self._some(next((outcome for outcome in found if outcome is not None), None))

    def _all(self, changes: Iterable[Change]) -> Iterator[Outcome]:
        for change in changes:
            yield from self._some(self._trials.attempt(change))

    def _some(self, outcome: Outcome | None) -> Iterator[Outcome]:
        if outcome is not None:
            yield outcome
