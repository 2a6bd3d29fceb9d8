"""How far ranked lists agree that were cut by different chunkers: hits grouped by span, and rank-biased overlap."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence

from app.evaluation.version_span import VersionSpan

PERSISTENCE = 0.9
"""The first ten ranks carry 86 % of the weight."""


def is_same(first: VersionSpan, second: VersionSpan) -> bool:
    """Tell whether two spans stand for one find: they overlap by at least half of the shorter one."""
    return first == second or 0 < min(len(first), len(second)) <= 2 * first.overlap(second)


def group_spans(lists: Sequence[Sequence[VersionSpan]]) -> dict[VersionSpan, int]:
    """Return the number of the group, from 1, of every span in the ranked lists; the order of the lists is irrelevant.

    Greedy, longest spans first (ties by version and position): a span joins the group whose founder it is the same as
    and overlaps most (the oldest one in a tie), and founds a group where there is none. Groups are numbered by the best
    rank of their spans, then by their founder.
    """
    best_rank: dict[VersionSpan, int] = {}
    for ranked in lists:
        for rank, place in enumerate(ranked):
            best_rank[place] = min(rank, best_rank.get(place, rank))
    founders: defaultdict[str, list[VersionSpan]] = defaultdict(list)
    joined: defaultdict[VersionSpan, list[VersionSpan]] = defaultdict(list)
    for place in sorted(best_rank, key=lambda one: (-len(one), one)):
        same = [founder for founder in founders[place.version_id] if is_same(founder, place)]
        if not same:
            founders[place.version_id].append(place)
        joined[max(same, key=place.overlap) if same else place].append(place)
    order = sorted(joined, key=lambda founder: (min(best_rank[place] for place in joined[founder]), founder))
    return {place: number for number, founder in enumerate(order, start=1) for place in joined[founder]}


def ranked_groups(ranked: Sequence[VersionSpan], groups: dict[VersionSpan, int]) -> list[int]:
    """Return the groups of a ranked list, each once, at its best rank."""
    return list(dict.fromkeys(groups[place] for place in ranked))


def span_agreement(first: Sequence[VersionSpan], second: Sequence[VersionSpan]) -> float:
    """Return the rank-biased overlap of two ranked lists of spans, grouped among themselves alone.

    Other lists have no influence on it.
    """
    groups = group_spans([first, second])
    return rank_biased_overlap(ranked_groups(first, groups), ranked_groups(second, groups))


def rank_biased_overlap(
    first: Sequence[Hashable], second: Sequence[Hashable], persistence: float = PERSISTENCE
) -> float:
    """Return the extrapolated rank-biased overlap of two rankings without repetitions, in [0, 1].

    Webber, Moffat and Zobel, "A similarity measure for indefinite rankings", ACM TOIS 28 (4), 2010, equation 32, which
    also covers lists of different lengths. Two empty lists agree fully; an empty one agrees with no other.
    """
    short, long = sorted((first, second), key=len)
    if not short:
        return 0.0 if long else 1.0
    seen_short: set[Hashable] = set()
    seen_long: set[Hashable] = set()
    total = 0.0
    shared = shared_at_short_end = 0
    for depth, item in enumerate(long, start=1):
        seen_long.add(item)
        if depth <= len(short):
            seen_short.add(short[depth - 1])
            shared = shared_at_short_end = len(seen_short & seen_long)
        else:
            shared += item in seen_short
        beyond = max(0, depth - len(short))
        agreement = shared / depth + shared_at_short_end * beyond / (len(short) * depth)
        total += agreement * persistence**depth
    tail = (shared - shared_at_short_end) / len(long) + shared_at_short_end / len(short)
    return min(1.0, (1 - persistence) / persistence * total + tail * persistence ** len(long))
