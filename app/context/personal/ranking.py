"""How bans and boosts change the order of what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.context.passages import Candidate, Decision
from app.context.personal.material import PersonalMaterial
from app.context.users.banned_sources import BANNED_SOURCE
from app.context.users.feedback_boosts import BoostParts, boosted, normalised
from indexes.search import Hit


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundAt:
    """Where a candidate stood before others were boosted or banned; `boost` is None where it has none itself."""

    rank: int
    score: float
    boost: BoostParts | None
    is_banned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalOrder:
    """Candidates in the user's order, the decisions on banned ones, and by new rank where each was found."""

    candidates: Sequence[Candidate]
    banned: Sequence[Decision]
    found_at: dict[int, FoundAt]


def personal_order(ranked: Sequence[Candidate], personal: PersonalMaterial) -> PersonalOrder:
    """Return the candidates, which come best first, as the user's bans and boosts order them.

    Without a ban and with boosts of 0 throughout they stay as they are, scores included. Else scores are min-max
    normalised over what is not banned, since boosts are parts of a score; equal ones keep their order, and banned
    candidates come last.
    """
    allowed = [one for one in ranked if one.hit.document_id not in personal.bans]
    banned = [one for one in ranked if one.hit.document_id in personal.bans]
    parts = [personal.boosts.get(one.hit.document_id) for one in allowed]
    factors = np.array([0.0 if one is None else one.total for one in parts])
    if not banned and not factors.any():
        return PersonalOrder(candidates=ranked, banned=[], found_at={})
    scores = np.array([one.hit.score for one in allowed])
    if factors.any():
        scores = boosted(normalised(scores), factors)
    order = sorted(range(len(allowed)), key=lambda number: (-scores[number], number))
    found_at: dict[int, FoundAt] = {}
    candidates = []
    for rank, number in enumerate(order, start=1):
        one = allowed[number]
        found_at[rank] = FoundAt(rank=one.hit.rank, score=one.hit.score, boost=parts[number])
        candidates.append(_moved(one, rank, float(scores[number])))
    decisions = []
    for rank, one in enumerate(banned, start=len(allowed) + 1):
        found_at[rank] = FoundAt(rank=one.hit.rank, score=one.hit.score, boost=None, is_banned=True)
        decisions.append(Decision(hit=_moved(one, rank, one.hit.score).hit, reason=BANNED_SOURCE))
    return PersonalOrder(candidates=candidates, banned=decisions, found_at=found_at)


def _moved(candidate: Candidate, rank: int, score: float) -> Candidate:
    """Return the candidate at another place; written out, since `dataclasses.replace` takes five times as long."""
    hit = candidate.hit
    moved = Hit(
        rank=rank, document_id=hit.document_id, version_id=hit.version_id, ordinal=hit.ordinal, span=hit.span,
        tokens=hit.tokens, score=score, stores=hit.stores, steps=hit.steps, stands_for=hit.stands_for,
    )  # fmt: skip
    return Candidate(
        hit=moved, text=candidate.text, measure=candidate.measure, origin=candidate.origin, lead=candidate.lead
    )
