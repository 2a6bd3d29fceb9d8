"""Every part and every setting says what it is, and the pages made of that are fresh."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from app import documentation
from app.api.routers.catalog import FAMILIES
from configs.part import Part
from configs.settings import Settings
from tests.architecture.source_tree import ROOT, family_packages, read_modules

MEMBERS = [member for family in FAMILIES for member in documentation.members_of(family).values()]


def settings_of(members: list[type[Part]]) -> Iterator[tuple[str, FieldInfo]]:
    for member in members:
        for name, field in member.model_fields.items():
            if name != "kind":
                yield f"{member.family.__name__}.{member.kind_of_class()}.{name}", field


SETTINGS = dict(settings_of(MEMBERS))


def has_own_docstring(cls: type[Any]) -> bool:
    return bool((cls.__dict__.get("__doc__") or "").strip())


def is_bounded(field: FieldInfo) -> bool:
    """Tell whether a number has a smallest and a largest value."""
    lower = any(isinstance(item, Ge | Gt) for item in field.metadata)
    return lower and any(isinstance(item, Le | Lt) for item in field.metadata)


def test_the_catalogue_has_every_family_of_the_source() -> None:
    assert sorted(family.__module__ for family in FAMILIES) == sorted(family_packages(read_modules()))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: str(family.__name__))
def test_every_family_promises_something_and_has_members(family: type[Part]) -> None:
    assert has_own_docstring(family)
    assert documentation.members_of(family)


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: str(member.__name__))
def test_every_member_has_a_docstring_of_its_own(member: type[Part]) -> None:
    assert has_own_docstring(member)


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_is_described_and_says_when_it_applies(setting: str) -> None:
    field = SETTINGS[setting]
    extra = field.json_schema_extra
    assert field.description
    assert isinstance(extra, dict)
    assert extra.get("applies") in documentation.APPLIES


@pytest.mark.parametrize("setting", [name for name, field in SETTINGS.items() if field.annotation in (int, float)])
def test_every_number_has_bounds(setting: str) -> None:
    assert is_bounded(SETTINGS[setting])


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_environment_setting_has_a_sentence(name: str) -> None:
    description = Settings.model_fields[name].description or ""
    assert description.endswith(".")
    assert len(description.split()) >= 4


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("settings.md", documentation.settings_page()),
        ("parts.md", documentation.parts_page(FAMILIES)),
        ("models.md", documentation.models_page()),
    ],
    ids=["settings.md", "parts.md", "models.md"],
)
def test_the_generated_pages_are_fresh(page: str, text: str) -> None:
    assert (ROOT / "docs" / page).read_text(encoding="utf-8") == text, "run `make docs` and commit what it writes"


def test_every_family_has_a_contract_suite() -> None:
    suites = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests" / "contracts").glob("test_*.py"))
    missing = [
        name for name in (family.__name__ for family in FAMILIES) if not re.search(rf"\b{name}\.members\(", suites)
    ]
    assert missing == []
