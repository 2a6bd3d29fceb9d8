"""A request's id is in its answer's header, in its problem and in its log line, whatever happens to the request."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from configs.errors import DatabaseUnavailableError
from configs.log_lines import JsonLines
from tests.app.api.conftest import app_of
from tests.app.api.playground import Workspace, expect

WORKSPACES = "/v1/workspaces"


class Lines(logging.Handler):
    """Keeps each line as the service would write it."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self.kept: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append(self.format(record))


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Lines:
    """Return the lines that the service writes from now on."""
    handler, logger = Lines(), logging.getLogger("playground")
    monkeypatch.setattr(logger, "handlers", [*logger.handlers, handler])
    monkeypatch.setattr(logger, "level", logging.DEBUG)
    logging.getLogger("playground.requests").manager._clear_cache()  # type: ignore[attr-defined]  # levels are cached there
    return handler


def test_an_answer_names_its_request_in_header_and_log(client: TestClient, lines: Lines) -> None:
    response = client.get(WORKSPACES)
    request_id = response.headers["x-request-id"]
    assert len(request_id) == 32
    assert [line for line in lines.kept if f'"request_id": "{request_id}"' in line and "GET /v1/workspaces" in line]
    assert client.get(WORKSPACES).headers["x-request-id"] != request_id


def test_a_problem_carries_the_id_that_the_caller_gave(client: TestClient, lines: Lines) -> None:
    response = client.get(f"{WORKSPACES}/nosuch", headers={"X-Request-ID": "caller-7.a_B"})
    assert expect(404, response)["request_id"] == response.headers["x-request-id"] == "caller-7.a_B"
    assert any('"request_id": "caller-7.a_B"' in line and "404" in line for line in lines.kept)
    assert not any('"workspace"' in line for line in lines.kept if "404" in line)


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, 'a"}', "a\tb", "ü"])
def test_an_id_that_could_forge_a_line_is_replaced(client: TestClient, given: str) -> None:
    response = client.get(WORKSPACES, headers=[(b"X-Request-ID", given.encode("latin-1"))])
    assert len(response.headers["x-request-id"]) == 32


def test_an_unexpected_failure_is_named_everywhere(
    other_service: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    broken = other_service()

    def fail() -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(type(app_of(broken).state.service.database), "read", lambda _self: fail())
    response = broken.get(WORKSPACES)
    request_id = expect(500, response)["request_id"]
    assert response.headers["x-request-id"] == request_id
    assert any(f'"request_id": "{request_id}"' in line and "RuntimeError: broken" in line for line in lines.kept)


def test_refusals_before_routing_carry_an_id(client: TestClient, other_service: Callable[..., TestClient]) -> None:
    foreign = client.get(WORKSPACES, headers={"Host": "evil.example"})
    assert expect(400, foreign)["request_id"] == foreign.headers["x-request-id"]
    keyless = other_service(api_key=SecretStr("a-key")).get(WORKSPACES)
    assert expect(401, keyless)["request_id"] == keyless.headers["x-request-id"]


def test_no_line_holds_a_question_or_a_text_or_a_key(workspace: Workspace, client: TestClient, lines: Lines) -> None:
    url = f"{WORKSPACES}/{workspace.id}"
    document = {"external_id": "d", "title": "T", "text": "zebra secret words"}
    client.post(f"{url}/documents", json={"documents": [document]})
    client.post(f"{url}/searches", json={"query": "zebra question"}, headers={"Authorization": "Bearer quagga"})
    assert any(f'"workspace": "{workspace.id}"' in line for line in lines.kept)
    assert not [line for line in lines.kept if "zebra" in line or "quagga" in line]


def test_work_in_the_pool_knows_its_request(client: TestClient, lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_self: object) -> None:
        logging.getLogger("playground.probe").warning("inside")
        raise DatabaseUnavailableError("gone", hint="wait")

    monkeypatch.setattr(type(app_of(client).state.service.database), "read", refuse)
    client.get(WORKSPACES, headers={"X-Request-ID": "pool-1"})
    assert any('"request_id": "pool-1"' in line and '"message": "inside"' in line for line in lines.kept)
