"""A question moved a little towards what its user liked before: gated, and off unless asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from configs.part import LIVE

Vectors = npt.NDArray[np.float32]

LARGEST_BLEND = 0.2


class QueryPersonalisation(BaseModel):
    """How far a question moves, and when at all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    blend: float = Field(
        0.0,
        ge=0,
        le=LARGEST_BLEND,
        allow_inf_nan=False,
        description="part of the question's vector that the user's interests make up; 0 leaves it as it is",
        json_schema_extra=LIVE,
    )
    gate_cosine: float = Field(
        0.4,
        ge=-1,
        le=1,
        allow_inf_nan=False,
        description="the question moves only if it is at least so close to one passage that the user rated well",
        json_schema_extra=LIVE,
    )
    half_life_days: float = Field(
        30.0,
        gt=0,
        le=36_500,
        allow_inf_nan=False,
        description="days after which a rating counts half",
        json_schema_extra=LIVE,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Interests:
    """The vectors of passages that the user rated well, one a row, and how many days ago each was rated."""

    vectors: Vectors
    ages_days: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or self.ages_days.shape != (len(self.vectors),):
            raise ValueError(
                f"each row of vectors needs an age, got shapes {self.vectors.shape} and {self.ages_days.shape}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalQuery:
    """The vector to search with and why it is that one; `closest_cosine` is None where no cosine was looked at."""

    vector: Vectors
    outcome: Literal["moved", "off", "no_interests", "gate_closed"]
    blend: float = 0.0
    closest_cosine: float | None = None


def personal_query(query: Vectors, interests: Interests, settings: QueryPersonalisation) -> PersonalQuery:
    """Return norm((1 - b) q + b p), p being the mean of the interests weighted by 2^(-age / half-life).

    Each interest is taken at length 1, but their mean keeps its length: many interests move less than one. Unless the
    outcome is `moved`, the vector is `query` itself, the same object. `query` is of length 1. Raises ValueError where
    the dimensions differ.
    """
    if settings.blend == 0:
        return PersonalQuery(vector=query, outcome="off")
    if interests.vectors.size and interests.vectors.shape[1:] != query.shape:
        raise ValueError(f"interests of {interests.vectors.shape[1]} dimensions do not fit a query of {query.shape}")
    lengths = np.linalg.norm(interests.vectors.astype(np.float64), axis=1)
    rows = lengths > 0
    if not rows.any():
        return PersonalQuery(vector=query, outcome="no_interests")
    units = interests.vectors[rows].astype(np.float64) / lengths[rows, None]
    closest = float(np.max(units @ query.astype(np.float64)))
    if closest < settings.gate_cosine:
        return PersonalQuery(vector=query, outcome="gate_closed", closest_cosine=closest)
    ages_days = np.maximum(interests.ages_days[rows], 0.0)
    weights = 2.0 ** -((ages_days - ages_days.min()) / settings.half_life_days)
    mean = weights @ units / weights.sum()
    moved = (1 - settings.blend) * query.astype(np.float64) + settings.blend * mean
    vector = (moved / np.linalg.norm(moved)).astype(np.float32)
    return PersonalQuery(vector=vector, outcome="moved", blend=settings.blend, closest_cosine=closest)
