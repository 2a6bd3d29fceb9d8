"""Requests made from the OpenAPI description: whatever it permits or forbids, the service answers as it says there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.specs.openapi.schemas import OpenApiSchema

from tests.app.api.operations import Operation, operations
from tests.running_server import Client, running_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

WORKSPACE = "known"
EXAMPLES = 250
LEFT_OUT = (
    "positive_data_acceptance",  # a schema cannot say which cursors were given out, or which names are taken
    "negative_data_rejection",  # unknown query parameters are ignored, and invalid ids are replaced by known ones
)


def furnish(client: Client) -> dict[str, str]:
    """Create one object of each kind, and return their ids by the name of their path parameter."""
    root = f"/v1/workspaces/{WORKSPACE}"
    client.expect("POST", "/v1/workspaces", {"id": WORKSPACE, "name": "Known", "preset": "model_free"})
    text = "# Refunds\n\nA refund is paid within thirty days.\n\n## Later\n\nAfter that we repair."
    sent = client.expect("POST", f"{root}/documents", {"documents": [{"text": text, "media_type": "text/markdown"}]})
    client.wait_for(sent["job"]["id"])
    evidence = {"document_id": sent["documents"][0]["document_id"], "quote": "within thirty days"}
    questions = [{"question": "When is a refund paid?", "evidence": [evidence]}]
    client.expect("POST", f"{root}/question-sets", {"name": "known-set", "questions": questions})
    return {
        "workspace_id": WORKSPACE,
        "document_id": sent["documents"][0]["document_id"],
        "strategy_name": "default",
        "index_id": client.expect("GET", f"{root}/indexes")["items"][0]["id"],
        "question_set": "known-set",
        "context_id": client.expect("POST", f"{root}/contexts", {"question": "refund?"})["id"],
        "job_id": sent["job"]["id"],
    }


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenApiSchema]:
    """Yield the description of a running service; all but deletions are asked of objects that exist."""
    with running_server(tmp_path_factory.mktemp("api")) as server:
        known = furnish(server.client())
        schema = schemathesis.openapi.from_url(f"http://127.0.0.1:{server.port}/openapi.json")

        @schema.hook
        def map_path_parameters(context: Any, path_parameters: dict[str, str] | None) -> dict[str, str] | None:
            if path_parameters is None or context.operation.method == "delete":
                return path_parameters
            return {name: known.get(name, value) for name, value in path_parameters.items()}

        yield schema


CASES = [
    pytest.param(operation, mode, id=f"{operation}-{mode.value}")
    for operation in operations()
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or operation.description.get("parameters") or operation.bodies
]


@pytest.mark.parametrize(("operation", "mode"), CASES)
def test_every_answer_is_as_described(api: OpenApiSchema, operation: Operation, mode: GenerationMode) -> None:
    described = api[operation.path][operation.method.upper()]
    excluded = [CHECKS.get_one(name) for name in LEFT_OUT]

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=described.as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case) -> None:
        case.call_and_validate(excluded_checks=excluded, timeout=60)

    check()
