"""Recency: what is old counts for less."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from configs.errors import InvalidInputError
from configs.part import LIVE, JsonObject
from configs.text import Text
from indexes.access import value_at

DAY = timedelta(days=1)


class Recency(BaseModel):
    """Lower the score of old documents: normalised score x (1 - weight + weight x 2^(-age / half-life)).

    Costs next to nothing; pays where newer documents replace older ones and users mostly mean the present state. It
    hurts where the best answer was written long ago. Scores are mapped to 0 to 1 over the candidates first; nothing is
    dropped. Age counts from the moment of the request, which the receipt keeps, and is never negative.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    half_life_days: float = Field(
        90.0,
        gt=0,
        le=36_500,
        allow_inf_nan=False,
        description="age at which a document has lost half of what age can take",
        json_schema_extra=LIVE,
    )
    weight: float = Field(
        0.2,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="largest part of a score that age can take; 0 changes nothing",
        json_schema_extra=LIVE,
    )
    date_field: Annotated[Text, Field(min_length=1, max_length=200)] | None = Field(
        None,
        description="metadata field that holds the document's date as ISO 8601 text (`2026-03-31`, or a moment); "
        "a document without a readable date there counts as infinitely old. null: when its version was uploaded",
        json_schema_extra=LIVE,
    )

    def factor(self, age: timedelta | None) -> float:
        """Return by what the score of a document of that age is multiplied; None is infinitely old."""
        if age is None:
            return 1 - self.weight
        half_lives = max(age, timedelta()) / DAY / self.half_life_days
        return 1 - self.weight + self.weight * math.pow(2.0, -half_lives)

    def factors(self, ages: Sequence[timedelta | None]) -> npt.NDArray[np.float64]:
        """Return the factor of each age."""
        return np.array([self.factor(age) for age in ages])


def moment_of(value: Any) -> datetime | None:
    """Return the moment that a metadata value names, None where it names none; without a zone it is UTC."""
    if not isinstance(value, str):
        return None
    try:
        said = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return said.replace(tzinfo=UTC) if said.tzinfo is None else said


def check_dates(date_field: str, known: Collection[JsonObject]) -> None:
    """Raise InvalidInputError (`no_dates`) where the field holds a date in none of the `known` metadata."""
    if not any(moment_of(value_at(metadata, date_field)) for metadata in known):
        raise InvalidInputError(
            f"no document here has a date in its metadata field {date_field!r}",
            hint='write dates as text in ISO 8601, "2026-03-31", or leave `date_field` out to take the uploads',
            code="no_dates",
        )
