"""Alerts over HTTP: damage that is found raises one, and somebody acknowledges it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from starlette.testclient import TestClient

from configs.part import JsonObject
from indexes.database.alerts import raise_alert
from indexes.database.engine import Database
from ingest.canaries import CanaryRow, check_canaries, embedders_in_use
from ingest.recipe import IndexRecipe
from tests.app.api.playground import Workspace, expect, expect_problem


def of_index(client: TestClient, index_id: str, *, only_open: bool = True) -> list[JsonObject]:
    """Return the alerts about an index."""
    listed = expect(200, client.get("/v1/alerts", params={"only_open": only_open, "limit": 200}))["items"]
    return [alert for alert in listed if alert["subject"] == index_id]


def damage(data_folder: Path, index_id: str) -> None:
    """Change a byte of each of the index's segments."""
    for path in (data_folder / "segments").glob(f"{index_id}/*/rows.bin"):
        content = bytearray(path.read_bytes())
        content[0] ^= 0xFF
        path.chmod(0o644)
        path.write_bytes(content)


def test_damage_is_an_alert_until_somebody_has_seen_to_it(
    client: TestClient, workspace: Workspace, data_folder: Path
) -> None:
    workspace.send({"text": "some words", "external_id": "a"})
    (index,) = workspace.get("/indexes")["items"]
    assert of_index(client, index["id"]) == []
    damage(data_folder, index["id"])
    repair = workspace.post(f"/indexes/{index['id']}/repairs", None, 202)
    assert workspace.wait(repair["job"]["id"])["state"] == "succeeded"
    (alert,) = of_index(client, index["id"])
    assert alert["kind"] == "index_damaged"
    assert alert["figures"]["workspace_id"] == workspace.id
    for _ in range(2):
        seen = expect(200, client.post(f"/v1/alerts/{alert['id']}/acknowledge"))
        assert seen["acknowledged_at"] is not None
    assert of_index(client, index["id"]) == []
    assert of_index(client, index["id"], only_open=False) == [seen]
    assert workspace.found("words") == ["a"]


def test_a_model_that_changed_is_accepted_and_its_indexes_are_built_anew(
    client: TestClient, workspace: Workspace
) -> None:
    workspace.send({"text": "some words", "external_id": "a"})
    (index,) = workspace.get("/indexes")["items"]
    database: Database = client.app.state.service.database  # type: ignore[attr-defined]  # the application
    embedder = IndexRecipe.model_validate(index["recipe"]).embedder
    assert embedder is not None
    look(database)
    with database.write() as session:
        row = session.get_one(CanaryRow, embedder.fingerprint)
        row.vectors = (-np.frombuffer(row.vectors, np.float32)).tobytes()
    look(database)
    (alert,) = of_index(client, embedder.fingerprint)
    accepted = expect(202, client.post(f"/v1/alerts/{alert['id']}/accept"))
    assert accepted["alert"]["acknowledged_at"] is not None
    assert workspace.id in {job["workspace_id"] for job in accepted["jobs"]}
    for job in accepted["jobs"]:
        assert workspace.wait(job["id"])["state"] == "succeeded"
    look(database)
    assert of_index(client, embedder.fingerprint) == []
    assert expect(202, client.post(f"/v1/alerts/{alert['id']}/accept"))["jobs"] == []
    assert workspace.found("words") == ["a"]


def look(database: Database) -> None:
    """Check the canaries."""
    list(check_canaries(database, embedders_in_use(database)))


def test_an_alert_about_something_else_cannot_be_accepted(client: TestClient) -> None:
    database: Database = client.app.state.service.database  # type: ignore[attr-defined]  # the application
    with database.write() as session:
        alert = raise_alert(session, "index_damaged", "nothing", "nothing is damaged")
        assert alert is not None
    problem = expect_problem(client.post(f"/v1/alerts/{alert.id}/accept"), 409, "not_acceptable")
    assert "acknowledge" in problem["hint"]
    assert len(of_index(client, "nothing")) == 1


def test_an_unknown_alert_is_not_found(client: TestClient) -> None:
    expect_problem(client.post("/v1/alerts/nosuch/accept"), 404, "alert_not_found")
    expect_problem(client.post("/v1/alerts/nosuch/acknowledge"), 404, "alert_not_found")
