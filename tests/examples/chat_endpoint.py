"""A stand-in for a chat endpoint: speaks OpenAI's protocol on loopback, and keeps what it was sent."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class ChatEndpoint:
    """Answers every request with `answer`; `requests` are the bodies, `keys` the Authorization headers."""

    def __init__(self) -> None:
        self.answer = "Thirty days."
        self.status = 200
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            """Speaks the one call of the protocol that a chat needs."""

            def do_POST(self) -> None:  # the name that http.server calls
                """Answer a request for a completion."""
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                is_known = self.path == "/v1/chat/completions"
                endpoint.requests.append(body)
                endpoint.keys.append(self.headers.get("authorization"))
                self.send(endpoint.status if is_known else 404, endpoint.completion(body))

            def send(self, status: int, content: dict[str, Any]) -> None:
                """Send JSON."""
                data = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as it is called
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def completion(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return what the protocol answers with."""
        if self.status != 200:
            return {"error": {"message": "the model is overloaded", "type": "server_error"}}
        message = {"role": "assistant", "content": self.answer}
        return {
            "id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": body["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }  # fmt: skip


@contextlib.contextmanager
def chat_endpoint() -> Iterator[ChatEndpoint]:
    """Yield a running endpoint; stop it at the end."""
    endpoint = ChatEndpoint()
    thread = threading.Thread(target=endpoint.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield endpoint
    finally:
        endpoint.server.shutdown()
        endpoint.server.server_close()
        thread.join()
