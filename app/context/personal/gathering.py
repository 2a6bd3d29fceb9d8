"""From whoever asks to what enters their context, as the policy has it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.context.found_passages import Passage
from app.context.personal.asker import Asker, RankedMemory
from app.context.personal.material import PersonalMaterial
from app.context.personal.policy import PersonalisationPolicy
from app.context.users.banned_sources import bans_on
from app.context.users.feedback_boosts import BoostParts, DocumentTraits, boosts_of
from app.context.users.feedback_evidence import evidence_of
from app.context.users.known import Fact, Feedback, Preferences


def gathered(
    policy: PersonalisationPolicy,
    asker: Asker,
    passages: Sequence[Passage],
    memories: tuple[RankedMemory, ...],
    others_feedback: Sequence[Feedback],
) -> PersonalMaterial:
    """Return what of the asker may enter, `memories` being as many as the policy takes, ranked best first.

    `others_feedback` is that of other users of the workspace on documents of the passages.
    """
    known = asker.known
    preferences = asker.preferences if policy.preferences else Preferences()
    documents = _documents(passages)
    return PersonalMaterial(
        workspace_instructions=asker.workspace_instructions,
        notes=asker.notes,
        facts=_surest_first(known.facts) if policy.profile else (),
        preferences=preferences,
        turns=known.turns if policy.history else (),
        memories=memories,
        bans=bans_on(documents, preferences),
        boosts=_boosts(policy, asker, documents, preferences, others_feedback),
    )


def _documents(passages: Sequence[Passage]) -> list[DocumentTraits]:
    """Return each document of the passages once."""
    documents = {
        one.hit.document_id: DocumentTraits(document_id=one.hit.document_id, external_id=one.external_id, tags=one.tags)
        for one in passages
    }
    return list(documents.values())


def _surest_first(facts: Sequence[Fact]) -> tuple[Fact, ...]:
    return tuple(sorted(facts, key=lambda fact: (-fact.confidence, fact.key)))


def _boosts(
    policy: PersonalisationPolicy,
    asker: Asker,
    documents: Sequence[DocumentTraits],
    preferences: Preferences,
    others_feedback: Sequence[Feedback],
) -> dict[str, BoostParts]:
    own_feedback = asker.known.feedback if policy.feedback else ()
    others = others_feedback if policy.feedback else ()
    if not documents or not (own_feedback or others or preferences.preferred_sources or preferences.preferred_tags):
        return {}
    ids = [one.document_id for one in documents]
    weights = policy.boosts.evidence
    boosts = boosts_of(
        documents,
        evidence_of(own_feedback, ids, asker.moment, weights),
        evidence_of(others, ids, asker.moment, weights),
        preferences,
        policy.boosts,
    )
    return {ids[number]: boosts.parts_of(number) for number in np.flatnonzero(boosts.total).tolist()}
