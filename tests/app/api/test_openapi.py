"""The OpenAPI description: fresh on disk, valid, and with what Swagger needs to run every operation without typing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from starlette.testclient import TestClient

from app import documentation
from app.api.description import MEDIA_TYPE
from ingest.chunkers import Chunker
from tests.app.api.conftest import BASE_URL
from tests.app.api.operations import DESCRIPTION, Operation, openapi, operations
from tests.app.api.playground import expect

OPERATIONS = operations()
WITH_BODIES = [operation for operation in OPERATIONS if operation.bodies]


def test_the_description_on_disk_is_fresh_and_does_not_depend_on_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That it is fresh in an environment that sets nothing is found where pages are written into a folder."""
    for name, value in (("ROOT_PATH", "/under"), ("API_KEY", "secret"), ("MAX_UPLOAD_BYTES", "5000")):
        monkeypatch.setenv(f"PLAYGROUND_{name}", value)
    assert DESCRIPTION.read_text(encoding="utf-8") == documentation.openapi_description(), "run make docs"


def test_the_service_serves_the_same_description(client: TestClient) -> None:
    assert expect(200, client.get("/openapi.json")) == json.loads(DESCRIPTION.read_text(encoding="utf-8"))


def references(node: Any) -> Iterator[str]:
    """Yield every $ref."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for one in node.values():
            yield from references(one)
    elif isinstance(node, list):
        for one in node:
            yield from references(one)


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    names = set(openapi()["components"]["schemas"])
    used = {reference.removeprefix("#/components/schemas/") for reference in references(openapi())}
    assert used == names


def test_every_schema_is_a_json_schema() -> None:
    for name, schema in openapi()["components"]["schemas"].items():
        assert jsonschema_rs.meta.is_valid({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}), name


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_an_operation_says_what_it_does_and_returns(operation: Operation) -> None:
    description = operation.description
    assert re.fullmatch(r"[A-Z][^.]{3,60}\??", description["summary"]), description["summary"]
    assert len(description["description"]) >= len("Return jobs, oldest first.")
    assert len(description["tags"]) == 1
    successes = [status for status in description["responses"] if status.startswith("2")]
    assert successes
    for status, response in description["responses"].items():
        if status in ("4XX", "5XX"):
            assert set(response["content"]) == {MEDIA_TYPE}
        elif status not in ("204", "304"):
            assert response["content"], (status, response)


def test_operation_ids_and_summaries_are_unique() -> None:
    for field in ("operationId", "summary"):
        values = [operation.description[field] for operation in OPERATIONS]
        assert len(set(values)) == len(values)


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_parameters_are_described_and_those_of_the_path_have_examples(operation: Operation) -> None:
    parameters = operation.description.get("parameters", [])
    assert {one["name"] for one in parameters if one["in"] == "path"} == set(operation.path_parameters)
    for parameter in parameters:
        assert parameter["description"], parameter["name"]
        if parameter["in"] == "path":
            assert parameter["examples"], parameter["name"]
    assert any(one["name"] == "Idempotency-Key" for one in parameters) == (operation.method == "post")


@pytest.mark.parametrize("operation", WITH_BODIES, ids=str)
def test_bodies_have_examples_that_fit_their_schema(operation: Operation) -> None:
    if "application/json" not in operation.bodies:
        assert list(operation.bodies) == ["multipart/form-data"]
        return
    body = operation.bodies["application/json"]
    validator = jsonschema_rs.validator_for({**body["schema"], "components": openapi()["components"]})
    assert operation.examples()
    for name, example in body["examples"].items():
        assert example["summary"], name
        assert validator.is_valid(example["value"]), (name, list(validator.iter_errors(example["value"])))


def names_chunkers(schema: Any, seen: set[str]) -> bool:
    """Tell whether a schema leads to that of a chunker."""
    for reference in references(schema):
        name = reference.removeprefix("#/components/schemas/")
        if name in {member.__name__ for member in Chunker.members().values()}:
            return True
        if name not in seen and names_chunkers(openapi()["components"]["schemas"][name], seen | {name}):
            return True
    return False


def kinds_in(node: Any) -> Iterator[str]:
    """Yield the kinds of the chunkers in an example."""
    if isinstance(node, dict):
        for name, one in node.items():
            chunkers = [one] if name == "chunker" else one if name == "chunkers" else []
            yield from (chunker["kind"] for chunker in chunkers)
            yield from kinds_in(one)
    elif isinstance(node, list):
        for one in node:
            yield from kinds_in(one)


DEFINING = {"POST /v1/chunkings/preview", "POST /v1/workspaces/{workspace_id}/strategies"}
"""Bodies whose point is a chunker; others may name one inside an inline setup."""


def test_bodies_about_chunkers_offer_an_example_of_each() -> None:
    naming = {str(operation): operation for operation in WITH_BODIES if names_chunkers(operation.bodies, set())}
    for name in DEFINING:
        alone = [list(kinds_in(example)) for example in naming[name].examples().values()]
        assert {kinds[0] for kinds in alone if len(kinds) == 1} == set(Chunker.members()), name


def test_swagger_is_served_from_this_machine(client: TestClient) -> None:
    for root in ("", "/under"):
        client = TestClient(client.app, base_url=BASE_URL, root_path=root)
        page = client.get(f"{root}/docs").text
        addresses = re.findall(r"""(?:src|href|url)\s*[=:]\s*["']([^"']+)""", page)
        assert len(addresses) >= 4
        assert all(address.startswith(f"{root}/") for address in addresses), addresses
        for address in addresses:
            assert client.get(address).status_code == 200, address
        assert client.get(f"{root}/", follow_redirects=False).headers["location"] == f"{root}/docs"
