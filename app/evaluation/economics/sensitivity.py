"""How much each assumption matters: the cheapest way at half and at double its value, and where the choice changes."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from app.evaluation.economics.assumptions import Assumptions
from app.evaluation.economics.break_even import Evidence, compare_ways
from app.evaluation.economics.prices import ModelPrice

FARTHEST_FACTOR = 1_000.0
STEPS_PER_DOUBLING = 4
_STEP = 2 ** (1 / STEPS_PER_DOUBLING)
_NARROW = 1 + 1e-6


class Choice(BaseModel):
    """The cheapest way that sends evidence, and its cost."""

    model_config = ConfigDict(frozen=True)

    cheapest: Evidence | None
    usd_per_month: float | None


class Sensitivity(BaseModel):
    """One assumption, the others kept."""

    model_config = ConfigDict(frozen=True)

    assumption: str
    value: float
    at_half: Choice
    at_double: Choice
    changes_below: float | None = Field(
        description=f"nearest smaller value with another choice, or none; null: none to 1/{FARTHEST_FACTOR:,.0f}"
    )
    changes_above: float | None = Field(
        description=f"nearest larger value with another choice, or none; null: none to {FARTHEST_FACTOR:,.0f} times"
    )


def sensitivities(price: ModelPrice | None, assumptions: Assumptions) -> list[Sensitivity]:
    """Return a row for each assumption that has a value, those taken from the model included.

    What is 0 stays 0 at half and at double, and has no row. A choice that changes twice within a fifth of a value may
    be overlooked.
    """
    used = assumptions.completed(price)
    kept = used
    if assumptions.embedded_tokens is None:
        kept = used.model_copy(update={"embedded_tokens": None})
    rows = []
    for name in type(used).model_fields:
        value = getattr(kept, name)
        if value:
            rows.append(_row(price, kept, name, value))
    return rows


def _row(price: ModelPrice | None, kept: Assumptions, name: str, value: float) -> Sensitivity:
    return Sensitivity(
        assumption=name,
        value=value,
        at_half=_choice(price, kept, name, value / 2),
        at_double=_choice(price, kept, name, value * 2),
        changes_below=_change(price, kept, name, value, 1 / _STEP),
        changes_above=_change(price, kept, name, value, _STEP),
    )


def _choice(price: ModelPrice | None, kept: Assumptions, name: str, value: float) -> Choice:
    result = compare_ways(price, kept.model_copy(update={name: _rounded(name, value)}))
    if result.cheapest is None:
        return Choice(cheapest=None, usd_per_month=None)
    way = result.retrieval if result.cheapest == "retrieval" else result.whole_documents
    return Choice(cheapest=result.cheapest, usd_per_month=way.usd_per_month)


def _change(price: ModelPrice | None, kept: Assumptions, name: str, value: float, step: float) -> float | None:
    """Return the value nearest to `value`, in the direction of `step`, at which another way is the cheapest."""
    here = _choice(price, kept, name, value).cheapest
    same = 1.0
    while 1 / FARTHEST_FACTOR <= same <= FARTHEST_FACTOR:
        other = same * step
        if _choice(price, kept, name, value * other).cheapest != here:
            break
        same = other
    else:
        return None
    while max(same / other, other / same) > _NARROW:
        middle = (same * other) ** 0.5
        if _choice(price, kept, name, value * middle).cheapest == here:
            same = middle
        else:
            other = middle
    return _rounded(name, value * other)


def _rounded(name: str, value: float) -> float:
    """Return the value as the assumption takes it: tokens are whole."""
    return round(value) if name.endswith("_tokens") else value
