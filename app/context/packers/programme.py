"""The 0/1 knapsack by dynamic programming: the most valuable set of loads within a capacity and a cap per group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Load:
    """Something that may be taken or left: what it weighs, 0 or more, and what it is worth, 0 or more."""

    weight: int
    value: float
    group: str


@dataclass(frozen=True, slots=True)
class _Step:
    """One choice of the programme: loads of which at most one bundle is taken.

    `weights` and `members` describe the bundles; `taken` [capacity + 1] says which of them to take with so much
    capacity left, -1 for none.
    """

    weights: list[int]
    members: list[list[int]]
    taken: npt.NDArray[np.int8] | npt.NDArray[np.int32]


def best_loads(loads: Sequence[Load], capacity: int, group_capacity: Mapping[str, int]) -> list[int]:
    """Return the numbers of the loads with the largest sum of values whose weights fit; earlier ones where it ties.

    The sum of all weights is at most `capacity`, that of each group at most its own. A group is only held to its
    capacity once a solution breaks it: what is best without a limit and keeps to it is best with it too.
    """
    held: set[str] = set()
    while True:
        chosen = _solve(loads, capacity, group_capacity, held)
        weights: Counter[str] = Counter()
        for number in chosen:
            weights[loads[number].group] += loads[number].weight
        broken = {group for group, weight in weights.items() if weight > group_capacity[group]}
        if not broken:
            return chosen
        held |= broken


def _solve(loads: Sequence[Load], capacity: int, group_capacity: Mapping[str, int], held: set[str]) -> list[int]:
    free = [number for number, load in enumerate(loads) if load.group not in held]
    if not held and sum(loads[number].weight for number in free) <= capacity:
        return free
    best: Values = np.zeros(min(capacity, sum(load.weight for load in loads)) + 1)
    steps = []
    for group in sorted(held):
        numbers = [number for number, load in enumerate(loads) if load.group == group]
        steps.append(_add_bundles(best, *_bundles(loads, numbers, group_capacity[group])))
    steps += _add_each(best, loads, free)
    return sorted(_traced(steps, len(best) - 1))


def _add_each(best: Values, loads: Sequence[Load], numbers: Sequence[int]) -> list[_Step]:
    """Add the loads to the programme, the last first, so that the first is decided on first."""
    steps = []
    for number in reversed(numbers):
        load = loads[number]
        taken = np.full(len(best), -1, dtype=np.int8)
        if load.weight < len(best):
            with_it = best[: len(best) - load.weight] + load.value
            is_better = with_it >= best[load.weight :]
            best[load.weight :] = np.where(is_better, with_it, best[load.weight :])
            taken[load.weight :][is_better] = 0
        steps.append(_Step([load.weight], [[number]], taken))
    return steps


def _bundles(
    loads: Sequence[Load], numbers: Sequence[int], capacity: int
) -> tuple[list[int], list[float], list[list[int]]]:
    """Return weight, value and members of each set of loads that is worth more than any lighter one, lightest first."""
    best: Values = np.zeros(min(capacity, sum(loads[number].weight for number in numbers)) + 1)
    steps = _add_each(best, loads, numbers)
    weights = np.flatnonzero(np.diff(best, prepend=0.0) > 0).tolist()
    return weights, best[weights].tolist(), [_traced(steps, weight) for weight in weights]


def _add_bundles(best: Values, weights: list[int], values: list[float], members: list[list[int]]) -> _Step:
    before = best.copy()
    taken = np.full(len(best), -1, dtype=np.int32)
    for bundle, (weight, value) in enumerate(zip(weights, values, strict=True)):
        if weight < len(best):
            with_it = before[: len(best) - weight] + value
            is_better = with_it > best[weight:]
            best[weight:] = np.where(is_better, with_it, best[weight:])
            taken[weight:][is_better] = bundle
    return _Step(weights, members, taken)


def _traced(steps: Sequence[_Step], capacity: int) -> list[int]:
    """Return the loads that the best solution within `capacity` takes."""
    chosen: list[int] = []
    for step in reversed(steps):
        bundle = int(step.taken[capacity])
        if bundle >= 0:
            chosen += step.members[bundle]
            capacity -= step.weights[bundle]
    return chosen
