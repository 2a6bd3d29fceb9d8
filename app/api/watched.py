"""Every request watched: an id in its answer and its log lines, and its count and seconds in the metrics."""

from __future__ import annotations

import logging
import re
import time
import uuid

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.measures import Measures
from configs.log_lines import REQUEST_ID, WORKSPACE_ID

HEADER = "X-Request-ID"
ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

TRACER = trace.get_tracer("context-playground")
logger = logging.getLogger("playground.requests")


class Watched:
    """Gives each request an id, that of its X-Request-ID header where it is well-formed, and counts what came of it."""

    def __init__(self, app: ASGIApp, measures: Measures) -> None:
        self._app = app
        self._measures = measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer, with the id in the answer's header."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        request_id = given if ACCEPTED_ID.fullmatch(given) else uuid.uuid4().hex
        REQUEST_ID.set(request_id)  # never reset: the answer to an unexpected error is written outside of this call
        WORKSPACE_ID.set(None)
        status, begin = 500, time.perf_counter()

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        with TRACER.start_as_current_span(scope["method"], kind=SpanKind.SERVER) as span:
            try:
                await self._app(scope, receive, named)
            finally:
                template = getattr(scope.get("route"), "path", "unmatched")
                _describe(span, scope, template, status)
                self._end(scope, template, status, time.perf_counter() - begin)

    def _end(self, scope: Scope, template: str, status: int, seconds: float) -> None:
        self._measures.count_request(scope["method"], template, status, seconds)
        if status < 400:  # a name that nobody checked stays out of the log
            WORKSPACE_ID.set(scope.get("path_params", {}).get("workspace_id"))
        level = logging.DEBUG if template.startswith("/health") else logging.INFO
        logger.log(level, "%s %s answered %d in %.3f s", scope["method"], template, status, seconds)


def _describe(span: Span, scope: Scope, template: str, status: int) -> None:
    method, workspace_id = scope["method"], scope.get("path_params", {}).get("workspace_id")
    span.update_name(f"{method} {template}")
    span.set_attributes({"http.request.method": method, "http.route": template, "http.response.status_code": status})
    span.set_attribute("playground.request_id", str(REQUEST_ID.get()))
    if workspace_id is not None:
        span.set_attribute("playground.workspace_id", workspace_id)
