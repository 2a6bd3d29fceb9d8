"""Calls to model endpoints on other machines: only to those the operator lists, within a deadline, the key kept secret.

Whoever may save a strategy names an endpoint; without the operator's list the service could be sent to any address its
network reaches (server-side request forgery), and with a key of the caller's choice to any variable of its environment.
"""

from __future__ import annotations

import atexit
import json
import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

import httpx

from configs.deadline import within
from configs.errors import InvalidInputError, UnavailableError
from configs.release import VERSION

DEADLINE_SECONDS = 10.0
"""A call with all its retries, names looked up and answers that trickle included, where the operator sets no other."""
CALLS_AT_ONCE = 4
CONNECT_SECONDS = 3.0
MOST_ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 0.25
"""Doubled from retry to retry, and shortened at random by up to a half, so that callers spread out."""

ERROR_WORD = re.compile(r"[a-z][a-z_]{2,39}")
"""How providers name an error, as in `insufficient_quota`; nothing else of what they answer is repeated."""

TOO_SLOW = "endpoint_too_slow"

_endpoints: Mapping[str, str | None] = {}
_deadline_seconds = DEADLINE_SECONDS
_calls_at_once = CALLS_AT_ONCE
_client_lock = threading.Lock()


class _TryAgainError(Exception):
    """The attempt failed in a way that may pass; `error` is what to raise if it does not."""

    def __init__(self, error: UnavailableError, pause_seconds: float | None = None) -> None:
        super().__init__(error.detail)
        self.error = error
        self.pause_seconds = pause_seconds


class _TooMuchError(Exception):
    """The answer is longer than any right one could be."""


def allow_endpoints(endpoints: Mapping[str, str | None]) -> None:
    """Set which endpoints this process may call, each with the name of its key's variable; called at start."""
    global _endpoints
    _endpoints = dict(endpoints)


def limit_calls(*, seconds: float, at_once: int) -> None:
    """Set how long a call may take, and how many one encoding makes at the same moment; called at start."""
    global _deadline_seconds, _calls_at_once
    _deadline_seconds, _calls_at_once = seconds, at_once


def calls_at_once() -> int:
    """Return how many calls one encoding may make at the same moment."""
    return _calls_at_once


def check_allowed(url: str) -> None:
    """Raise InvalidInputError (`endpoint_not_allowed`) for a URL that the operator does not list."""
    if url not in _endpoints:
        listed = ", ".join(sorted(_endpoints)) or "none"
        raise InvalidInputError(
            f"this service may not call {url!r}; it may call: {listed}",
            hint="ask its operator to add the URL to PLAYGROUND_EMBEDDER_URLS, or name one that is listed",
            code="endpoint_not_allowed",
        )


def post_json(base_url: str, path: str, body: bytes, *, most_bytes: int, share: float = 1.0) -> bytes:
    """Return the body of the endpoint's answer with status 200, after retries where they may help.

    `share` is the part of the deadline that the call may take. Raises InvalidInputError (`endpoint_not_allowed`), and
    within the deadline UnavailableError, with the code `endpoint_key_missing`, `endpoint_unreachable`,
    `endpoint_too_slow`, `endpoint_rate_limited`, `endpoint_failed` (5xx), `endpoint_refused` (any other status) or
    `endpoint_answer_invalid` (longer than `most_bytes`).
    """
    check_allowed(base_url)
    key = _key_of(base_url)
    end = time.monotonic() + share * _deadline_seconds
    for attempt in range(MOST_ATTEMPTS):
        try:
            return _within(end, base_url, lambda: _attempt(base_url, path, body, key, most_bytes, end))
        except _TryAgainError as failed:
            longest = FIRST_PAUSE_SECONDS * 2**attempt
            pause = random.uniform(longest / 2, longest)  # noqa: S311  # spreads retries, guards nothing
            if failed.pause_seconds is not None:
                pause = failed.pause_seconds
            if attempt + 1 == MOST_ATTEMPTS or time.monotonic() + pause >= end:
                raise failed.error from None
            time.sleep(pause)
    raise AssertionError("the last attempt either returns or raises")


def _key_of(base_url: str) -> str | None:
    variable = _endpoints[base_url]
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key or not key.isascii() or not key.isprintable():
        raise UnavailableError(
            f"the key for {base_url} is not set",
            hint=f"the operator sets the variable {variable} in the service's environment and starts it again",
            code="endpoint_key_missing",
        )
    return key


def _within(end: float, base_url: str, call: Callable[[], bytes]) -> bytes:
    """Return what `call` returns, or raise when the time is over, whatever it still waits for."""
    try:
        return within(end - time.monotonic(), call)
    except TimeoutError:
        raise _too_slow(base_url) from None


def _attempt(base_url: str, path: str, body: bytes, key: str | None, most_bytes: int, end: float) -> bytes:
    left = max(0.001, end - time.monotonic())
    headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
    timeout = httpx.Timeout(left, connect=min(CONNECT_SECONDS, left))
    try:
        with _client().stream("POST", base_url + path, content=body, headers=headers, timeout=timeout) as response:
            content = b"".join(_chunks(response, most_bytes, end, base_url))
    except _TooMuchError:
        raise invalid_answer(base_url, f"it is longer than {most_bytes:,} bytes") from None
    except (httpx.ReadTimeout, httpx.WriteTimeout):
        raise _too_slow(base_url) from None
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise _TryAgainError(_unreachable(base_url, error)) from None
    if response.status_code != 200:
        raise _failure(base_url, response, content, key)
    return content


def _chunks(response: httpx.Response, most_bytes: int, end: float, base_url: str) -> Iterator[bytes]:
    received = 0
    for chunk in response.iter_bytes():
        received += len(chunk)
        if received > most_bytes:
            raise _TooMuchError
        if time.monotonic() > end:
            raise _too_slow(base_url)
        yield chunk


def _client() -> httpx.Client:
    """Return the process's client, made by the first of its callers."""
    with _client_lock:
        return _new_client()


@lru_cache(maxsize=1)
def _new_client() -> httpx.Client:
    """Return a client. It follows no redirect: that would be a way around the operator's list."""
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
        "User-Agent": f"context-playground/{VERSION}",
    }
    client = httpx.Client(follow_redirects=False, headers=headers)
    atexit.register(client.close)
    return client


def _failure(base_url: str, response: httpx.Response, content: bytes, key: str | None) -> Exception:
    """Return the error for an answer with another status than 200."""
    status = response.status_code
    detail = f"{base_url} answered with status {status}{_word_of(content, key)}"
    if status == 429:
        pause_seconds = _retry_after_seconds(response.headers.get("Retry-After", ""))
        wish = "" if pause_seconds is None else f" and asks to wait {pause_seconds:g} seconds"
        hint = "try again later: what was embedded is kept; or ask the provider for a higher limit"
        return _TryAgainError(UnavailableError(detail + wish, hint=hint, code="endpoint_rate_limited"), pause_seconds)
    if status == 408 or status >= 500:
        hint = "try again later: what was embedded is kept"
        return _TryAgainError(
            UnavailableError(detail, hint=hint, code="endpoint_failed"),
            _retry_after_seconds(response.headers.get("Retry-After", "")),
        )
    hint = "check the model's name, the length of the texts and the key; redirects are not followed"
    return UnavailableError(detail, hint=hint, code="endpoint_refused")


def _word_of(content: bytes, key: str | None) -> str:
    """Return the provider's word for the error in brackets, where it has one that is no part of the key."""
    try:
        error: Any = json.loads(content)["error"]
        word = str(error.get("code") or error.get("type"))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ""
    is_safe = ERROR_WORD.fullmatch(word) and (key is None or word not in key.lower())
    return f" ({word})" if is_safe else ""


def _retry_after_seconds(value: str) -> float | None:
    """Return what the header Retry-After asks for, in seconds or as a date; None where it says nothing."""
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(tz=UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def invalid_answer(base_url: str, reason: str) -> UnavailableError:
    """Return the error for an answer that is not what was asked for."""
    return UnavailableError(
        f"the answer of {base_url} cannot be used: {reason}",
        hint="check that the endpoint speaks OpenAI's protocol, that the model embeds, and its dimensions",
        code="endpoint_answer_invalid",
    )


def _too_slow(base_url: str) -> UnavailableError:
    return UnavailableError(
        f"{base_url} did not answer within {_deadline_seconds:g} seconds",
        hint="try again later: what was embedded is kept; for an endpoint that is always so slow, the operator raises "
        "PLAYGROUND_EMBEDDER_SECONDS or lowers PLAYGROUND_EMBEDDER_CALLS",
        code=TOO_SLOW,
    )


def _unreachable(base_url: str, error: Exception) -> UnavailableError:
    return UnavailableError(
        f"{base_url} cannot be reached, or breaks the connection ({type(error).__name__})",
        hint="check that the endpoint runs and that this machine reaches it, then try again: what was embedded is kept",
        code="endpoint_unreachable",
    )
