"""The generated pages say what the classes say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from app import documentation
from app.api.routers.catalog import FAMILIES
from configs.part import BAKE_TIME, LIVE, Part
from configs.settings import Settings
from ingest.chunkers import Chunker
from ingest.embedders import Embedder
from ingest.model_registry import Sourced, known_models


class Lamp(Part):
    """Gives light.

    Promises: never darkness.
    """


class Candle(Lamp):
    """Burns | slowly."""

    kind: Literal["candle"]
    height_cm: float = Field(20, gt=0, le=100, description="how tall", json_schema_extra=BAKE_TIME)
    colour: Literal["white", "red"] = Field("white", description="of the wax | dye", json_schema_extra=LIVE)
    scents: tuple[str, ...] = Field((), description="in order", json_schema_extra=BAKE_TIME)
    maker: str | None = Field(None, description="who made it", json_schema_extra=LIVE)
    wicks: int = Field(ge=1, le=9, description="how many", json_schema_extra=LIVE)


class Torch(Lamp):
    """Has no settings."""

    kind: Literal["torch"]


@pytest.fixture
def lamps(monkeypatch: pytest.MonkeyPatch) -> type[Part]:
    """Return the family as if it were a package whose modules hold the members."""
    monkeypatch.setattr(Lamp, "__module__", "lamps")
    monkeypatch.setattr(Candle, "__module__", "lamps.candle")
    monkeypatch.setattr(Torch, "__module__", "lamps.torch")
    return Lamp


def rows(page: str) -> list[list[str]]:
    """Return the cells of every table line below the two head lines."""
    cells = [
        [cell.strip() for cell in line.replace("\\|", "¦").strip("|").split("|")]
        for line in page.splitlines()
        if line.startswith("|")
    ]
    return [row for row in cells if row[0] not in {"Variable", "Setting", "---"}]


def test_the_parts_page_has_a_row_for_each_setting(lamps: type[Part]) -> None:
    page = documentation.parts_page([lamps])
    assert rows(page) == [
        ["`height_cm`", "`20`", "number, > 0, ≤ 100", "baked", "how tall"],
        ["`colour`", "`white`", "`white`, `red`", "live", "of the wax ¦ dye"],
        ["`scents`", "`[]`", "list of text", "baked", "in order"],
        ["`maker`", "none", "text or none", "live", "who made it"],
        ["`wicks`", "required", "integer, ≥ 1, ≤ 9", "live", "how many"],
    ]


def test_a_nested_part_is_described_by_the_kinds_that_may_stand_there() -> None:
    nested = [row for row in rows(documentation.parts_page([Chunker])) if row[0] == "`embedder`"]
    assert nested
    kinds = ", ".join(f"`{kind}`" for kind in Embedder.members())
    for _, default, values, applies, meaning in nested:
        assert values == f"one of {kinds}"
        assert json.loads(default.strip("`"))["kind"] in Embedder.members()
        assert (applies, bool(meaning)) == ("baked", True)


def test_the_parts_page_names_family_promise_and_members_in_order(lamps: type[Part]) -> None:
    page = documentation.parts_page([lamps])
    places = [
        page.index(words)
        for words in (
            "\n## Lamp\n\nGives light.\n\nPromises: never darkness.\n",
            "\n### `candle`\n\nBurns | slowly.\n",
            "\n### `torch`\n\nHas no settings.\n\nNo settings.\n",
        )
    ]
    assert places == sorted(places)


def test_a_member_from_elsewhere_is_left_out(lamps: type[Part], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Torch, "__module__", "somewhere.else")
    assert list(documentation.members_of(lamps)) == ["candle"]


def test_the_settings_page_has_each_variable_once() -> None:
    table = rows(documentation.settings_page())
    assert [row[0] for row in table] == [f"`PLAYGROUND_{name.upper()}`" for name in Settings.model_fields]


def test_the_settings_page_says_default_values_and_meaning() -> None:
    table = {row[0]: row[1:] for row in rows(documentation.settings_page())}
    assert table["`PLAYGROUND_PORT`"][:2] == ["`8000`", "integer, ≥ 0, ≤ 65535"]
    assert table["`PLAYGROUND_DEMO`"][:2] == ["`true`", "true or false"]
    assert table["`PLAYGROUND_API_KEY`"][:2] == ["empty", "text"]
    assert table["`PLAYGROUND_MODEL_FOLDER`"][:2] == ["none", "path or none"]
    assert table["`PLAYGROUND_HOST`"][2] == Settings.model_fields["host"].description


def test_the_settings_page_never_shows_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    before = documentation.settings_page()
    monkeypatch.setenv("PLAYGROUND_API_KEY", "a-secret-of-this-process")
    monkeypatch.setenv("PLAYGROUND_PORT", "9999")
    assert documentation.settings_page() == before


@given(text=st.text(alphabet="ab |`", max_size=20))
def test_no_description_breaks_the_table(text: str) -> None:
    last = documentation._table(("A", "B"), [("x", text)]).splitlines()[-1]
    assert last.replace("\\|", "").count("|") == 3
    assert last.replace("\\|", "|") == f"| x | {text} |"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with everything that is written."""
    folder = tmp_path_factory.mktemp("written")
    documentation.write_pages(folder)
    return folder


def test_the_families_stand_in_the_order_of_the_catalogue(written: Path) -> None:
    heads = [line for line in (written / "parts.md").read_text(encoding="utf-8").splitlines() if line.startswith("## ")]
    assert heads == [f"## {family.__name__}" for family in FAMILIES]


def test_pages_are_written_into_the_folder(written: Path) -> None:
    assert (written / "settings.md").read_text(encoding="utf-8") == documentation.settings_page()
    assert (written / "parts.md").read_text(encoding="utf-8").startswith("# Parts\n")
    assert (written / "models.md").read_text(encoding="utf-8") == documentation.models_page()
    on_disk = Path(__file__).parents[2] / "docs" / "openapi.json"
    assert (written / "openapi.json").read_text(encoding="utf-8") == on_disk.read_text(encoding="utf-8"), (
        "run make docs"
    )


def test_every_figure_of_the_registry_stands_beside_its_source() -> None:
    page = documentation.models_page()
    for known in known_models():
        section = page.partition(f"### `{known.model}`")[2].partition("###")[0]
        figures = {name: figure for name, figure in known if isinstance(figure, Sourced)}
        assert section.count("- ") >= len(figures)
        assert all(f"- {name}: {figure.source}\n" in section for name, figure in figures.items())
        assert known.dimensions is None or f"{known.dimensions.value:,}" in page


def test_a_folder_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        documentation.write_pages(tmp_path / "absent")
