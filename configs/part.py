"""A component that is its own configuration: settings, behaviour, schema and fingerprint in one frozen model."""

from __future__ import annotations

import hashlib
import importlib
import json
import pkgutil
from collections.abc import Iterable
from typing import Any, ClassVar, Literal, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

JsonObject = dict[str, Any]

BAKE_TIME: JsonObject = {"applies": "bake_time"}
"""Mark a setting as baked into an index: changing it needs a new index. `Field(..., json_schema_extra=BAKE_TIME)`."""

ADDED_BAKE_TIME: JsonObject = {**BAKE_TIME, "default_is_left_out": True}
"""Mark a baked setting that a member got later and whose default changes nothing: it enters the fingerprint only with
another value, so that indexes baked before keep their names.
"""

LIVE: JsonObject = {"applies": "live"}
"""Mark a setting as acting at search time: changing it needs nothing."""


def canonical_json(value: Any) -> str:
    """Return `value` as JSON with sorted keys, without spaces, in ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def fingerprint_of(value: Any) -> str:
    """Return 20 hex digits of the SHA-256 of `value` as canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode("ascii")).hexdigest()[:20]


class Part(BaseModel):
    """A frozen model that holds its settings and its behaviour.

    A direct subclass is a *family* (Chunker, Store, ...): an abstract class whose docstring is the contract. A
    subclass of a family is a *member*, told apart by `kind: Literal["..."]` (without a default, so that OpenAPI
    shows it as required). A field annotated with a family accepts any of its members; a member's file is all that
    adding it takes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    revision: ClassVar[int] = 1
    """Raised when the member's behaviour changes, so that what was baked before is not mistaken for what is baked
    now.
    """
    family: ClassVar[type[Part]]
    registered: ClassVar[dict[str, type[Part]]]

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if Part in cls.__bases__:
            cls.family, cls.registered = cls, {}
            return
        kind = cls.kind_of_class()
        taken = cls.registered.get(kind)
        if taken is not None and taken.__qualname__ + taken.__module__ != cls.__qualname__ + cls.__module__:
            raise TypeError(f"{cls.__name__} and {taken.__name__} are both {cls.family.__name__} of kind {kind!r}")
        cls.registered[kind] = cls

    @classmethod
    def kind_of_class(cls) -> str:
        """Return the member's `kind`."""
        field = cls.model_fields.get("kind")
        if field is None or get_origin(field.annotation) is not Literal or not field.is_required():
            raise TypeError(f'{cls.__name__} needs `kind: Literal["..."]` without a default')
        return str(get_args(field.annotation)[0])

    @classmethod
    def members(cls) -> dict[str, type[Self]]:
        """Return the family's members by kind, sorted."""
        return dict(sorted(cls.registered.items()))  # type: ignore[arg-type]  # a family registers only its own members

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        if not cls.__dict__.get("registered"):  # Part, a member, or a family without members yet
            return handler(source)
        choices: dict[Any, CoreSchema] = {kind: handler.generate_schema(part) for kind, part in cls.members().items()}
        return core_schema.tagged_union_schema(choices, discriminator="kind")

    def resolved(self) -> Self:
        """Return the part with every setting that depends on the machine replaced by what it means here."""
        return self

    def baked(self) -> JsonObject:
        """Return the settings that are baked into an index, with kind and revision; nested parts likewise."""
        settings: JsonObject = {"kind": self.kind_of_class(), "revision": self.revision}
        for name, field in type(self).model_fields.items():
            extra = field.json_schema_extra
            if isinstance(extra, dict) and extra.get("applies") == "bake_time":
                value = getattr(self, name)
                if extra.get("default_is_left_out") and value == field.default:
                    continue
                settings[name] = value.baked() if isinstance(value, Part) else _plain(value)
        return settings

    @property
    def fingerprint(self) -> str:
        """Hash of what is baked; it names indexes and keys every cache. Equal settings share one index."""
        return fingerprint_of(self.baked())


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


def import_members(package: str, path: Iterable[str]) -> None:
    """Import every module of a family's package, then rebuild the members so that nested families know all siblings."""
    modules = [importlib.import_module(f"{package}.{module.name}") for module in pkgutil.iter_modules(path)]
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Part) and value.__module__ == module.__name__:
                value.model_rebuild(force=True)
