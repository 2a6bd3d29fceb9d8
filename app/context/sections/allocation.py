"""Who gets how many tokens: integer water-filling that a larger budget never turns against anybody.

The sections that must fit (`overflow: fail`) get exactly what they want. The rest, R tokens, is an endless row of
numbered slots of which the first R exist. Each slot is reserved for one section, in proportion to the shares (Jefferson
and D'Hondt's divisors, which give every section at least its share rounded down and never take a slot back as R grows);
what the shares leave of 1 is reserved for nobody. A section takes its slots as far as it wants them, at least its
minimum; tokens in slots that nobody takes flow on by priority. Where minimums take more than their share, only the
first slots count, as many as fit beside them.

A section's slots and the number of tokens that nobody takes only ever grow with R, one at a time, so every section's
tokens do: raising the budget lowers nobody. tests/app/context/sections/test_allocation.py tries it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.context.sections.settings import DEFAULT_SECTIONS, SECTION_ORDER, SectionName, SectionSettings
from configs.errors import InvalidInputError

WHOLE = 1_000_000
"""Shares are counted in millionths, so that all is integer arithmetic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """One section that takes what it gets: its slots' weight, and the least and most that it can use."""

    name: SectionName
    weight: int
    least_tokens: int
    most_tokens: int

    def taken_of(self, slots: int) -> int:
        return max(self.least_tokens, min(self.most_tokens, slots))


def allocate(
    budget_tokens: int,
    wanted: Mapping[SectionName, int],
    settings: Mapping[SectionName, SectionSettings] = DEFAULT_SECTIONS,
) -> dict[SectionName, int]:
    """Return the tokens of every section, in the order of sending; a section absent from `wanted` wants none.

    The sum never exceeds the budget and no section gets more than it wants or its maximum; where everything fits
    everybody gets that; a larger budget lowers nobody; a section that wants tokens gets at least its share, rounded
    down, unless minimums of others stand against it. A section absent from `settings` has its default ones. Raises
    InvalidInputError (`sections_do_not_fit`) where the sections that must fit and the minimums pass the budget, or
    where a section that must fit wants more than its maximum; ValueError for a negative number of tokens.
    """
    if budget_tokens < 0 or any(tokens < 0 for tokens in wanted.values()):
        raise ValueError(f"tokens are 0 or more, got a budget of {budget_tokens} and {dict(wanted)}")
    sections = {name: settings.get(name, DEFAULT_SECTIONS[name]) for name in SECTION_ORDER}
    required = {name: wanted.get(name, 0) for name, section in sections.items() if section.overflow == "fail"}
    claims = [
        _claim(name, wanted.get(name, 0), sections[name])
        for name in sorted(SECTION_ORDER, key=lambda name: sections[name].priority)
        if name not in required
    ]
    _check_maximums(required, sections)
    _check_needs(budget_tokens, required, claims)
    shared = _shared_out(budget_tokens - sum(required.values()), claims)
    return {name: required[name] if name in required else shared[name] for name in SECTION_ORDER}


def _claim(name: SectionName, wanted_tokens: int, section: SectionSettings) -> _Claim:
    most_tokens = wanted_tokens if section.maximum_tokens is None else min(wanted_tokens, section.maximum_tokens)
    return _Claim(
        name=name,
        weight=round(section.share * WHOLE),
        least_tokens=min(section.minimum_tokens, most_tokens),
        most_tokens=most_tokens,
    )


def _shared_out(left_tokens: int, claims: Sequence[_Claim]) -> dict[SectionName, int]:
    """Share `left_tokens` out among the claims, which come by priority and whose least tokens fit."""
    taken = _taken(left_tokens, claims)
    if sum(taken) > left_tokens:
        taken = _taken(_slots_beside_minimums(left_tokens, claims), claims)
    unused_tokens = left_tokens - sum(taken)
    tokens: dict[SectionName, int] = {}
    for claim, own_tokens in zip(claims, taken, strict=True):
        more_tokens = min(unused_tokens, claim.most_tokens - own_tokens)
        tokens[claim.name] = own_tokens + more_tokens
        unused_tokens -= more_tokens
    return tokens


def _slots_beside_minimums(left_tokens: int, claims: Sequence[_Claim]) -> int:
    """Return the largest number of slots whose takers stay within `left_tokens`; one more slot adds one at most."""
    fits, too_many = 0, left_tokens
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if sum(_taken(middle, claims)) <= left_tokens:
            fits = middle
        else:
            too_many = middle
    return fits


def _taken(slots: int, claims: Sequence[_Claim]) -> list[int]:
    """Return what each claim takes of the first `slots` slots."""
    weights = [claim.weight for claim in claims]
    unreserved = max(0, WHOLE - sum(weights))
    return [
        claim.taken_of(own_slots)
        for claim, own_slots in zip(claims, _slots_of([*weights, unreserved], slots), strict=False)
    ]


def _slots_of(weights: Sequence[int], slots: int) -> list[int]:
    """Return how many of the first `slots` slots each weight has: slot k of weight w stands at k / w.

    Rounding down gives every weight the slots that stand before `slots / sum`; fewer than one for each weight remain.
    """
    whole = sum(weights)
    held = [weight * slots // whole for weight in weights]
    for _ in range(slots - sum(held)):
        first = 0
        for other in range(1, len(weights)):
            if weights[other] * (held[first] + 1) > weights[first] * (held[other] + 1):
                first = other
        held[first] += 1
    return held


def _check_maximums(required: Mapping[SectionName, int], sections: Mapping[SectionName, SectionSettings]) -> None:
    for name, tokens in required.items():
        maximum_tokens = sections[name].maximum_tokens
        if maximum_tokens is not None and tokens > maximum_tokens:
            raise InvalidInputError(
                f"the section {name} needs {tokens} tokens, but its maximum_tokens is {maximum_tokens}",
                hint=f"shorten it, raise sections.{name}.maximum_tokens, or choose an overflow other than fail",
                code="sections_do_not_fit",
                needed_tokens=tokens,
                available_tokens=maximum_tokens,
                sections={name: tokens},
            )


def _check_needs(budget_tokens: int, required: Mapping[SectionName, int], claims: Sequence[_Claim]) -> None:
    needs = {name: tokens for name, tokens in required.items() if tokens}
    needs |= {claim.name: claim.least_tokens for claim in claims if claim.least_tokens}
    needed_tokens = sum(needs.values())
    if needed_tokens <= budget_tokens:
        return
    minimums = {claim.name for claim in claims}
    listed = [f"{name} {tokens}{' (its minimum)' if name in minimums else ''}" for name, tokens in needs.items()]
    raise InvalidInputError(
        f"the sections that must fit need {needed_tokens} tokens ({' + '.join(listed)}), "
        f"but {budget_tokens} are available: {needed_tokens - budget_tokens} too few",
        hint="raise the budget, shorten one of these sections, or lower its minimum_tokens",
        code="sections_do_not_fit",
        needed_tokens=needed_tokens,
        available_tokens=budget_tokens,
        sections=needs,
    )
