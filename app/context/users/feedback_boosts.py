"""How much a user's feedback and preferences lift or lower documents: at most a fifth of a score, explained in parts.

The share of what speaks for a document is estimated with a Beta(n / 2, n / 2) prior, n = `prior_strength`: few pieces
of evidence move little. The user's estimate is drawn towards that of the others in the workspace. Without any evidence
and without preferences every boost is exactly 0, so that a new user gets what nobody in particular gets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from app.context.users.feedback_evidence import Evidence, EvidenceWeights
from app.context.users.known import Preferences
from configs.part import LIVE

Floats = npt.NDArray[np.float64]

LARGEST_BOOST = 0.2
_ROUNDING = 1e-9


class BoostSettings(BaseModel):
    """How far feedback and preferences reach."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: float = Field(
        LARGEST_BOOST,
        ge=0,
        le=LARGEST_BOOST,
        allow_inf_nan=False,
        description="largest part of a score that all boosts together add or take away",
        json_schema_extra=LIVE,
    )
    prior_strength: float = Field(
        4.0,
        ge=0.5,
        le=1_000,
        allow_inf_nan=False,
        description="weight of the belief that a document is neither good nor bad (Beta(2, 2) where 4), in thumbs",
        json_schema_extra=LIVE,
    )
    workspace_evidence: Literal["none", "with_own", "alone"] = Field(
        "with_own",
        description="whether others' feedback counts: `none`; `with_own`: in proportion to how much the user gave on "
        "the document, so that who gave none gets no boost; `alone`: fully, even without the user's own",
        json_schema_extra=LIVE,
    )
    preferred_source: float = Field(
        0.05,
        ge=0,
        le=LARGEST_BOOST,
        allow_inf_nan=False,
        description="boost of a document whose source the user prefers",
        json_schema_extra=LIVE,
    )
    preferred_tag: float = Field(
        0.05,
        ge=0,
        le=LARGEST_BOOST,
        allow_inf_nan=False,
        description="boost of a document with a tag that the user prefers, however many such tags it has",
        json_schema_extra=LIVE,
    )
    evidence: EvidenceWeights = Field(
        EvidenceWeights(), description="what each piece of feedback weighs", json_schema_extra=LIVE
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentTraits:
    """What preferences look at in a document."""

    document_id: str
    external_id: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BoostParts:
    """Why a document is boosted by `total`: the sum of the other four, cut to the limit.

    `own_feedback` is what the user's evidence makes by itself, `workspace_feedback` what drawing it towards the others'
    adds.
    """

    document_id: str
    own_feedback: float
    workspace_feedback: float
    preferred_source: float
    preferred_tag: float
    total: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Boosts:
    """The boosts of documents, in the order given, and the parts they are made of."""

    document_ids: tuple[str, ...]
    own_feedback: Floats
    workspace_feedback: Floats
    preferred_source: Floats
    preferred_tag: Floats
    total: Floats

    def parts_of(self, number: int) -> BoostParts:
        """Return the parts of the boost of one document, by its place."""
        return BoostParts(
            document_id=self.document_ids[number],
            own_feedback=float(self.own_feedback[number]),
            workspace_feedback=float(self.workspace_feedback[number]),
            preferred_source=float(self.preferred_source[number]),
            preferred_tag=float(self.preferred_tag[number]),
            total=float(self.total[number]),
        )


def boosts_of(
    documents: Sequence[DocumentTraits],
    own: Evidence,
    others: Evidence,
    preferences: Preferences,
    settings: BoostSettings,
) -> Boosts:
    """Return the boosts of `documents`, each given once; `own` and `others` are evidence on them in the same order.

    `others` must not hold the user's own feedback, or it would count twice.
    """
    own_feedback = _boost(_share(own, np.full(len(documents), 0.5), settings), settings)
    feedback = _boost(_share(own, _prior(own, others, settings), settings), settings)
    sources, tags = set(preferences.preferred_sources), set(preferences.preferred_tags)
    preferred_source = np.array([settings.preferred_source * (one.external_id in sources) for one in documents])
    preferred_tag = np.array([settings.preferred_tag * (not tags.isdisjoint(one.tags)) for one in documents])
    total = np.clip(feedback + preferred_source + preferred_tag, -settings.limit, settings.limit)
    return Boosts(
        document_ids=tuple(one.document_id for one in documents),
        own_feedback=own_feedback,
        workspace_feedback=feedback - own_feedback,
        preferred_source=preferred_source,
        preferred_tag=preferred_tag,
        total=total,
    )


def normalised(scores: Floats) -> Floats:
    """Return the scores mapped to 0 to 1, the form in which they can be boosted; 0.5 where all are equal."""
    if not len(scores):
        return scores
    lowest, spread = scores.min(), np.ptp(scores)
    return (scores - lowest) / spread if spread > 0 else np.full(len(scores), 0.5)


def boosted(scores: Floats, boosts: Floats) -> Floats:
    """Return s (1 + boost) for each score; where no boost differs from 0, `scores` itself, the same object.

    A document overtakes another only if its score is at least (1 - limit) / (1 + limit) of the other's, two thirds at
    the largest limit. Raises ValueError for scores outside of 0 to 1, whose sign or scale would twist the boost.
    """
    if not boosts.any():
        return scores
    if scores.min() < -_ROUNDING or scores.max() > 1 + _ROUNDING:
        raise ValueError(f"scores must be within 0 and 1, got {scores.min()} to {scores.max()}; normalise them first")
    return scores * (1.0 + boosts)


def _prior(own: Evidence, others: Evidence, settings: BoostSettings) -> Floats:
    """Return the share that the user's evidence starts from: a half, moved towards the others' share."""
    if settings.workspace_evidence == "none":
        return np.full(len(own.positive), 0.5)
    share = _share(others, np.full(len(others.positive), 0.5), settings)
    if settings.workspace_evidence == "alone":
        return share
    return 0.5 + own.total / (own.total + settings.prior_strength) * (share - 0.5)


def _share(evidence: Evidence, prior: Floats, settings: BoostSettings) -> Floats:
    """Return the mean of the Beta posterior: (positive + n prior) / (total + n)."""
    return (evidence.positive + settings.prior_strength * prior) / (evidence.total + settings.prior_strength)


def _boost(share: Floats, settings: BoostSettings) -> Floats:
    return settings.limit * 2.0 * (share - 0.5)
