"""A real service under writes is backed up, killed and restored: what was acknowledged before is there, found alike.

On SQLite, and on PostgreSQL with its own programs and an index whose vectors lie in the database.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import postgresql
from tests.app.test_kill import DENSE, LEXICAL, SECOND_SETUP, all_documents, found, rebuild, texts, wait_until_idle
from tests.database import database_url
from tests.running_server import Client, RunningServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

IN_DATABASE = {**DENSE, "stores": [{"kind": "pgvector"}]}
PER_REQUEST = 10
PAUSE_SECONDS = 0.2
QUERIES = ("how large should chunks be", "what survives kill -9", "Note", "budget tokens reserve")


class Writer(threading.Thread):
    """Sends documents until it is told to end, and remembers what was sent and what was acknowledged."""

    def __init__(self, server: RunningServer) -> None:
        super().__init__()
        self._client = server.client()
        self.sent: dict[str, str] = {}
        self.acknowledged: set[str] = set()
        self.enough = threading.Event()
        self.end = threading.Event()

    def run(self) -> None:
        draw = random.Random(20261128)
        while not self.end.wait(PAUSE_SECONDS):
            names = [f"doc-{len(self.sent) + number}" for number in range(PER_REQUEST)]
            sent = dict(zip(names, texts(draw, PER_REQUEST), strict=True))
            self.sent.update(sent)
            documents = [{"external_id": name, "text": text} for name, text in sent.items()]
            self._client.expect("POST", "/v1/workspaces/fire/documents", {"documents": documents})
            self.acknowledged = self.acknowledged | set(names)
            if len(self.acknowledged) >= 5 * PER_REQUEST:
                self.enough.set()


@dataclass(frozen=True)
class Place:
    """A data folder with its database: what the processes of an installation share."""

    folder: Path
    on_postgresql: bool

    @property
    def environment(self) -> dict[str, str]:
        """Return the settings that lead there, and PostgreSQL's programs where they are needed."""
        variables = {"PLAYGROUND_DATA_FOLDER": str(self.folder), "PLAYGROUND_DATABASE_URL": self.database_url}
        if self.on_postgresql:
            variables["PATH"] = f"{postgresql.programs()}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, **variables}

    @property
    def database_url(self) -> str:
        """Return the URL of the database, which is empty at first; an empty one means SQLite in the folder."""
        return database_url(self.folder, on_postgresql=True) if self.on_postgresql else ""

    def server(self) -> RunningServer:
        """Start a service there."""
        return RunningServer(self.folder, database_url=self.database_url)

    def command(self, *arguments: str) -> None:
        """Run `context-playground` there; it must succeed."""
        program = [sys.executable, "-m", "app.command_line", *arguments]
        subprocess.run(program, env=self.environment, check=True, timeout=120)


@pytest.mark.parametrize("on_postgresql", [False, True], ids=["sqlite", "postgresql"])
def test_a_backup_under_writes_holds_what_was_acknowledged(tmp_path: Path, on_postgresql: bool) -> None:
    place, restored = (Place(tmp_path / name, on_postgresql) for name in ("data", "restored"))
    setups = [LEXICAL, DENSE, *([IN_DATABASE] if on_postgresql else [])]
    server = place.server()
    try:
        server.wait_until_ready()
        client = server.client()
        client.expect("POST", "/v1/workspaces", {"id": "fire", "name": "Under fire", "preset": "model_free"})
        for setup in (SECOND_SETUP, *setups[2:]):
            body = {"setup": setup, "maintained": True}
            client.wait_for(client.expect("POST", "/v1/workspaces/fire/indexes", body)["job"]["id"])
        writer = Writer(server)
        writer.start()
        assert writer.enough.wait(60)
        before = writer.acknowledged
        place.command("backup", str(tmp_path / "backup.tar"))
        assert writer.acknowledged > before, "nothing was written meanwhile"
        writer.end.set()
        writer.join()
    finally:
        server.kill()
    restored.command("restore", str(tmp_path / "backup.tar"))
    server = restored.server()
    try:
        server.wait_until_ready()
        check(server.client(), before, writer.sent, setups)
        restored.command("verify")
    finally:
        server.stop()


def check(client: Client, before: set[str], sent: dict[str, str], setups: list[dict[str, Any]]) -> None:
    """Compare what was restored with what was acknowledged before and what was sent at all, and searches with those of
    a clean rebuild.
    """
    assert {job["state"] for job in wait_until_idle(client)} == {"succeeded"}
    documents = all_documents(client, "fire")
    names = [document["external_id"] for document in documents]
    assert len(names) == len(set(names))
    assert before <= set(names) <= set(sent)
    assert {document["state"] for document in documents} == {"ready"}
    indexes = client.expect("GET", "/v1/workspaces/fire/indexes")["items"]
    assert len(indexes) == len(setups)
    for index in indexes:
        assert (index["state"], index["documents"]) == ("current", len(names))
        assert client.expect("GET", f"/v1/workspaces/fire/indexes/{index['id']}/integrity")["is_intact"]
    rebuild(client, {name: sent[name] for name in names})
    for setup in setups[2:]:
        body = {"setup": setup}
        client.wait_for(client.expect("POST", "/v1/workspaces/clean/indexes", body)["job"]["id"])
    for query in QUERIES:
        for setup in setups:
            assert found(client, "fire", query, setup) == found(client, "clean", query, setup)
