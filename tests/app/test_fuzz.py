"""Random requests made from the API's own description: none makes the service fail, and each answer is as described."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.running_server import running_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

WORKSPACE = "shelf"
EXAMPLES = 15
"""Random requests of each operation."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """Yield one kept connection for all requests."""
    with requests.Session() as session:
        yield session


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory, session: requests.Session) -> Iterator[Any]:
    """Yield a server's description, whose requests go to a workspace that exists wherever they name one."""
    folder: Path = tmp_path_factory.mktemp("fuzz")
    with running_server(folder) as server:
        client = server.client()
        client.expect("POST", "/v1/workspaces", {"id": WORKSPACE, "name": "Shelf", "preset": "model_free"})
        text = {"text": "some words", "external_id": "a", "metadata": {"team": "support"}}
        sent = client.expect("POST", f"/v1/workspaces/{WORKSPACE}/documents", {"documents": [text]})
        client.wait_for(sent["job"]["id"])
        with session.get(f"http://127.0.0.1:{server.port}/openapi.json") as response:
            loaded = schemathesis.openapi.from_dict(response.json())
        loaded.config.update(base_url=f"http://127.0.0.1:{server.port}")

        def name_the_shelf(_context: Any, parameters: dict[str, Any] | None) -> dict[str, Any] | None:
            return (
                {**parameters, "workspace_id": WORKSPACE} if parameters and "workspace_id" in parameters else parameters
            )

        loaded.hook("map_path_parameters")(name_the_shelf)
        yield loaded.exclude(method="DELETE", path="/v1/workspaces/{workspace_id}")


def check_operation(operation: Any, session: requests.Session) -> None:
    """Send random requests of one operation; raise where an answer is not as described."""

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def send(case: Any) -> None:
        case.call_and_validate(session=session, checks=CHECKS)

    send()


def test_no_request_makes_the_service_fail(description: Any, session: requests.Session) -> None:
    failures = []
    operations = [result.ok() for result in description.get_all_operations()]
    assert len(operations) >= 40
    for operation in operations:
        try:
            check_operation(operation, session)
        except (FailureGroup, BaseExceptionGroup, Failure) as failure:
            failures.append(f"{operation.label}: {failure}")
    assert failures == []
