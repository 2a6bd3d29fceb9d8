"""What is made of a key never outdoes it: not a bounded one's reach, not the life of one that ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select
from starlette.testclient import TestClient

from app.api.idempotency_claims import IdempotencyRow
from app.main import create_app
from configs.part import JsonObject
from configs.settings import Settings
from tests.app.api.conftest import BASE_URL, app_of
from tests.app.api.playground import Workspace, expect, expect_problem
from tests.app.api.test_accounts import BY_ADMIN, KEY, Accounts
from tests.database import database_url


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    """Yield a service of its own: the keys of administrators made here close it to whoever has none."""
    folder = tmp_path_factory.mktemp("keys")
    settings = Settings(
        data_folder=folder, demo=False, worker=False, api_key=SecretStr(KEY), database_url=database_url(folder)
    )
    with TestClient(create_app(settings), base_url=BASE_URL, headers=BY_ADMIN) as client:
        yield Accounts(client)


@pytest.fixture(scope="module")
def workspace(accounts: Accounts) -> Workspace:
    """Return a workspace of that service."""
    return Workspace(accounts.client)


def with_key(key: JsonObject) -> dict[str, str]:
    """Return the header that sends a key."""
    return {"Authorization": f"Bearer {key['key']}"}


def listed(accounts: Accounts, headers: dict[str, str]) -> dict[str, JsonObject]:
    """Return the keys that a caller sees, by id."""
    items = expect(200, accounts.client.get("/v1/keys", headers=headers, params={"limit": 200}))["items"]
    return {one["id"]: one for one in items}


@pytest.mark.parametrize("is_administrator", [False, True])
@pytest.mark.parametrize("bounds", [("at_most",), ("only_workspaces",), ("at_most", "only_workspaces")])
def test_a_bounded_key_sees_and_revokes_itself_alone(
    accounts: Accounts, workspace: Workspace, is_administrator: bool, bounds: tuple[str, ...]
) -> None:
    member = accounts.member(is_administrator=is_administrator)
    accounts.role(workspace.id, member, "admin")
    given: JsonObject = {"at_most": "viewer", "only_workspaces": [workspace.id]}
    bounded = accounts.key(member, **{name: given[name] for name in bounds})
    others = [accounts.key(member), accounts.key(member, at_most="viewer"), accounts.key(accounts.member())]
    headers = with_key(bounded)
    assert listed(accounts, headers).keys() == {bounded["id"]}
    for one in others:
        assert accounts.client.delete(f"/v1/keys/{one['id']}", headers=headers).status_code == 204
        assert accounts.get(one["key"]).status_code == 200, "another key is, to a bounded one, not there"
    assert accounts.client.delete(f"/v1/keys/{bounded['id']}", headers=headers).status_code == 204
    expect_problem(accounts.get(bounded["key"]), 401, "unauthorized")


@pytest.mark.parametrize("is_administrator", [False, True])
def test_a_key_that_ends_makes_none_that_outlives_it(accounts: Accounts, is_administrator: bool) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    parent = accounts.key(accounts.member(is_administrator=is_administrator), expires_at=soon.isoformat())

    def make(**body: Any) -> Any:
        return accounts.client.post("/v1/keys", json={"name": "child", **body}, headers=with_key(parent))

    for later in (timedelta(microseconds=1), timedelta(days=365)):
        before = listed(accounts, BY_ADMIN).keys()
        problem = expect_problem(make(expires_at=(soon + later).isoformat()), 403, "outlives_its_maker")
        assert soon.isoformat() in problem["detail"]
        assert listed(accounts, BY_ADMIN).keys() == before
    child = expect(201, make())
    assert child["expires_at"] == parent["expires_at"], "the default is the end of the key that makes it"
    earlier = soon - timedelta(minutes=5)
    grandchild = accounts.client.post(
        "/v1/keys", json={"name": "k", "expires_at": earlier.isoformat()}, headers=with_key(child)
    )
    assert datetime.fromisoformat(expect(201, grandchild)["expires_at"]) == earlier
    if is_administrator:
        anothers = expect(201, make(member_id=accounts.member()["id"]))
        assert anothers["expires_at"] == parent["expires_at"]


def test_a_key_without_an_end_makes_some_with_and_without(accounts: Accounts) -> None:
    parent = accounts.key(accounts.member())
    later = datetime.now(UTC) + timedelta(days=400)
    for asked in (None, later.isoformat()):
        body = {"name": "child", "expires_at": asked}
        made = expect(201, accounts.client.post("/v1/keys", json=body, headers=with_key(parent)))
        assert (made["expires_at"] and datetime.fromisoformat(made["expires_at"])) == (asked and later)


def test_a_key_is_made_once_and_shown_once(accounts: Accounts) -> None:
    member = accounts.member()
    body = {"name": "k", "member_id": member["id"]}
    headers = {**BY_ADMIN, "Idempotency-Key": "once"}
    response = accounts.client.post("/v1/keys", json=body, headers=headers)
    assert response.headers["cache-control"] == "no-store"
    made = expect(201, response)
    for _ in range(2):
        again = accounts.client.post("/v1/keys", json=body, headers=headers)
        problem = expect_problem(again, 409, "shown_once")
        assert made["id"] in problem["detail"]
        assert made["key"] not in again.text
    theirs = [one for one in listed(accounts, BY_ADMIN).values() if one["member_id"] == member["id"]]
    assert [one["id"] for one in theirs] == [made["id"]]
    with app_of(accounts.client).state.service.database.read() as session:
        (body_kept,) = session.scalars(select(IdempotencyRow.body)).all()
    assert body_kept == made["id"].encode()
    other = {**body, "name": "another"}
    expect_problem(accounts.client.post("/v1/keys", json=other, headers=headers), 422, "idempotency_key_reused")
    assert accounts.client.delete(f"/v1/keys/{made['id']}", headers=BY_ADMIN).status_code == 204
    anew = accounts.client.post("/v1/keys", json=body, headers={**headers, "Idempotency-Key": "twice"})
    assert expect(201, anew)["id"] != made["id"]


def test_a_key_that_was_not_made_leaves_its_idempotency_key_free(accounts: Accounts) -> None:
    headers = {**BY_ADMIN, "Idempotency-Key": "refused at first"}
    body = {"name": "k", "member_id": "nosuch"}
    expect_problem(accounts.client.post("/v1/keys", json=body, headers=headers), 404, "member_not_found")
    body["member_id"] = accounts.member()["id"]
    expect(201, accounts.client.post("/v1/keys", json=body, headers=headers))
