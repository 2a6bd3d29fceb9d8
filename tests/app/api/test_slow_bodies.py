"""Bodies that come too slowly are given up, and those that are slow but come on are not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.types import Message, Receive, Scope, Send

from app.api import refusals
from app.api.refusals import BodyLimit, SlowBodyError

SCOPE: Scope = {"type": "http", "headers": []}


async def read(pieces: AsyncIterator[Message], *, busy_seconds: float = 0.0) -> int:
    """Return how many bytes an application behind the limit reads, that is busy with other things before each read."""
    read_bytes = 0

    async def application(_scope: Scope, receive: Receive, _send: Send) -> None:
        nonlocal read_bytes
        more = True
        while more:
            await asyncio.sleep(busy_seconds)
            message = await receive()
            read_bytes += len(message["body"])
            more = message["more_body"]

    async def receive() -> Message:
        return await anext(pieces)

    async def send(_message: Message) -> None:
        raise AssertionError

    await BodyLimit(application, limit_bytes=10**6)(SCOPE, receive, send)
    return read_bytes


async def pieces(count: int, size_bytes: int, pause_seconds: float) -> AsyncIterator[Message]:
    """Yield a body in pieces, with a pause before each."""
    for number in range(count):
        await asyncio.sleep(pause_seconds)
        yield {"type": "http.request", "body": b"x" * size_bytes, "more_body": number < count - 1}


async def pieces_at_once(count: int) -> AsyncIterator[Message]:
    """Yield a body in pieces that are all there."""
    for number in range(count):
        yield {"type": "http.request", "body": b"x", "more_body": number < count - 1}


@pytest.fixture(autouse=True)
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "GRACE_SECONDS", 1.0)


def test_a_body_that_drips_is_given_up() -> None:
    with pytest.raises(SlowBodyError, match="bytes of the body came in"):
        asyncio.run(read(pieces(100, 1, 0.05)))


def test_a_body_that_stops_is_given_up() -> None:
    with pytest.raises(SlowBodyError, match="0 bytes"):
        asyncio.run(read(pieces(1, 1, 5)))


def test_a_slow_body_that_comes_on_is_read() -> None:
    assert asyncio.run(read(pieces(8, 1_000, 0.05))) == 8_000


def test_a_body_that_waits_for_a_busy_service_is_read() -> None:
    """All of it is here long before the service has a free thread for it: its sender is not slow."""
    assert asyncio.run(read(pieces(2, 10, 0.0), busy_seconds=0.7)) == 20


def test_what_is_here_is_read_even_where_no_time_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "GRACE_SECONDS", -1.0)
    assert asyncio.run(read(pieces_at_once(3))) == 3
    with pytest.raises(SlowBodyError):
        asyncio.run(read(pieces(1, 1, 0.05)))


def test_after_the_body_it_may_take_its_time() -> None:
    """An application that waits for the client to go away, as one that streams does, is not cut off."""

    async def application(_scope: Scope, receive: Receive, _send: Send) -> None:
        assert (await receive())["type"] == "http.request"
        assert (await receive())["type"] == "http.disconnect"

    messages: list[tuple[float, Message]] = [
        (0.0, {"type": "http.request", "body": b"", "more_body": False}),
        (1.3, {"type": "http.disconnect"}),
    ]

    async def receive() -> Message:
        pause_seconds, message = messages.pop(0)
        await asyncio.sleep(pause_seconds)
        return message

    async def send(_message: Message) -> None:
        raise AssertionError

    asyncio.run(BodyLimit(application, limit_bytes=10)(SCOPE, receive, send))
