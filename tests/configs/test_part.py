"""Parts: validation by kind, the schema, what is baked, and fingerprints, on a toy family."""

from __future__ import annotations

import json
import sys
from abc import abstractmethod
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from configs.part import ADDED_BAKE_TIME, BAKE_TIME, LIVE, Part, canonical_json, fingerprint_of
from configs.text import Text


class Shape(Part):
    """A toy family."""

    @abstractmethod
    def area(self) -> float: ...


class Square(Shape):
    kind: Literal["square"]
    side: float = Field(1.0, ge=0, json_schema_extra=BAKE_TIME)
    colour: Text = Field("red", json_schema_extra=LIVE)

    def area(self) -> float:
        return self.side**2


class Row(Shape):
    """Nests its own family, and was made before its later sibling."""

    revision = 3

    kind: Literal["row"]
    shapes: tuple[float, ...] = Field((1.0, 2.0), json_schema_extra=BAKE_TIME)
    first: Shape | None = Field(None, json_schema_extra=BAKE_TIME)

    def area(self) -> float:
        return self.first.area() if self.first is not None else 0.0


class Disc(Shape):
    kind: Literal["disc"]
    radius: float = Field(1.0, json_schema_extra=BAKE_TIME)
    hole: float | None = Field(None, description="came after indexes were baked", json_schema_extra=ADDED_BAKE_TIME)

    def area(self) -> float:
        return 3.0 * self.radius**2


Row.model_rebuild(force=True)


class Drawing(BaseModel):
    shapes: tuple[Shape, ...]


def shape(**settings: object) -> Shape:
    return Drawing.model_validate({"shapes": [settings]}).shapes[0]


def test_the_family_knows_its_members_sorted() -> None:
    assert list(Shape.members().items()) == [("disc", Disc), ("row", Row), ("square", Square)]
    assert Square.family is Shape


def test_the_kind_chooses_the_member() -> None:
    made = shape(kind="square", side=3)
    assert type(made) is Square
    assert made.area() == 9


def test_a_part_may_be_given_instead_of_its_settings() -> None:
    made = Square(kind="square", side=2)
    assert Drawing(shapes=(made,)).shapes == (made,)


def test_a_member_may_nest_siblings_made_after_it() -> None:
    made = shape(kind="row", first={"kind": "disc", "radius": 2})
    assert made.area() == 12


def test_an_unknown_kind_is_refused_with_the_valid_ones() -> None:
    with pytest.raises(ValidationError) as refused:
        shape(kind="circle")
    (error,) = refused.value.errors()
    assert error["type"] == "union_tag_invalid"
    assert all(kind in error["msg"] for kind in Shape.members())


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"side": 1}, "union_tag_not_found"),
        ({"kind": "square", "sides": 4}, "extra_forbidden"),
        ({"kind": "square", "side": -1}, "greater_than_equal"),
        ({"kind": "row", "first": {"kind": "hole"}}, "union_tag_invalid"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError) as refused:
        shape(**settings)
    assert [error["type"] for error in refused.value.errors()] == [complaint]


def test_a_part_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Square(kind="square").side = 2  # type: ignore[misc]  # that is the point


def test_the_schema_offers_every_member_and_requires_the_kind() -> None:
    schema = TypeAdapter(Drawing).json_schema()
    choices = schema["properties"]["shapes"]["items"]
    assert set(choices["discriminator"]["mapping"]) == {"disc", "row", "square"}
    assert all("kind" in definition["required"] for name, definition in schema["$defs"].items())
    assert schema["$defs"]["Square"]["properties"]["colour"]["applies"] == "live"


def test_settings_survive_json() -> None:
    made = Drawing.model_validate({"shapes": [{"kind": "row", "first": {"kind": "square", "side": 2}}]})
    assert Drawing.model_validate_json(made.model_dump_json()) == made


def test_only_what_is_baked_is_hashed() -> None:
    assert Square(kind="square", side=2).baked() == {"kind": "square", "revision": 1, "side": 2.0}
    red, blue = Square(kind="square"), Square(kind="square", colour="blue")
    assert red.fingerprint == blue.fingerprint != Square(kind="square", side=2).fingerprint


def test_nested_parts_are_baked_by_the_same_rule() -> None:
    row = Row(kind="row", first=Square(kind="square", colour="blue"))
    square = {"kind": "square", "revision": 1, "side": 1.0}
    assert row.baked() == {"kind": "row", "revision": 3, "shapes": [1.0, 2.0], "first": square}
    assert row.fingerprint != Row(kind="row", first=Square(kind="square", side=5)).fingerprint


@given(st.floats(0, 1e6), st.text(max_size=5), st.floats(0, 1e6))
def test_equal_settings_share_a_fingerprint(side: float, colour: str, other: float) -> None:
    one = Square.model_construct(kind="square", side=side, colour=colour)
    same = Square(kind="square", side=side)
    different = Square(kind="square", side=other)
    assert one.fingerprint == same.fingerprint
    assert (same.fingerprint == different.fingerprint) == (side == other)


def test_a_raised_revision_changes_the_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Square(kind="square").fingerprint
    monkeypatch.setattr(Square, "revision", 2)
    assert Square(kind="square").fingerprint != before


def test_a_fingerprint_is_what_the_documentation_says() -> None:
    assert canonical_json({"b": [1, "ü"], "a": None}) == '{"a":null,"b":[1,"\\u00fc"]}'
    assert fingerprint_of({}) == "44136fa355b3678a1146"  # sha256 of "{}", first 20 digits


@given(st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3) | st.none(), max_size=4))
def test_canonical_json_is_json_and_does_not_depend_on_the_order(value: dict[str, object]) -> None:
    backwards = dict(reversed(list(value.items())))
    assert canonical_json(value) == canonical_json(backwards)
    assert json.loads(canonical_json(value)) == value


def test_two_members_cannot_share_a_kind() -> None:
    with pytest.raises(TypeError, match="both Shape of kind 'square'"):
        type("Other", (Shape,), {"__annotations__": {"kind": Literal["square"]}, "__module__": __name__})
    assert Shape.members()["square"] is Square


@pytest.mark.parametrize(
    "namespace",
    [{}, {"__annotations__": {"kind": str}}, {"__annotations__": {"kind": Literal["x"]}, "kind": "x"}],
)
def test_a_member_without_a_required_literal_kind_is_refused(namespace: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="without a default"):
        type("Nameless", (Shape,), {**namespace, "__module__": __name__})


def test_every_module_of_a_package_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "toy_shapes"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from configs.part import Part, import_members\nclass Toy(Part):\n    '...'\nimport_members(__name__, __path__)"
    )
    nested = (
        "from typing import Literal\nfrom toy_shapes import Toy\nclass {0}(Toy):\n    kind: Literal['{1}']\n    {2}"
    )
    (package / "a_holder.py").write_text(nested.format("Holder", "holder", "inner: Toy | None = None\n"))
    (package / "late.py").write_text(nested.format("Late", "late", "size: int = 1\n"))
    monkeypatch.syspath_prepend(tmp_path)
    toy = __import__("toy_shapes").Toy
    try:
        assert list(toy.members()) == ["holder", "late"]
        made = toy.members()["holder"].model_validate({"kind": "holder", "inner": {"kind": "late"}})
        assert made.inner == toy.members()["late"](kind="late")
    finally:
        for name in ("toy_shapes", "toy_shapes.a_holder", "toy_shapes.late"):
            sys.modules.pop(name, None)


def test_a_part_resolves_to_itself_unless_it_says_otherwise() -> None:
    made = Square(kind="square")
    assert made.resolved() is made


def test_a_setting_that_came_later_leaves_fingerprints_of_before_as_they_were() -> None:
    before = fingerprint_of({"kind": "disc", "revision": 1, "radius": 1.0})
    assert Disc(kind="disc").fingerprint == before
    assert Disc(kind="disc", hole=0.5).fingerprint != before
    assert Disc(kind="disc", hole=0.5).baked()["hole"] == 0.5
