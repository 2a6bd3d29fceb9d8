"""A server on loopback that speaks OpenAI's protocol for embeddings, well or in any of the ways that endpoints fail."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

from ingest import remote_endpoints
from ingest.embedders import Vectors
from ingest.embedders.hashing import Hashing
from ingest.embedders.openai_compatible import OpenaiCompatible
from ingest.remote_endpoints import allow_endpoints

DIMENSIONS = 64
KEY_VARIABLE = "PLAYGROUND_TEST_STAND_IN_KEY"
HASHING = Hashing(kind="hashing", dimensions=DIMENSIONS - 1)

Json = dict[str, Any]
Manner = Callable[["Handler", Json], None]
"""What is done with one request, instead of answering it well."""


def vectors_of(texts: list[str]) -> Vectors:
    """Return what the stand-in's model gives: vectors that are not of unit length, and of no text zeros."""
    return np.hstack([np.full((len(texts), 1), 0.1, np.float32), 3 * HASHING.encode(texts)])


def good_answer(request: Json) -> Json:
    """Return the right answer to a request."""
    data = [
        {"object": "embedding", "index": index, "embedding": vector.tolist()}
        for index, vector in enumerate(vectors_of(request["input"]))
    ]
    tokens = sum(len(text.split()) for text in request["input"])
    return {"object": "list", "data": data, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}


class Handler(BaseHTTPRequestHandler):
    """Answers POST /v1/embeddings; anything else is 404."""

    protocol_version = "HTTP/1.1"
    server: StandIn

    def do_POST(self) -> None:
        """Record the request, then answer it as the next manner says, or well."""
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(request)
        self.server.keys.append(self.headers.get("Authorization"))
        manner = self.server.next_manner()
        if self.path != "/v1/embeddings":
            self.send(404, b"{}")
        elif manner is None:
            self.send(200, json.dumps(good_answer(request)).encode())
        else:
            manner(self, request)

    def send(self, status: int, body: bytes, **headers: str) -> None:
        """Answer with a whole body."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


class StandIn(ThreadingHTTPServer):
    """The server; `manners` are used up one by one, `always` is the manner of every request after them."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[Json] = []
        self.keys: list[str | None] = []
        self.manners: list[Manner | None] = []
        self.always: Manner | None = None
        self.closing = threading.Event()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Return the base URL."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def next_manner(self) -> Manner | None:
        """Return what to do with the next request."""
        with self._lock:
            return self.manners.pop(0) if self.manners else self.always

    def embedder(self, **settings: Any) -> OpenaiCompatible:
        """Return an embedder that calls this server."""
        fields = {"base_url": self.url, "model": "stand-in", "model_dimensions": DIMENSIONS, **settings}
        return OpenaiCompatible.model_validate({"kind": "openai_compatible", **fields})

    def handle_error(self, *_: object) -> None:
        """Say nothing of callers that hang up."""


@contextmanager
def stand_in(*, key: bool = False) -> Iterator[StandIn]:
    """Yield a running server that this process may call, with the key of KEY_VARIABLE or without one."""
    before = remote_endpoints._endpoints
    with StandIn() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        allow_endpoints({server.url: KEY_VARIABLE if key else None})
        try:
            yield server
        finally:
            allow_endpoints(before)
            server.closing.set()
            server.shutdown()
            thread.join()


def status(code: int, body: bytes = b"{}", **headers: str) -> Manner:
    """Answer with a status."""
    return lambda handler, _: handler.send(code, body, **headers)


def changed(change: Callable[[Json], object]) -> Manner:
    """Answer with status 200 and a right answer that `change` has spoilt."""

    def answer(handler: Handler, request: Json) -> None:
        answer = good_answer(request)
        change(answer)
        handler.send(200, json.dumps(answer).encode())

    return answer


def in_base64(handler: Handler, request: Json) -> None:
    """Answer as servers do that were asked for base64."""
    answer = good_answer(request)
    for item in answer["data"]:
        item["embedding"] = base64.b64encode(np.asarray(item["embedding"], "<f4").tobytes()).decode()
    handler.send(200, json.dumps(answer).encode())


def half(handler: Handler, request: Json) -> None:
    """Answer with the first half of the JSON, as a whole body."""
    body = json.dumps(good_answer(request)).encode()
    handler.send(200, body[: len(body) // 2])


def broken_off(handler: Handler, request: Json) -> None:
    """Announce a body, send half of it and hang up."""
    body = json.dumps(good_answer(request)).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    handler.close_connection = True


def hung(handler: Handler, _: Json) -> None:
    """Say nothing until the server closes."""
    handler.server.closing.wait(60)
    handler.close_connection = True


def dripping(handler: Handler, _: Json) -> None:
    """Send a header line one byte at a time for a minute: no timeout of a single read ever passes."""
    end = time.monotonic() + 60
    handler.close_connection = True
    try:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not handler.server.closing.wait(0.05) and time.monotonic() < end:
            handler.wfile.write(b"x")
            handler.wfile.flush()
    except OSError:
        return


def endless(handler: Handler, _: Json) -> None:
    """Send a body without an end."""
    handler.send_response(200)
    handler.end_headers()
    handler.close_connection = True
    try:
        while not handler.server.closing.is_set():
            handler.wfile.write(b"[" * 65_536)
    except OSError:
        return


def spoiled_length(handler: Handler, request: Json) -> None:
    """Answer with vectors that lack a number."""
    changed(lambda answer: [item["embedding"].pop() for item in answer["data"]])(handler, request)
