"""Timing: percentiles, interleaved runs, clients in parallel, and the table at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Call = Callable[[str], object]


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured, and what is to be reached."""

    name: str
    value: str
    target: str
    is_reached: bool | None = None


def seconds_of(call: Callable[[], object]) -> float:
    """Return how long a call takes."""
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def interleaved(calls: Sequence[Call], questions: Sequence[str]) -> list[list[float]]:
    """Return the seconds of each call for each question, the calls in turn, so that noise hits all alike."""
    for call in calls:
        call(questions[0])
    times: list[list[float]] = [[] for _ in calls]
    for position, question in enumerate(questions):
        for offset in range(len(calls)):
            number = (position + offset) % len(calls)
            times[number].append(seconds_of(lambda call=calls[number], question=question: call(question)))  # type: ignore[misc]  # a lambda with a default has no type
    return times


def percentile_ms(times: Sequence[float], percent: float) -> float:
    """Return a percentile of seconds in milliseconds."""
    return float(np.percentile(times, percent)) * 1_000


def rate(make_call: Callable[[], Call], questions: Sequence[str], clients: int, seconds: float) -> float:
    """Return calls per second of `clients` threads, each with a call of its own, over `seconds`."""
    counts = [0] * clients
    end = time.perf_counter() + seconds

    def work(number: int) -> None:
        call = make_call()
        position = number
        while time.perf_counter() < end:
            call(questions[position % len(questions)])
            counts[number] += 1
            position += clients

    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - begin)


def show(title: str, rows: Sequence[Row]) -> None:
    """Print the table."""
    widths = [max(len(row.name) for row in rows), max(len(row.value) for row in rows)]
    print(f"\n{title}\n{'-' * len(title)}")
    for row in rows:
        mark = {True: "reached", False: "MISSED", None: ""}[row.is_reached]
        print(f"{row.name:<{widths[0]}}  {row.value:>{widths[1]}}  {row.target:<22} {mark}".rstrip())
