"""Who follows a job over a stream of events: for as long as they may, and no longer."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.app.api.playground import JOB_SECONDS, Gate, Workspace, expect
from tests.app.api.test_accounts import BY_ADMIN, Accounts, accounts

__all__ = ["accounts"]


@pytest.mark.parametrize("taken", ["key", "role"])
def test_who_follows_a_job_reads_no_further_once_they_may_not(
    accounts: Accounts, workspace: Workspace, gate: Gate, taken: str
) -> None:
    member = accounts.member()
    accounts.role(workspace.id, member, "editor")
    made = accounts.key(member)
    headers = {"Authorization": f"Bearer {made['key']}"}
    body = {"documents": [{"text": f"{gate.word} words"}]}
    job = expect(202, accounts.client.post(workspace.path("/documents"), json=body, headers=headers))["job"]
    gate.wait_until_reached()
    with ThreadPoolExecutor(1) as pool:
        stream = pool.submit(accounts.get, made["key"], f"/v1/jobs/{job['id']}/events")
        with pytest.raises(TimeoutError):
            stream.result(0.5)
        path = f"/v1/keys/{made['id']}" if taken == "key" else workspace.path(f"/members/{member['id']}")
        assert accounts.client.delete(path, headers=BY_ADMIN).status_code == 204
        try:
            response = stream.result(JOB_SECONDS)
        finally:
            gate.open()
    assert response.status_code == 200
    assert set(re.findall(r"^event: (\w+)", response.text, re.MULTILINE)) == {"progress"}
