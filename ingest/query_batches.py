"""Calls of many threads joined into batches: whoever waits is taken along, nobody is waited for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

Result = TypeVar("Result")


class _Call(Generic[Result]):
    """One caller's text, and what it is woken for: its outcome, or its turn to lead."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.woken = threading.Event()
        self.result: Result | None = None
        self.error: BaseException | None = None
        self.is_finished = False

    def outcome(self) -> Result:
        if self.error is not None:
            raise self.error
        return self.result  # type: ignore[return-value]  # a finished call without an error has its result


class QueryBatches(Generic[Result]):
    """Runs `encode` over the texts of concurrent callers, one batch at a time.

    A caller that finds nobody at work leads: it takes up to `most_texts` of those that wait, itself among them, runs
    them as one batch and hands the lead to the first that came in between. So a lone caller never waits, and a leader
    serves one batch only. `encode` returns one result for each text, in order; what it raises reaches exactly the
    callers of that batch.
    """

    def __init__(self, encode: Callable[[list[str]], Iterable[Result]], most_texts: int) -> None:
        self._encode = encode
        self._most_texts = most_texts
        self._lock = threading.Lock()
        self._waiting: list[_Call[Result]] = []
        self._is_led = False

    def __call__(self, text: str) -> Result:
        """Return the result for `text`; blocks until its batch is done. Safe from any number of threads."""
        call = _Call[Result](text)
        with self._lock:
            self._waiting.append(call)
            leads, self._is_led = not self._is_led, True
        if not leads:
            call.woken.wait()
        if not call.is_finished:
            self._lead()
        return call.outcome()

    def _lead(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting[: self._most_texts], self._waiting[self._most_texts :]
        try:
            results = self._encode([call.text for call in batch])
            for call, result in zip(batch, results, strict=True):
                call.result = result
        except BaseException as error:  # also KeyboardInterrupt: those who wait must not wait for ever
            for call in batch:
                call.error = error
        for call in batch:
            call.is_finished = True
        with self._lock:
            successor = self._waiting[0] if self._waiting else None
            self._is_led = successor is not None
        for call in [*batch, *([successor] if successor is not None else [])]:
            call.woken.set()
