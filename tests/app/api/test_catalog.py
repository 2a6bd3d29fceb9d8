"""The catalogue: everything that is registered, each setting described, each schema usable as it is."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from starlette.testclient import TestClient

from app.api.routers.catalog import FAMILIES
from app.context.strategy import load_presets
from ingest.model_registry import known_models
from tests.app.api.playground import Workspace, expect


@pytest.fixture
def catalog(client: TestClient) -> Any:
    """Return the catalogue."""
    return expect(200, client.get("/v1/catalog"))


def test_every_family_and_member_is_in_it(catalog: Any) -> None:
    shown = {family["family"]: [member["kind"] for member in family["members"]] for family in catalog["families"]}
    assert shown == {family.__name__.lower(): list(family.members()) for family in FAMILIES}
    assert all(family["description"] for family in catalog["families"])


def test_every_setting_says_what_it_means_and_when_it_applies(catalog: Any) -> None:
    for family in catalog["families"]:
        for member in family["members"]:
            assert member["description"]
            assert set(member["json_schema"]["properties"]) == {"kind", *(one["name"] for one in member["settings"])}
            assert member["json_schema"]["additionalProperties"] is False
            for setting in member["settings"]:
                assert setting["applies"] in ("bake_time", "live"), setting
                assert setting["description"], setting
                assert setting["json_schema"] == member["json_schema"]["properties"][setting["name"]]


def test_a_member_with_its_defaults_fits_its_own_schema(catalog: Any) -> None:
    for family in catalog["families"]:
        for member in family["members"]:
            required = set(member["json_schema"]["required"]) - {"kind"}
            values = {one["name"]: one["default"] for one in member["settings"] if one["name"] not in required}
            schema = jsonschema_rs.validator_for(member["json_schema"])
            if not required:
                schema.validate({"kind": member["kind"], **values})
            assert not schema.is_valid({"kind": "no such kind", **values})


def test_each_preset_can_be_saved_as_it_is_shown(catalog: Any, workspace: Workspace) -> None:
    assert [preset["name"] for preset in catalog["presets"]] == list(load_presets())
    for preset in catalog["presets"]:
        name = f"my-{preset['name']}"
        saved = workspace.post("/strategies", {"name": name, "strategy": preset["strategy"]}, 201)
        again = workspace.post("/strategies", {"name": name, "preset": preset["name"]}, 200)
        assert (saved["version"], again) == (1, saved)


def test_the_known_models_are_in_it_with_the_source_of_each_figure(catalog: Any) -> None:
    shown = {(model["model"], model["base_url"]): model for model in catalog["models"]}
    assert list(shown) == [(known.model, known.base_url) for known in known_models()]
    small = shown["text-embedding-3-small", "https://api.openai.com/v1"]
    assert small["usd_per_million_tokens"]["value"] == 0.02
    assert small["usd_per_million_tokens"]["source"].startswith("genai-prices")
    assert small["query_prefix"] is None
