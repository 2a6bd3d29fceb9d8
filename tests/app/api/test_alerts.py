"""Alerts over HTTP: damage that is found raises one, and somebody acknowledges it."""

from __future__ import annotations

from pathlib import Path

from starlette.testclient import TestClient

from configs.part import JsonObject
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


def test_an_unknown_alert_is_not_found(client: TestClient) -> None:
    expect_problem(client.post("/v1/alerts/nosuch/acknowledge"), 404, "alert_not_found")
