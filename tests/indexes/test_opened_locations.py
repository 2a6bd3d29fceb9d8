"""Opened locations: loaded once, bounded, shared, let go; and what a format says of them."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field

from configs.errors import ConflictError, PlaygroundError, UnavailableError
from configs.part import BAKE_TIME, LIVE, Part
from indexes.opened_locations import OpenedLocations, evict
from indexes.store_format import FORMAT_FILE, StoreFormat


class Shelf(Part):
    """A family of its own, so that the tests need no store."""


class Box(Shelf):
    """Bakes its colour, not its label."""

    kind: Literal["box"]
    colour: str = Field("red", json_schema_extra=BAKE_TIME)
    label: str = Field("", json_schema_extra=LIVE)


BOX = Box(kind="box")


class Loads:
    """Counts what is loaded; the content is the text of a file."""

    def __init__(self) -> None:
        self.locations: list[Path] = []

    def __call__(self, location: Path, store_format: StoreFormat) -> str:
        self.locations.append(location)
        return f"{(location / 'content').read_text()} of {store_format.rows}"


def written(location: Path, content: str, box: Box = BOX) -> Path:
    location.mkdir(parents=True)
    (location / "content").write_text(content)
    StoreFormat(store=box.baked(), rows=len(content)).write(location)
    return location


@pytest.fixture
def loads() -> Loads:
    return Loads()


def test_a_location_is_loaded_once(tmp_path: Path, loads: Loads) -> None:
    location, opened = written(tmp_path / "a", "one"), OpenedLocations(loads)
    assert [opened.get(location, BOX) for _ in range(3)] == ["one of 3"] * 3
    assert loads.locations == [location]


def test_a_relative_path_is_the_same_location(tmp_path: Path, loads: Loads, monkeypatch: pytest.MonkeyPatch) -> None:
    location, opened = written(tmp_path / "a", "one"), OpenedLocations(loads)
    opened.get(location, BOX)
    monkeypatch.chdir(tmp_path)
    assert opened.get(Path("a"), BOX) == "one of 3"
    assert len(loads.locations) == 1


def test_the_least_recently_used_is_let_go(tmp_path: Path, loads: Loads) -> None:
    opened = OpenedLocations(loads, kept=2)
    one, two, three = (written(tmp_path / name, name) for name in ("one", "two", "three"))
    for location in (one, two, one, three, one, two):
        opened.get(location, BOX)
    assert loads.locations == [one, two, three, two]
    assert len(opened) == 2


@pytest.mark.parametrize(("removed", "left"), [("index/a", {"b", "c"}), ("index", {"c"}), ("ind", {"a", "b", "c"})])
def test_evicting_a_folder_lets_go_what_is_in_it(tmp_path: Path, loads: Loads, removed: str, left: set[str]) -> None:
    first, second = OpenedLocations(loads), OpenedLocations(loads)
    locations = [written(tmp_path / path, path) for path in ("index/a", "index/b", "indexes/c")]
    for location in locations:
        first.get(location, BOX)
        second.get(location, BOX)
    loads.locations.clear()
    evict(tmp_path / removed)
    for location in locations:
        first.get(location, BOX)
        second.get(location, BOX)
    assert {location.name for location in loads.locations} == {"a", "b", "c"} - left
    assert len(loads.locations) == 2 * (3 - len(left))


def test_live_settings_open_what_others_built_and_baked_ones_do_not(tmp_path: Path, loads: Loads) -> None:
    location, opened = written(tmp_path / "a", "one"), OpenedLocations(loads)
    for _ in range(2):  # before and after it is kept
        with pytest.raises(ConflictError, match=r"kind box, revision 1, colour red.*colour blue") as caught:
            opened.get(location, Box(kind="box", colour="blue"))
        assert caught.value.code == "segment_format_mismatch"
        assert opened.get(location, Box(kind="box", label="new")) == "one of 3"
    assert len(loads.locations) == 1


@pytest.mark.parametrize("error", [OSError("x"), ValueError("x"), TypeError("x"), KeyError("x"), RuntimeError("x")])
def test_what_cannot_be_loaded_is_unreadable_and_not_kept(tmp_path: Path, error: Exception) -> None:
    def load(*_: object) -> str:
        raise error

    location, opened = written(tmp_path / "segment" / "box", "one"), OpenedLocations(load)
    with pytest.raises(UnavailableError, match=rf"segment 'segment' .* box \({type(error).__name__}\)") as caught:
        opened.get(location, BOX)
    assert caught.value.code == "segment_unreadable"
    assert caught.value.__cause__ is error
    assert len(opened) == 0


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        '{"rows": 3}',
        json.dumps({"store": {}, "rows": "many"}),
        json.dumps({"store": {}, "rows": 3, "x": 1}),
    ],
)
def test_a_damaged_format_is_unreadable(tmp_path: Path, loads: Loads, damage: str) -> None:
    location = written(tmp_path / "a", "one")
    (location / FORMAT_FILE).write_text(damage)
    with pytest.raises(UnavailableError):
        OpenedLocations(loads).get(location, BOX)
    assert loads.locations == []


def test_a_format_is_small_json_that_says_who_built_what(tmp_path: Path) -> None:
    store_format = StoreFormat(store=BOX.baked(), rows=3, dimensions=384)
    store_format.write(tmp_path)
    assert json.loads((tmp_path / FORMAT_FILE).read_text()) == {
        "store": {"kind": "box", "revision": 1, "colour": "red"},
        "rows": 3,
        "dimensions": 384,
    }
    assert StoreFormat.read(tmp_path) == store_format


def test_threads_share_one_content(tmp_path: Path) -> None:
    barrier = threading.Barrier(8)
    opened = OpenedLocations(lambda location, _: [location.name], kept=3)
    locations = [written(tmp_path / str(number), "x") for number in range(6)]

    def contents_of_all(order: list[Path]) -> list[list[str]]:
        barrier.wait(timeout=30)
        return [opened.get(location, BOX) for location in order]

    orders = [(locations[number % 6 :] + locations[: number % 6]) * 20 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for order, contents in zip(orders, pool.map(contents_of_all, orders), strict=True):
            assert contents == [[location.name] for location in order]
    assert len(opened) == 3


def test_a_mismatch_is_a_conflict_the_caller_can_act_on(tmp_path: Path, loads: Loads) -> None:
    location = written(tmp_path / "a", "one", Box(kind="box", colour="green"))
    with pytest.raises(PlaygroundError) as caught:
        OpenedLocations(loads).get(location, BOX)
    assert caught.value.status == 409
    assert "POST" in caught.value.hint
