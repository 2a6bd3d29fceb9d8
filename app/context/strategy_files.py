"""Strategies as YAML files, to keep beside code and to carry from one installation to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from app.context.strategy import Strategy
from configs.errors import InvalidInputError
from configs.strict_yaml import strict_yaml

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"
MEDIA_TYPE = "application/yaml"


@dataclass(frozen=True, slots=True)
class NamedStrategy:
    """A strategy and what its file calls it."""

    name: str
    strategy: Strategy


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
    strategy: Strategy


def strategy_as_yaml(name: str, strategy: Strategy) -> str:
    """Return the file: `name`, and `strategy` with every setting, so that later defaults change nothing in it."""
    content = {"name": name, "strategy": strategy.model_dump(mode="json", by_alias=True)}
    readable = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)
    # Some rare characters count as line breaks or marks in YAML; written as escapes, nothing is read otherwise.
    is_same = strict_yaml(readable.encode(), name) == content
    return readable if is_same else yaml.safe_dump(content, sort_keys=False, allow_unicode=False, width=120)


def read_strategy(content: bytes, file_name: str) -> NamedStrategy:
    """Return what the file holds.

    Raises InvalidInputError: `invalid_yaml`, `nested_too_deeply` and `invalid_text` as `strict_yaml` does, and
    `invalid_strategy_file` where it is no strategy, with the setting that is at fault.
    """
    try:
        read = _File.model_validate(strict_yaml(content, file_name))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise InvalidInputError(
            f"{file_name}: {place}: {first['msg']}" if place else f"{file_name}: {first['msg']}",
            hint="write `name` and `strategy` as GET …/strategies/{strategy_name}/file gives them",
            code="invalid_strategy_file",
            file=file_name,
        ) from None
    return NamedStrategy(read.name, read.strategy)
