"""Two machines with a bucket between them: what one takes in the other finds, and what is erased is gone from it."""

from __future__ import annotations

import http.client
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from indexes.shared_files import SharedFiles
from tests.bucket import Bucket, running_bucket
from tests.database import database_url
from tests.running_server import Client, RunningServer, running_server, running_worker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

W = "/v1/workspaces/lab"
TEXTS = {"otters": "Otters sleep in rafts on the river.", "kelp": "Kelp forests shelter otters and fish."}


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with running_bucket() as bucket:
        yield bucket


def upload_file(server: RunningServer, name: str, text: str) -> dict[str, str]:
    """Send a file as a form does, wait until it is ready, return its document."""
    boundary = uuid.uuid4().hex
    part = f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n{text}\r\n'
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
    connection.request("POST", f"{W}/documents/files", f"{part}--{boundary}--\r\n".encode(), headers)
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    assert response.status == 202, answer
    server.client().wait_for(answer["job"]["id"])
    document: dict[str, str] = answer["documents"][0]
    return document


def flip(file: Path) -> None:
    """Change one byte in the middle of a file."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    with file.open("r+b") as stream:  # in place, as a disk does
        stream.write(content)


def found(client: Client, query: str = "otters") -> set[str]:
    """Return the texts a search finds."""
    passages = client.expect("POST", f"{W}/searches", {"query": query, "k": 5})["passages"]
    return {passage["text"].strip() for passage in passages}


def test_machines_share_uploads_and_segments_through_a_bucket(tmp_path: Path, bucket: Bucket) -> None:
    here, there, third = (tmp_path / name for name in ("here", "there", "third"))
    for folder in (here, there, third):
        folder.mkdir()
    settings: dict[str, Any] = {"database_url": database_url(tmp_path, on_postgresql=True), "object_store": bucket.url}
    kept = SharedFiles(bucket.url, here)
    with running_worker(there, **settings), running_server(here, worker="false", **settings) as server:
        client = server.client()
        client.expect("POST", "/v1/workspaces", {"id": "lab", "name": "lab", "preset": "lexical"})
        documents = {name: upload_file(server, f"{name}.txt", text) for name, text in TEXTS.items()}
        assert found(client) == set(TEXTS.values()), "segments that another machine wrote"
        assert not (here / "uploads").exists(), "uploads lie in the bucket alone"
        assert len(list(kept.files(here / "uploads"))) == len(TEXTS)
        with running_server(third, worker="false", **settings) as other:
            assert found(other.client()) == set(TEXTS.values()), "a machine that starts with an empty disk"
        for file in (here / "segments").rglob("*"):
            if file.is_file():
                file.write_bytes(b"damaged")
        (index,) = client.expect("GET", f"{W}/indexes")["items"]
        checked = client.expect("GET", f"{W}/indexes/{index['id']}/integrity")
        assert checked["is_intact"], f"{checked}: what is damaged here is taken from the bucket"
        erasure = client.expect("POST", f"{W}/erasures", {"document_id": documents["kelp"]["document_id"]})
        client.wait_for(erasure["job"]["id"])
        assert found(client) == {TEXTS["otters"]}
        stored = [kept.read(one.path) for one in kept.files(here)]
        assert stored
        assert not [content for content in stored if b"Kelp" in content or b"kelp" in content]
        bucket.server.stop()
        assert found(client) == {TEXTS["otters"]}, "searches need no bucket once they have their segments"
        status, answer = client.request("GET", "/health/ready")
        assert (status, "object store does not answer" in answer["object_store"]) == (503, True)
