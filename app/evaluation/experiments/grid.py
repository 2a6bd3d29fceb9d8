"""A grid: one strategy with some of its settings varied, every combination a strategy of its own."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, ValidationError, model_validator

from app.context.strategy import Strategy
from configs.errors import InvalidInputError
from configs.part import JsonObject

MOST_COMBINATIONS = 200

SettingPath = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+){0,5}$")]
"""Where a setting stands: `chunker.size_tokens`, `stores.1.k1` (the second store's), `context.budget_tokens`."""


class Grid(BaseModel):
    """Settings with the values to try, in every combination."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: dict[SettingPath, list[JsonValue]] = Field(
        min_length=1,
        max_length=8,
        description="values by setting, such as `chunker.size_tokens: [100, 200, 400]`; what does not begin with "
        "`context.` belongs to the retrieval setup; a whole part can be varied as well",
    )

    @model_validator(mode="after")
    def _stays_small(self) -> Self:
        empty = [path for path, values in self.settings.items() if not values]
        if empty:
            raise ValueError(f"{empty[0]} has no values to try")
        if self.size > MOST_COMBINATIONS:
            factors = " x ".join(str(len(values)) for values in self.settings.values())
            raise ValueError(
                f"the grid has {factors} = {self.size:,} combinations, at most {MOST_COMBINATIONS} are tried"
            )
        return self

    @property
    def size(self) -> int:
        """Return the number of combinations."""
        return math.prod(len(values) for values in self.settings.values())

    def expand(self, strategy: Strategy) -> Iterator[tuple[str, Strategy]]:
        """Yield the combinations' names, such as `chunker.size_tokens=100`, and strategies.

        Raises InvalidInputError (`invalid_grid`) for a setting that is not there or a value that is refused.
        """
        for values in product(*self.settings.values()):
            content = strategy.model_dump(mode="json", by_alias=True)
            for path, value in zip(self.settings, values, strict=True):
                _set(content, path, value)
            name = ", ".join(f"{path}={_word(value)}" for path, value in zip(self.settings, values, strict=True))
            try:
                yield name, Strategy.model_validate(content)
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(str(part) for part in first["loc"])
                raise _invalid(f"{name}: {where}: {first['msg']}") from None


def _set(content: JsonObject, path: str, value: JsonValue) -> None:
    names = path.split(".")
    if names[0] not in ("context", "retrieval"):
        names = ["retrieval", *names]
    place: Any = content
    for name in names[:-1]:
        place = _inside(place, name, path)
    last: Any = int(names[-1]) if isinstance(place, list) and names[-1].isdigit() else names[-1]
    if isinstance(place, list) and not (isinstance(last, int) and last < len(place)):
        raise _invalid(f"there is no setting {path!r} in the strategy")
    if not isinstance(place, dict | list) or (isinstance(place, dict) and last not in place):
        raise _invalid(f"there is no setting {path!r} in the strategy")
    place[last] = value


def _inside(place: Any, name: str, path: str) -> Any:
    if isinstance(place, dict) and name in place:
        return place[name]
    if isinstance(place, list) and name.isdigit() and int(name) < len(place):
        return place[int(name)]
    raise _invalid(f"there is no setting {path!r} in the strategy")


def _invalid(detail: str) -> InvalidInputError:
    return InvalidInputError(
        detail,
        hint="take names and bounds of settings from GET /v1/catalog; write a part of a list by its number",
        code="invalid_grid",
    )


def _word(value: JsonValue) -> str:
    if isinstance(value, dict):
        return str(value.get("kind", "…"))
    return "none" if value is None else str(value)
