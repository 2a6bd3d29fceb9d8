"""A client of a service in this process, which hands each request to the service's event loop in one step.

Starlette's own goes there and back eight times for each request, to stream an answer that no test reads as a stream.
"""

from __future__ import annotations

import httpx2
from fastapi import FastAPI
from starlette.testclient import TestClient


class Client(TestClient):
    """Starlette's client, except that an answer comes whole."""

    def __init__(self, app: FastAPI, *, base_url: str, raise_server_exceptions: bool = True) -> None:
        super().__init__(app, base_url=base_url, raise_server_exceptions=raise_server_exceptions)
        self._transport = WholeAnswers(self, app, raise_app_exceptions=raise_server_exceptions)


class WholeAnswers(httpx2.BaseTransport):
    """Lets the application answer on its client's event loop."""

    def __init__(self, client: Client, app: FastAPI, *, raise_app_exceptions: bool) -> None:
        self._client = client
        self._asgi = httpx2.ASGITransport(app, raise_app_exceptions, client=("testclient", 50000))

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the answer, whose body is read to its end."""
        request.read()
        assert self._client.portal is not None, "the service is not started"
        return self._client.portal.call(self._answer, request)

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        answered = await self._asgi.handle_async_request(request)
        body = httpx2.ByteStream(await answered.aread())
        return httpx2.Response(answered.status_code, headers=answered.headers, stream=body)
