"""Keys from the command line, and whether the service may listen and is open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from app.accounts import keys
from app.command_line import main
from app.exposure import check_exposure
from app.installation import migrate
from app.main import create_app
from configs.errors import InvalidInputError
from configs.settings import Settings
from tests.app.api.playground import expect, expect_problem
from tests.database import database_url

KEY = "the-key-of-the-environment"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("PLAYGROUND_DATA_FOLDER", str(tmp_path))
    monkeypatch.setenv("PLAYGROUND_DATABASE_URL", database_url(tmp_path))
    monkeypatch.setenv("PLAYGROUND_DEMO", "false")
    monkeypatch.setenv("PLAYGROUND_WORKER", "false")
    monkeypatch.delenv("PLAYGROUND_API_KEY", raising=False)
    return Settings()


def run(*arguments: str, status: int = 0) -> list[str]:
    """Run a command and return the lines it prints, those of its error where it fails.

    Output is caught here and not by a fixture: the job engine of a service in the same test would keep its stream.
    """
    with redirect_stdout(StringIO()) as printed, redirect_stderr(StringIO()) as errors:
        assert main(["keys", *arguments]) == status
    return (errors if status else printed).getvalue().splitlines()


def test_the_first_administrators_key_closes_the_service(settings: Settings) -> None:
    with TestClient(create_app(settings), base_url="http://127.0.0.1") as client:
        created = expect(201, client.post("/v1/workspaces", json={"name": "w", "preset": "model_free"}))
        member = expect(201, client.post("/v1/members", json={"name": "Vi"}))
        made = expect(201, client.post("/v1/keys", json={"name": "k", "member_id": member["id"]}))
        assert expect(200, client.get("/v1/me"))["is_administrator"], "no administrator has a key yet"
        vi = {"Authorization": f"Bearer {made['key']}"}
        assert expect(200, client.get("/v1/me", headers=vi))["name"] == "Vi"
        _, key = run("create", "--admin", "--name", "Ada")
        expect_problem(client.get("/v1/workspaces"), 401, "unauthorized")
        ada = {"Authorization": f"Bearer {key}", "Host": "playground.example"}
        shown = expect(200, client.get("/v1/workspaces", headers=ada))["items"]
        assert [one["id"] for one in shown] == [created["id"]]
        assert expect(200, client.get("/v1/workspaces", headers=vi))["items"] == []


def test_what_became_of_the_key_opens_nothing_again(settings: Settings) -> None:
    first, _ = run("create", "--admin", "--name", "Ada", "--expires-days", "1")
    key_id = first.split()[0]
    assert "last_administrator" in run("revoke", key_id, status=1)[0]
    run("create", "--admin", "--name", "Bob")
    assert run("revoke", key_id) == [f"{key_id} is revoked"]
    lines = run("list")
    assert ["revoked" in line for line in lines] == [True, False]
    with TestClient(create_app(settings), base_url="http://127.0.0.1") as client:
        expect_problem(client.get("/v1/workspaces"), 401, "unauthorized")


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_keys_that_open_nothing_close_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    with TestClient(create_app(settings), base_url="http://127.0.0.1") as client:
        vi = expect(201, client.post("/v1/members", json={"name": "Vi"}))["id"]
        soon = datetime.now(UTC) + timedelta(hours=1)
        body = {"name": "k", "member_id": vi, "expires_at": soon.isoformat()}
        key = expect(201, client.post("/v1/keys", json=body))
        if end == "revoked":
            assert client.delete(f"/v1/keys/{key['id']}").status_code == 204
        else:
            monkeypatch.setattr(keys, "now", lambda: soon)
        expect(200, client.patch(f"/v1/members/{vi}", json={"is_administrator": True}))
        assert expect(200, client.get("/v1/me"))["is_administrator"], "nobody else could let anybody in"
        body = {"name": "k", "member_id": vi, "expires_at": (soon + timedelta(hours=1)).isoformat()}
        good = expect(201, client.post("/v1/keys", json=body))["key"]
        expect_problem(client.get("/v1/me"), 401, "unauthorized")
        assert expect(200, client.get("/v1/me", headers={"Authorization": f"Bearer {good}"}))["is_administrator"]


def test_a_key_for_one_workspace(settings: Settings) -> None:
    with TestClient(create_app(settings), base_url="http://127.0.0.1") as client:
        created = expect(201, client.post("/v1/workspaces", json={"name": "w", "preset": "model_free"}))
        given = ("create", "--name", "bot", "--workspace", created["id"], "--role", "editor")
        _, key = run(*given)
        me = expect(200, client.get("/v1/me", headers={"Authorization": f"Bearer {key}"}))
        assert (me["name"], me["is_administrator"], me["roles"]) == ("bot", False, {created["id"]: "editor"})
        run(*given)
        assert len(expect(200, client.get("/v1/members"))["items"]) == 1


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """Yield a client that administrates, whoever else has a key."""
    settings = settings.model_copy(update={"api_key": SecretStr(KEY)})
    headers = {"Authorization": f"Bearer {KEY}"}
    with TestClient(create_app(settings), base_url="http://127.0.0.1", headers=headers) as one:
        yield one


def opened(client: TestClient, key: str) -> tuple[bool, dict[str, str]]:
    """Return whether the key administrates, and the roles it brings."""
    me = expect(200, client.get("/v1/me", headers={"Authorization": f"Bearer {key}"}))
    return me["is_administrator"], me["roles"]


def test_a_key_takes_no_role_away_and_brings_no_more_than_is_asked_for(client: TestClient) -> None:
    first, second = (
        expect(201, client.post("/v1/workspaces", json={"name": "w", "preset": "model_free"}))["id"] for _ in range(2)
    )
    ed = expect(201, client.post("/v1/members", json={"name": "Ed"}))["id"]
    for place in (first, second):
        expect(200, client.put(f"/v1/workspaces/{place}/members/{ed}", json={"role": "admin"}))
    for more, brought in (
        ((), {first: "admin", second: "admin"}),
        (("--role", "viewer"), {first: "viewer", second: "viewer"}),
        (("--workspace", first), {first: "admin"}),
        (("--workspace", first, "--role", "editor"), {first: "editor"}),
    ):
        line, key = run("create", "--name", "Ed", *more)
        assert opened(client, key) == (False, brought)
        assert ("unbounded" in line) == (not more)
        (member,) = expect(200, client.get(f"/v1/workspaces/{first}/members"))
        assert member["role"] == "admin", "a key takes nothing from its member"
    client.put(f"/v1/workspaces/{second}/members/{ed}", json={"role": "viewer"})
    _, key = run("create", "--name", "Ed", "--workspace", second, "--role", "editor")
    assert opened(client, key) == (False, {second: "editor"})


def test_an_administrators_key_may_be_bounded_too(client: TestClient) -> None:
    place = expect(201, client.post("/v1/workspaces", json={"name": "w", "preset": "model_free"}))["id"]
    _, free = run("create", "--admin", "--name", "Boss")
    for more, brought in ((("--role", "viewer"), "viewer"), ((), "admin")):
        line, key = run("create", "--name", "Boss", "--workspace", place, *more)
        shown = expect(200, client.get(f"/v1/workspaces/{place}", headers={"Authorization": f"Bearer {key}"}))
        assert shown["id"] == place
        listed = {one["id"]: one for one in expect(200, client.get("/v1/keys"))["items"]}[line.split()[0]]
        assert (listed["at_most"], listed["only_workspaces"]) == (more[1] if more else None, [place])
        headers = {"Authorization": f"Bearer {key}"}
        answer = client.patch(f"/v1/workspaces/{place}", json={"name": "x"}, headers=headers)
        assert answer.status_code == (403 if brought == "viewer" else 200)
        expect_problem(client.get("/v1/members", headers=headers), 403, "forbidden")
    _, again = run("create", "--name", "Boss")
    assert opened(client, free)[0]
    assert opened(client, again)[0], "an administrator's next key needs no --admin"


def test_a_key_is_rotated_as_the_page_says(client: TestClient) -> None:
    place = expect(201, client.post("/v1/workspaces", json={"name": "w", "preset": "model_free"}))["id"]
    line, old = run("create", "--name", "Ed", "--workspace", place, "--role", "editor")
    _, new = run("create", "--name", "Ed", "--workspace", place, "--role", "editor")
    before = opened(client, old)
    assert run("revoke", line.split()[0]) == [f"{line.split()[0]} is revoked"]
    expect_problem(client.get("/v1/me", headers={"Authorization": f"Bearer {old}"}), 401, "unauthorized")
    assert opened(client, new) == before == (False, {place: "editor"})


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("create", "--name", "a"), "powerless_key"),
        (("create", "--name", "a", "--role", "viewer"), "powerless_key"),
        (("create", "--name", "a", "--workspace", "nosuch"), "workspace_not_found"),
        (("create", "--name", "a", "--admin", "--workspace", "nosuch"), "bounded_administrator"),
        (("create", "--name", "a", "--admin", "--role", "viewer"), "bounded_administrator"),
        (("create", "--name", "a", "--admin", "--expires-days", "0"), "invalid_expiry"),
        (("create", "--name", "a", "--admin", "--expires-days", "99999999999"), "invalid_expiry"),
        (("revoke", "nosuch"), "key_not_found"),
    ],
)
def test_bad_input_makes_nothing(settings: Settings, arguments: tuple[str, ...], code: str) -> None:
    migrate(settings.sqlalchemy_url)
    assert settings.is_loopback
    assert run(*arguments, status=1)[0].startswith(code)
    assert run("list") == []


def test_other_machines_are_answered_once_an_administrator_has_a_key(settings: Settings) -> None:
    check_exposure(settings)
    exposed = settings.model_copy(update={"host": "0.0.0.0"})
    for _ in range(2):
        with pytest.raises(InvalidInputError, match="without an API key") as refused:
            check_exposure(exposed)
        assert "context-playground keys create" in refused.value.hint
    check_exposure(exposed.model_copy(update={"api_key": SecretStr("k" * 32)}))
    run("create", "--admin", "--name", "Ada")
    check_exposure(exposed)


def test_a_service_that_listens_elsewhere_is_never_open(settings: Settings) -> None:
    exposed = settings.model_copy(update={"host": "0.0.0.0"})
    with TestClient(create_app(exposed), base_url="http://127.0.0.1") as client:
        expect_problem(client.get("/v1/workspaces"), 401, "unauthorized")
