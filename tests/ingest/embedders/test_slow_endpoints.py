"""Endpoints that are slow: smaller calls, the operator's limits, and what was paid is neither lost nor paid again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from configs.errors import UnavailableError
from ingest import remote_endpoints
from ingest.embedders.openai_compatible import TEXTS_PER_CALL
from ingest.metering import metered
from tests.ingest.embedders.stand_in import Manner, StandIn, changed, hung, stand_in


@pytest.fixture
def server() -> Iterator[StandIn]:
    with stand_in() as running:
        yield running


def texts(count: int) -> list[str]:
    return [f"fox number {number} {'red ' * (number % 7)}" for number in range(count)]


def most_at_once(server: StandIn, calls: int) -> int:
    """Return how many of so many calls the server answered at the same moment."""
    lock, running, most = threading.Lock(), 0, 0

    def slow(handler: Any, request: Any) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.1)
        with lock:
            running -= 1
        changed(lambda answer: answer)(handler, request)

    server.always = slow
    server.embedder().encode(texts(calls * TEXTS_PER_CALL))
    return most


def test_calls_run_beside_each_other_but_only_a_few(server: StandIn) -> None:
    assert 1 < most_at_once(server, 12) <= remote_endpoints.CALLS_AT_ONCE


def slow_above(most_texts: int) -> Manner:
    """Return the manner of an endpoint that takes too long for more texts than it can embed in time."""

    def answer(handler: Any, request: Any) -> None:
        if len(request["input"]) > most_texts:
            hung(handler, request)
        else:
            changed(lambda good: good)(handler, request)

    return answer


@pytest.mark.parametrize("most_texts", [1, 5, 8])
def test_calls_that_are_too_slow_are_made_with_fewer_texts(
    server: StandIn, monkeypatch: pytest.MonkeyPatch, most_texts: int
) -> None:
    monkeypatch.setattr(remote_endpoints, "_deadline_seconds", 1.0)
    server.always = slow_above(most_texts)
    given = texts(20)
    with metered() as meter:
        found = server.embedder().encode(given)
    server.always = None
    np.testing.assert_array_equal(found, server.embedder().encode(given))
    answered = [request["input"] for request in server.requests[:-1] if len(request["input"]) <= most_texts]
    sent = [text for one in answered for text in one]
    assert sorted(sent) == sorted(given)  # none is paid for twice
    assert meter.tokens == sum(len(text.split()) for text in given)


def test_an_endpoint_that_hangs_fails_within_one_deadline(server: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_endpoints, "_deadline_seconds", 2.0)
    server.always = slow_above(0)
    begin = time.monotonic()
    with pytest.raises(UnavailableError, match=r"within 2 seconds") as caught:
        server.embedder().encode(texts(8 * TEXTS_PER_CALL))
    assert caught.value.code == "endpoint_too_slow"
    assert "PLAYGROUND_EMBEDDER_SECONDS" in caught.value.hint
    assert time.monotonic() - begin < 2
    assert len(server.requests) == remote_endpoints.CALLS_AT_ONCE + 1
    assert len(server.requests[-1]["input"]) == 1


def test_what_was_paid_before_an_endpoint_hangs_is_counted(server: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_endpoints, "_deadline_seconds", 0.5)
    server.manners, server.always = [None], hung
    with metered() as meter, pytest.raises(UnavailableError):
        server.embedder().encode(texts(2 * TEXTS_PER_CALL))
    answered, *_ = [one["input"] for one in server.requests]
    assert meter.tokens == sum(len(text.split()) for text in answered)


@pytest.mark.parametrize("at_once", [1, 3])
def test_the_operator_says_how_many_calls_run_at_once_and_how_long(server: StandIn, at_once: int) -> None:
    remote_endpoints.limit_calls(seconds=0.5, at_once=at_once)
    try:
        most = most_at_once(server, 6)
        server.always = hung
        with pytest.raises(UnavailableError, match=r"within 0\.5 seconds"):
            server.embedder().encode_query("fox")
    finally:
        remote_endpoints.limit_calls(seconds=remote_endpoints.DEADLINE_SECONDS, at_once=remote_endpoints.CALLS_AT_ONCE)
    assert most <= at_once
    assert (most > 1) is (at_once > 1)
