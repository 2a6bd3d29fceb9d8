"""Every error as an RFC 9457 problem document: what happened, with the value, what to do next, and a stable code."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from sqlalchemy.exc import IntegrityError
from starlette.exceptions import HTTPException

from app.accounts.quotas import QuotaExceededError
from app.api.description import MEDIA_TYPE, methods_of
from configs.errors import PlaygroundError, StorageError, UnsupportedMediaTypeError
from configs.log_lines import REQUEST_ID

LONGEST_INPUT_SHOWN = 200
MOST_ERRORS_SHOWN = 20
PASSING = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.INSUFFICIENT_STORAGE)
RETRY_AFTER_SECONDS = 5
"""After so long a client may ask again what failed for the sake of the database or the disk."""
LONG_QUOTE = re.compile(rf"""(['"])(?:(?!\1).){{{LONGEST_INPUT_SHOWN + 1},}}\1""", re.DOTALL)

logger = logging.getLogger("playground.api")


class ProblemError(BaseModel):
    """One thing that is wrong with a request."""

    location: str = Field(description="where, such as body.chunker.size_tokens")
    message: str = Field(description="what is wrong there")
    input: Any = Field(None, description="the value, where it is short")


class Problem(BaseModel):
    """An error, as RFC 9457 describes it."""

    type: str = Field(description="`about:blank`; `code` tells errors apart")
    title: str = Field(description="the status in words")
    status: int = Field(description="the HTTP status")
    code: str = Field(description="stable name of the error")
    detail: str = Field(description="what happened, with the value")
    hint: str = Field(description="what to do next")
    request_id: str | None = Field(None, description="id of the request, also in the service's log")
    errors: list[ProblemError] = Field(default_factory=list, description="one entry for each thing that is wrong")


PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Problem, "description": "What is wrong with the request, and what to do next."},
    "5XX": {"model": Problem, "description": "What the service cannot do at present."},
}


def problem(status: int, code: str, detail: str, hint: str, **extra: Any) -> Response:
    """Return a problem document, ASCII-escaped."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "hint": hint,
        **extra,
    }
    headers = {}
    if (request_id := REQUEST_ID.get()) is not None:
        content["request_id"] = headers["X-Request-ID"] = request_id
    return Response(json.dumps(content, ensure_ascii=True, default=str), status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Let every error of the application become a problem document."""
    app.add_exception_handler(PlaygroundError, _expected)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(IntegrityError, _raced)
    app.add_exception_handler(OSError, _storage)
    app.add_exception_handler(Exception, _unexpected)


def _expected(_request: Request, error: Exception) -> Response:
    assert isinstance(error, PlaygroundError)
    response = problem(error.status, error.code, _shortened(error.detail), _shortened(error.hint), **error.extra)
    if error.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, QuotaExceededError):
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    if error.status in PASSING:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found: Sequence[Any] = error.errors()
    if isinstance(error.body, bytes):  # only JSON and forms are parsed
        media_type = request.headers.get("content-type", "")[:LONGEST_INPUT_SHOWN]
        detail, hint = f"the body's Content-Type is {media_type!r}", "send JSON with Content-Type: application/json"
        return problem(UnsupportedMediaTypeError.status, UnsupportedMediaTypeError.code, detail, hint)
    errors = [_entry(one) for one in found[:MOST_ERRORS_SHOWN]]
    first = errors[0]
    return problem(
        422,
        "invalid_request",
        f"{first['location']}: {first['message']}" + (f" (and {len(found) - 1} more)" if len(found) > 1 else ""),
        "mend what `errors` names; GET /v1/catalog lists kinds and settings",
        errors=errors,
    )


def _entry(error: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "location": ".".join(_left_out_if_long(str(part)) for part in error["loc"]),
        "message": _shortened(str(error["msg"])),
    }
    value = error.get("input")
    if isinstance(value, str | int | float | bool) and len(str(value)) <= LONGEST_INPUT_SHOWN:
        entry["input"] = value
    return entry


def _left_out_if_long(value: str) -> str:
    return value if len(value) <= LONGEST_INPUT_SHOWN else "…"


def _shortened(text: str) -> str:
    """Return `text` without quoted values that are long, and of bearable length whatever is in it."""
    text = LONG_QUOTE.sub(lambda found: f"{found[1]}…{found[1]}", text)
    longest = 5 * LONGEST_INPUT_SHOWN
    return text if len(text) <= longest else text[:longest] + " …"


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    hints = {
        404: "look up the path in /docs",
        405: "look up the methods of this path in /docs",
    }
    code = HTTPStatus(error.status_code).name.lower()
    hint = hints.get(error.status_code, "look at the request's headers and body")
    response = problem(error.status_code, code, str(error.detail), hint)
    response.headers.update(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:  # the framework names those of one route of several
        response.headers["Allow"] = ", ".join(methods_of(request)) or response.headers["Allow"]
    return response


def _raced(_request: Request, error: Exception) -> Response:
    logger.info("two requests raced: %s", error)
    return problem(409, "conflict", "another request changed the same thing at this moment", "send the request again")


def _storage(request: Request, error: Exception) -> Response:
    assert isinstance(error, OSError)
    if error.errno is None:
        return _unexpected(request, error)
    logger.error("storage failed: %s", error)
    hint = "free space on the disk of PLAYGROUND_DATA_FOLDER and check its permissions"
    return _expected(request, StorageError(f"a file could not be read or written ({error.strerror})", hint=hint))


def _unexpected(request: Request, error: Exception) -> Response:
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(500, "internal_error", "the service failed on this request", "report it with the service's log")
