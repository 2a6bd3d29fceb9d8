"""A call that is waited for no longer than a deadline, whatever it waits for itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Answer = TypeVar("Answer")


def within(seconds: float, call: Callable[[], Answer]) -> Answer:
    """Return what `call` returns or raise what it raises; raise TimeoutError when the time is over.

    Timeouts of sockets do not cover the look-up of names, nor headers that come one byte at a time. The call's thread
    keeps no process alive, and ends by itself at the next of the call's own timeouts.
    """
    outcome: Future[Answer] = Future()

    def run() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, name="deadline-call", daemon=True).start()
    return outcome.result(timeout=max(0.0, seconds))
