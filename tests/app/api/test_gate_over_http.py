"""The command `gate --url` against the real service, over a real connection and with real keys."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, cast

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from app.command_line import main
from tests.app.api.playground import expect, lexical
from tests.app.api.test_aliases import BOT, Bot

KEY = "the-key-of-the-environment"


class Front(HTTPServer):
    """Hands each request to the service, as a reverse proxy does."""

    def __init__(self, client: TestClient) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.client = client


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Hand on the path and the key."""
        sent = {name: value for name, value in self.headers.items() if name.lower() == "authorization"}
        answer = cast("Front", self.server).client.get(self.path, headers=sent)
        self.send_response(answer.status_code)
        self.send_header("Content-Type", answer.headers["content-type"])
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def guarded(other_service: Callable[..., TestClient]) -> TestClient:
    return other_service(api_key=SecretStr(KEY))


@pytest.fixture(scope="module")
def url(guarded: TestClient) -> Iterator[str]:
    with Front(guarded) as front:
        thread = threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{front.server_port}"
        front.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def bot(client: TestClient) -> Bot:
    """Return a bot whose candidate has the settings that are active, and may be promoted; `unnamed` has none."""
    bot = Bot(client)
    bot.workspace.post("/strategies", {"name": "twin", "strategy": {"retrieval": lexical(16)}}, 201)
    bot.candidate(strategy="twin")
    expect(201, bot.workspace.request("PUT", "/aliases/unnamed", json={}))
    return bot


@pytest.fixture(scope="module")
def experiment_id(bot: Bot) -> str:
    return bot.compare()


def key_of(guarded: TestClient, bot: Bot, role: str | None) -> str:
    """Return the key of a new member with a role in the bot's workspace, or without one."""
    by = {"Authorization": f"Bearer {KEY}"}
    body = {"name": f"{role} of {bot.workspace.id}"}
    member = expect(201, guarded.post("/v1/members", json=body, headers=by))
    if role is not None:
        place = f"/v1/workspaces/{bot.workspace.id}/members/{member['id']}"
        expect(200, guarded.put(place, json={"role": role}, headers=by))
    made = expect(201, guarded.post("/v1/keys", json={"name": "ci", "member_id": member["id"]}, headers=by))
    return str(made["key"])


def test_a_viewers_key_is_enough_and_every_refusal_is_an_error(
    guarded: TestClient, url: str, bot: Bot, experiment_id: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def run(key: str, experiment: str = experiment_id, alias: str = "bot") -> tuple[int, str, str]:
        monkeypatch.setenv("PLAYGROUND_GATE_KEY", key)
        place = ["--workspace", bot.workspace.id, "--alias", alias]
        returned = main(["gate", "--url", url, *place, "--experiment", experiment])
        printed = capsys.readouterr()
        assert key == "" or key not in printed.out + printed.err
        return returned, printed.out, printed.err

    viewer, stranger = key_of(guarded, bot, "viewer"), key_of(guarded, bot, None)
    returned, out, _ = run(viewer)
    assert (returned, out.splitlines()[-1]) == (0, "PASS: it may be promoted")
    for key, changed, code in (
        ("", {}, "unauthorized"), ("pg_wrong", {}, "unauthorized"), (stranger, {}, "workspace_not_found"),
        (viewer, {"experiment": "nosuch"}, "experiment_not_found"), (viewer, {"alias": "nosuch"}, "alias_not_found"),
        (viewer, {"alias": "unnamed"}, "no_candidate"), (viewer, {"experiment": "no such id"}, "invalid_request"),
    ):  # fmt: skip
        returned, out, err = run(key, **changed)
        assert (returned, out) == (2, ""), changed
        assert err.startswith(f"{code}: {url} answered with status 4"), err
    bot.workspace.send({"text": "The elm.", "external_id": "elm"})
    returned, out, _ = run(viewer)
    assert returned == 1
    assert "FAIL  documents: 1 documents differ" in out
    assert bot.workspace.get(BOT)["candidate"], "it changes nothing"
