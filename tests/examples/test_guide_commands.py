"""The commands of the guide's page on personalising context, run one after the other as a reader would."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from app.demo import guide_folder
from tests.running_server import Client, running_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

PAGE = guide_folder() / "personalising-context.md"
PRELUDE = 'set -eu; curl() { command curl --fail-with-body "$@"; echo; }\n'
DEMO_URL = "http://127.0.0.1:8000"


def blocks() -> list[str]:
    return re.findall(r"^```bash\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def wait_for_jobs(client: Client) -> None:
    for job in client.expect("GET", "/v1/jobs?workspace_id=demo&limit=200")["items"]:
        client.wait_for(job["id"])


def planted(client: Client) -> str:
    """Make a workspace like the demo's, without a model; return the id of its page on searching."""
    client.expect("POST", "/v1/workspaces", {"id": "demo", "name": "Guide", "preset": "model_free"})
    documents = [
        {"text": page.read_text(encoding="utf-8"), "external_id": page.name, "media_type": "text/markdown",
         "tags": ["guide"]}
        for page in sorted(guide_folder().glob("*.md"))
    ]  # fmt: skip
    accepted = client.expect("POST", "/v1/workspaces/demo/documents", {"documents": documents})
    client.wait_for(accepted["job"]["id"])
    (searching,) = client.expect("GET", "/v1/workspaces/demo/documents?external_id=searching.md")["items"]
    return str(searching["id"])


def test_every_command_works_in_order(tmp_path: Path) -> None:
    answers: list[list[object]] = []
    with running_server(tmp_path) as server:
        client = server.client()
        searching = planted(client)
        variable, *commands = (
            block.replace(DEMO_URL, f"http://127.0.0.1:{server.port}").replace("demo-searching", searching)
            for block in blocks()
        )
        for command in commands:
            script = PRELUDE + variable + command
            result = subprocess.run(
                ["bash", "-c", script], capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path
            )
            assert result.returncode == 0, f"{command}{result.stdout[-2000:]}{result.stderr}"
            answers.append([json.loads(line) for line in result.stdout.splitlines() if line])
            wait_for_jobs(client)
        assert client.request("GET", "/v1/workspaces/demo/users/mira")[0] == 404
        assert client.expect("GET", "/v1/workspaces/demo/documents?external_id=notes/audit")["items"] == []
    _, facts, _, _, context, diff, _, forgotten = map(json.dumps, answers)
    assert '"value": "Paris"' in facts.split('"items"')[1]
    assert all(said in context for said in ("Audit notes", "city: Berlin", "graphics card", "length of answers: brief"))
    assert '"access"' in diff
    assert "graphics card" in forgotten
