"""Who may see what: principals, metadata filters, and the rows of an index that both leave."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from operator import ge, gt, le, lt
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictFloat, StrictInt, model_validator

from configs.errors import InvalidInputError
from configs.part import JsonObject
from configs.text import Text

Scalar = Text | int | float | bool
Bound = StrictInt | StrictFloat | Text


@dataclass(frozen=True, slots=True)
class Principal:
    """On whose behalf a search runs: opaque strings such as `user:ann` and `group:finance`."""

    names: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, names: Collection[str]) -> Principal:
        """Return the principal known by any of `names`; none is somebody without any right of their own."""
        return cls(frozenset(names))

    def may_read(self, access: Sequence[str] | None) -> bool:
        """Tell whether a document is open to the principal; without an access list it is open to the whole
        workspace.
        """
        return access is None or not self.names.isdisjoint(access)


class Range(BaseModel):
    """Bounds of a number or of a text (compared by code points, as ISO dates are)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gte: Bound | None = Field(None, description="at least")
    gt: Bound | None = Field(None, description="more than")
    lte: Bound | None = Field(None, description="at most")
    lt: Bound | None = Field(None, description="less than")

    @model_validator(mode="after")
    def _has_one_type(self) -> Range:
        bounds = [bound for bound in (self.gte, self.gt, self.lte, self.lt) if bound is not None]
        if not bounds:
            raise ValueError("a range needs at least one of gte, gt, lte, lt")
        if len({isinstance(bound, str) for bound in bounds}) > 1:
            raise ValueError("a range compares numbers or texts, not both")
        return self

    def holds(self, value: Any) -> bool:
        """Tell whether `value` lies inside; a value of another type does not."""
        for bound, compare in ((self.gte, ge), (self.gt, gt), (self.lte, le), (self.lt, lt)):
            if bound is None:
                continue
            comparable = str if isinstance(bound, str) else (int, float)
            if isinstance(value, bool) or not isinstance(value, comparable) or not compare(value, bound):
                return False
        return True


class Condition(BaseModel):
    """One condition on a document: its metadata `field` equal to, in or in a range; or all of `tags` present."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    field: Text | None = Field(None, description="metadata field; `a.b` reaches into nested objects")
    equal: Scalar | None = Field(None, description="the value the field must have")
    one_of: tuple[Scalar, ...] | None = Field(None, alias="in", min_length=1, max_length=1000, description="values")
    range: Range | None = Field(None, description="bounds the value must keep")
    tags: tuple[Text, ...] | None = Field(
        None, min_length=1, max_length=100, description="tags that must all be present"
    )

    @model_validator(mode="after")
    def _says_one_thing(self) -> Condition:
        tests = [test for test in (self.equal, self.one_of, self.range) if test is not None]
        if (self.tags is not None) == (self.field is not None):
            raise ValueError("a condition names either `field` or `tags`")
        if len(tests) != (0 if self.tags is not None else 1):
            raise ValueError("a condition on a field needs exactly one of equal, in, range; one on tags none of them")
        return self

    def holds(self, tags: Collection[str], metadata: dict[str, JsonValue]) -> bool:
        """Tell whether a document with these tags and metadata fulfils the condition."""
        if self.tags is not None:
            return set(self.tags) <= set(tags)
        value = value_at(metadata, self.field or "")
        if self.range is not None:
            return self.range.holds(value)
        wanted = self.one_of if self.one_of is not None else (self.equal,)
        values = value if isinstance(value, list) else [value]
        return any(_same(one, other) for one in values for other in wanted)


class Filter(BaseModel):
    """Conditions on documents that must all hold; it restricts candidates, not lexical statistics."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    conditions: tuple[Condition, ...] = Field(
        (), alias="all", max_length=20, description="conditions that must all hold"
    )

    def holds(self, tags: Collection[str], metadata: dict[str, JsonValue]) -> bool:
        """Tell whether a document fulfils every condition."""
        return all(condition.holds(tags, metadata) for condition in self.conditions)

    def check_fields(self, known: Collection[JsonObject]) -> None:
        """Raise InvalidInputError where a condition names a field that no readable document has, `known` their
        metadata.
        """
        for condition in self.conditions:
            if condition.field is not None:
                check_field(condition.field, known, code="unknown_filter_field")


def check_field(name: str, known: Collection[JsonObject], *, code: str) -> None:
    """Raise InvalidInputError where `name` is a field of none of the `known` metadata, those of readable documents."""
    if not any(_found(metadata, name) for metadata in known):
        names = sorted({field for metadata in known for field in metadata})
        raise InvalidInputError(
            f"no document here has a metadata field {name!r}",
            hint=f"name one of: {', '.join(names) or 'none, as no document has metadata'}",
            code=code,
        )


def value_at(metadata: JsonObject, path: str) -> Any:
    """Return the value of a metadata field, None where there is none; `a.b` reaches into nested objects."""
    found = _found(metadata, path)
    return found[0] if found else None


def _found(metadata: JsonObject, path: str) -> tuple[Any, ...]:
    """Return the value of a metadata field alone, nothing where there is none."""
    if path in metadata:
        return (metadata[path],)
    value: Any = metadata
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            return ()
        value = value[name]
    return (value,)


def _same(value: Any, wanted: Any) -> bool:
    return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)
