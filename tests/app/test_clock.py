"""Clocks look again and again, survive what goes wrong, and stop."""

from __future__ import annotations

import logging
import threading

import pytest

from app.clock import Clock

WAIT_SECONDS = 20.0


def test_it_looks_again_and_again_whatever_goes_wrong(caplog: pytest.LogCaptureFixture) -> None:
    looked = threading.Semaphore(0)

    def look() -> None:
        looked.release()
        raise ValueError("no luck")

    clock = Clock("trial", look, every_seconds=0.01, first_seconds=0.0)
    with caplog.at_level(logging.ERROR, "playground.clock"):
        clock.start()
        assert all(looked.acquire(timeout=WAIT_SECONDS) for _ in range(3))
        clock.stop()
    assert "trial failed; trying again in 0.01 s" in caplog.text
    seen = len(caplog.records)
    assert not looked.acquire(timeout=0.05) or seen == len(caplog.records)


def test_it_waits_before_the_first_look_and_stops_meanwhile() -> None:
    looks: list[int] = []
    clock = Clock("patient", lambda: looks.append(1), every_seconds=0.01, first_seconds=3_600.0)
    clock.start()
    clock.stop()
    assert looks == []


def test_stopping_waits_for_the_look_under_way() -> None:
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def look() -> None:
        begun.set()
        may_end.wait(WAIT_SECONDS)
        ended.set()

    clock = Clock("slow", look, every_seconds=0.01, first_seconds=0.0)
    clock.start()
    assert begun.wait(WAIT_SECONDS)
    threading.Timer(0.05, may_end.set).start()
    clock.stop()
    assert ended.is_set()


def test_a_clock_that_was_never_started_stops() -> None:
    Clock("idle", lambda: None, every_seconds=1.0, first_seconds=1.0).stop()
