"""A thousand uploads at once on a real server: each is answered, none is lost or doubled, and the service lives on."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from pathlib import Path

import httpx2
import pytest

from tests.running_server import running_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

UPLOADS = 1_000
DOCUMENTS = 50


async def upload_all(base_url: str) -> list[httpx2.Response]:
    """Return the answers to uploads that are under way at the same time, each over a connection of its own."""
    limits = httpx2.Limits(max_connections=UPLOADS)
    async with httpx2.AsyncClient(base_url=base_url, limits=limits, timeout=240) as client:

        async def upload(number: int) -> httpx2.Response:
            which = number % DOCUMENTS
            body = {"documents": [{"text": f"document number {which}", "external_id": f"d{which}"}]}
            return await client.post("/v1/workspaces/many/documents", json=body)

        return list(await asyncio.gather(*(upload(number) for number in range(UPLOADS))))


def test_a_thousand_uploads_at_once(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        client = server.client()
        client.expect("POST", "/v1/workspaces", {"id": "many", "name": "Many", "preset": "model_free"})
        answers = asyncio.run(upload_all(f"http://127.0.0.1:{server.port}"))
        assert Counter(answer.status_code for answer in answers) == {202: DOCUMENTS, 200: UPLOADS - DOCUMENTS}
        for answer in answers:
            if answer.json()["job"] is not None:
                client.wait_for(answer.json()["job"]["id"])
        documents = client.expect("GET", "/v1/workspaces/many/documents?limit=200")["items"]
        assert {document["external_id"] for document in documents} == {f"d{which}" for which in range(DOCUMENTS)}
        assert [(document["version"], document["state"]) for document in documents] == [(1, "ready")] * DOCUMENTS
        (index,) = client.expect("GET", "/v1/workspaces/many/indexes")["items"]
        assert (index["documents"], index["chunks"]) == (DOCUMENTS, DOCUMENTS)


def test_a_body_that_never_ends_holds_up_nobody(tmp_path: Path) -> None:
    head = b"POST /v1/workspaces HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 999\r\n\r\n"
    with running_server(tmp_path) as server:
        hanging = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(200)]
        for connection in hanging:
            connection.sendall(head + b"{")
        client = server.client()
        for _ in range(20):
            client.expect("GET", "/v1/workspaces")
        for connection in hanging:
            connection.close()
        client.expect("GET", "/health/ready")
