"""A real service under writes is backed up, killed and restored: what was acknowledged before is there, found alike."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.app.test_kill import DENSE, LEXICAL, SECOND_SETUP, all_documents, found, rebuild, texts, wait_until_idle
from tests.running_server import RunningServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

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


def command(data_folder: Path, *arguments: str) -> None:
    """Run `context-playground` over a data folder; it must succeed."""
    environment = {**os.environ, "PLAYGROUND_DATA_FOLDER": str(data_folder)}
    subprocess.run([sys.executable, "-m", "app.command_line", *arguments], env=environment, check=True, timeout=120)


def test_a_backup_under_writes_holds_what_was_acknowledged(tmp_path: Path) -> None:
    server = RunningServer(tmp_path / "data")
    try:
        server.wait_until_ready()
        client = server.client()
        client.expect("POST", "/v1/workspaces", {"id": "fire", "name": "Under fire", "preset": "model_free"})
        body = {"setup": SECOND_SETUP, "maintained": True}
        client.wait_for(client.expect("POST", "/v1/workspaces/fire/indexes", body)["job"]["id"])
        writer = Writer(server)
        writer.start()
        assert writer.enough.wait(60)
        before = writer.acknowledged
        command(tmp_path / "data", "backup", str(tmp_path / "backup.tar"))
        assert writer.acknowledged > before, "nothing was written meanwhile"
        writer.end.set()
        writer.join()
    finally:
        server.kill()
    command(tmp_path / "restored", "restore", str(tmp_path / "backup.tar"))
    server = RunningServer(tmp_path / "restored")
    try:
        server.wait_until_ready()
        client = server.client()
        assert {job["state"] for job in wait_until_idle(client)} == {"succeeded"}
        documents = all_documents(client, "fire")
        names = [document["external_id"] for document in documents]
        assert len(names) == len(set(names))
        assert before <= set(names) <= set(writer.sent)
        assert {document["state"] for document in documents} == {"ready"}
        for index in client.expect("GET", "/v1/workspaces/fire/indexes")["items"]:
            assert (index["state"], index["documents"]) == ("current", len(names))
            assert client.expect("GET", f"/v1/workspaces/fire/indexes/{index['id']}/integrity")["is_intact"]
        rebuild(client, {name: writer.sent[name] for name in names})
        for query in QUERIES:
            for setup in (LEXICAL, DENSE):
                assert found(client, "fire", query, setup) == found(client, "clean", query, setup)
        command(tmp_path / "restored", "verify")
    finally:
        server.stop()
