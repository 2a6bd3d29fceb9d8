"""Calls to endpoints: only listed ones, within the deadline, retried where it helps, and without a word of the key."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from configs.errors import InvalidInputError, PlaygroundError, UnavailableError
from ingest import remote_endpoints
from ingest.remote_endpoints import allow_endpoints, check_allowed, post_json
from tests.ingest.embedders.stand_in import (
    KEY_VARIABLE,
    Manner,
    StandIn,
    broken_off,
    dripping,
    endless,
    hung,
    stand_in,
    status,
)

SHORT_SECONDS = 0.8
KEY = "sk-never-to-be-seen-0123456789"


@pytest.fixture
def server() -> Iterator[StandIn]:
    with stand_in() as running:
        yield running


@pytest.fixture
def short_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_endpoints, "_deadline_seconds", SHORT_SECONDS)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the list of the pauses between attempts, which are not slept."""
    slept: list[float] = []
    monkeypatch.setattr("ingest.remote_endpoints.time.sleep", slept.append)
    return slept


def call(server: StandIn, most_bytes: int = 100_000) -> bytes:
    return post_json(server.url, "/embeddings", b'{"input": ["fox"]}', most_bytes=most_bytes)


def failure(server: StandIn, **settings: Any) -> PlaygroundError:
    with pytest.raises(UnavailableError) as caught:
        call(server, **settings)
    assert server.url in caught.value.detail
    assert caught.value.hint
    return caught.value


def test_a_good_answer_is_returned_whole(server: StandIn) -> None:
    assert b'"index": 0' in call(server)
    assert server.keys == [None]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1", "http://169.254.169.254/latest", "file:///etc/passwd"])
def test_an_address_the_operator_does_not_list_is_never_called(server: StandIn, url: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        post_json(url, "/embeddings", b"{}", most_bytes=10)
    assert caught.value.code == "endpoint_not_allowed"
    assert url in caught.value.detail
    with pytest.raises(InvalidInputError):
        check_allowed(server.url + "/../admin")
    assert server.requests == []


def test_none_is_listed_unless_the_operator_lists_it(server: StandIn) -> None:
    allow_endpoints({})
    with pytest.raises(InvalidInputError, match="it may call: none"):
        call(server)


def test_a_redirect_is_not_followed(server: StandIn) -> None:
    with stand_in() as other:
        server.always = status(307, b"{}", Location=f"{other.url}/embeddings")
        allow_endpoints({server.url: None})
        assert failure(server).code == "endpoint_refused"
        assert other.requests == []


@pytest.mark.parametrize("code", [400, 401, 403, 404, 413, 422])
def test_what_the_endpoint_refuses_is_not_sent_again(server: StandIn, code: int) -> None:
    server.always = status(code, b'{"error": {"code": "context_length_exceeded", "message": "too long"}}')
    error = failure(server)
    assert (error.code, len(server.requests)) == ("endpoint_refused", 1)
    assert f"status {code} (context_length_exceeded)" in error.detail


@pytest.mark.parametrize(
    ("manner", "code"),
    [
        (status(429), "endpoint_rate_limited"),
        (status(408), "endpoint_failed"),
        (status(500), "endpoint_failed"),
        (status(503), "endpoint_failed"),
        (broken_off, "endpoint_unreachable"),
    ],
)
def test_what_may_pass_is_tried_again_with_growing_pauses(
    server: StandIn, pauses: list[float], manner: Manner, code: str
) -> None:
    server.manners = [manner, manner]
    assert b'"index": 0' in call(server)
    assert len(server.requests) == 3
    server.always = manner
    server.requests.clear()
    pauses.clear()
    assert failure(server).code == code
    assert len(server.requests) == remote_endpoints.MOST_ATTEMPTS
    for number, pause in enumerate(pauses):
        longest = remote_endpoints.FIRST_PAUSE_SECONDS * 2**number
        assert longest / 2 <= pause <= longest


@pytest.mark.parametrize("code", [429, 503])
def test_the_pause_is_the_one_the_endpoint_asks_for(server: StandIn, pauses: list[float], code: int) -> None:
    server.manners = [status(code, b"{}", Retry_After="2")]
    call(server)
    server.manners = [status(code, b"{}", Retry_After=format_datetime(datetime.now(tz=UTC) + timedelta(seconds=5)))]
    call(server)
    server.manners = [status(code, b"{}", Retry_After="soon")]
    call(server)
    assert pauses[0] == 2.0
    assert 3.0 < pauses[1] <= 5.0
    assert pauses[2] <= remote_endpoints.FIRST_PAUSE_SECONDS


def test_a_pause_beyond_the_deadline_is_not_waited_for(server: StandIn) -> None:
    server.always = status(429, b"{}", Retry_After="60")
    began = time.monotonic()
    error = failure(server)
    assert time.monotonic() - began < 2
    assert "asks to wait 60 seconds" in error.detail
    assert len(server.requests) == 1


@pytest.mark.usefixtures("short_deadline")
@pytest.mark.parametrize("manner", [hung, dripping])
def test_an_endpoint_that_hangs_fails_at_the_deadline(server: StandIn, manner: Manner) -> None:
    server.always = manner
    began = time.monotonic()
    assert failure(server).code == "endpoint_too_slow"
    assert SHORT_SECONDS * 0.9 < time.monotonic() - began < SHORT_SECONDS + 2


def test_the_deadline_is_ten_seconds() -> None:
    assert remote_endpoints.DEADLINE_SECONDS == 10


def test_an_answer_without_an_end_is_cut_off(server: StandIn) -> None:
    server.always = endless
    error = failure(server, most_bytes=200_000)
    assert error.code == "endpoint_answer_invalid"
    assert "200,000 bytes" in error.detail


def test_a_port_where_nobody_listens_is_unreachable(server: StandIn, pauses: list[float]) -> None:
    server.server_close()
    assert failure(server).code == "endpoint_unreachable"
    assert len(pauses) == remote_endpoints.MOST_ATTEMPTS - 1


def test_the_key_is_sent_and_shown_nowhere(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, pauses: list[float]
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    caplog.set_level(logging.DEBUG)
    leak = f'{{"error": {{"code": "{KEY.lower()}", "message": "Incorrect API key provided: {KEY}"}}}}'.encode()
    with stand_in(key=True) as server:
        call(server)
        assert server.keys == [f"Bearer {KEY}"]
        for manner in (status(401, leak), status(429, leak, Retry_After="99"), status(500, leak), broken_off):
            server.always = manner
            error = failure(server)
            assert KEY not in str(error.as_dict())
            assert "sk-" not in str(error.as_dict())
            assert error.__cause__ is None
    assert pauses
    assert KEY not in caplog.text


def test_a_word_of_the_error_that_is_part_of_the_key_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "secret_word_in_a_key")
    with stand_in(key=True) as server:
        server.always = status(401, b'{"error": {"code": "secret_word"}}')
        assert "secret" not in failure(server).detail
        server.always = status(401, b'{"error": {"type": "invalid_api_key"}}')
        assert "(invalid_api_key)" in failure(server).detail


@pytest.mark.parametrize("value", [None, "", "  ", "two\nlines", "schlüssel"])
def test_a_key_that_is_not_set_or_no_header_carries_is_said_before_any_call(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(KEY_VARIABLE, value)
    with stand_in(key=True) as server:
        error = failure(server)
        assert error.code == "endpoint_key_missing"
        assert KEY_VARIABLE in error.hint
        assert server.requests == []
