"""What feedback on documents is worth as evidence: weighed by signal and by rank, and fading with age."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from app.context.users.known import Feedback, Signal
from configs.part import LIVE

Floats = npt.NDArray[np.float64]

_SECONDS_PER_DAY = 86_400.0


class EvidenceWeights(BaseModel):
    """What one piece of feedback weighs; a thumb up weighs 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    thumb: float = Field(
        1.0, ge=0, le=10, allow_inf_nan=False, description="weight of a thumb up or down", json_schema_extra=LIVE
    )
    used: float = Field(
        0.5,
        ge=0,
        le=10,
        allow_inf_nan=False,
        description="weight of a source used in an answer",
        json_schema_extra=LIVE,
    )
    unused: float = Field(
        0.25,
        ge=0,
        le=10,
        allow_inf_nan=False,
        description="weight of a source sent but not used; less than `used`, since an answer seldom needs all sources",
        json_schema_extra=LIVE,
    )
    click: float = Field(
        0.3, ge=0, le=10, allow_inf_nan=False, description="weight of a click on rank 1", json_schema_extra=LIVE
    )
    click_rank_exponent: float = Field(
        0.2,
        ge=0,
        le=2,
        allow_inf_nan=False,
        description="a click weighs rank to this power more, since lower ranks are seen less often; 0 ignores the rank",
        json_schema_extra=LIVE,
    )
    largest_click: float = Field(
        0.4,
        ge=0,
        le=10,
        allow_inf_nan=False,
        description="most that one click weighs, whatever its rank; up to 0.44 a first click moves a score under 2 %",
        json_schema_extra=LIVE,
    )
    half_life_days: float = Field(
        30.0,
        gt=0,
        le=36_500,
        allow_inf_nan=False,
        description="days after which a piece of feedback weighs half",
        json_schema_extra=LIVE,
    )

    def of(self, signal: Signal, rank: int | None) -> float:
        """Return the signed weight of fresh feedback: below 0 where it speaks against the document."""
        if signal == "click":
            return min(self.largest_click, self.click * math.pow(max(1, rank or 1), self.click_rank_exponent))
        return {"thumb_up": self.thumb, "thumb_down": -self.thumb, "used": self.used, "unused": -self.unused}[signal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The weight of what speaks for and against each document; 0 or more, in the order of the documents."""

    positive: Floats
    negative: Floats

    @property
    def total(self) -> Floats:
        """Return the weight of all evidence."""
        return self.positive + self.negative


def evidence_of(
    feedback: Iterable[Feedback], document_ids: Sequence[str], at: datetime, weights: EvidenceWeights
) -> Evidence:
    """Return the evidence on each of `document_ids` (distinct) as of `at`; feedback on others is passed over, and what
    came later than `at` counts as fresh.

    Each piece weighs 2^(-age / half-life) of what it weighed when fresh.
    """
    numbers: Mapping[str, int] = {document_id: number for number, document_id in enumerate(document_ids)}
    if len(numbers) < len(document_ids):
        raise ValueError("each document is named once")
    pieces = [piece for piece in feedback if piece.document_id in numbers]
    kinds = [(piece.signal, piece.rank) for piece in pieces]
    weight_of = {kind: weights.of(*kind) for kind in set(kinds)}
    signed = np.array([weight_of[kind] for kind in kinds], np.float64)
    ages_seconds = np.array([(at - piece.created_at).total_seconds() for piece in pieces], np.float64)
    rows = np.array([numbers[piece.document_id] for piece in pieces], np.int64)
    decay = 2.0 ** -(np.maximum(ages_seconds, 0.0) / _SECONDS_PER_DAY / weights.half_life_days)
    faded = signed * decay
    positive, negative = (
        np.bincount(rows, weights=np.maximum(side, 0.0), minlength=len(numbers)).astype(np.float64)
        for side in (faded, -faded)
    )  # an empty sum comes back as integers
    return Evidence(positive=positive, negative=negative)
