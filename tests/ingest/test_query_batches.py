"""Batches of queries: right results for each caller, errors where they belong, nobody left waiting."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ingest.query_batches import QueryBatches

PATIENCE_SECONDS = 30.0
THREADS = 16


class Recorder:
    """Upper-cases texts and remembers the batches; "bad" texts fail their batch, `gate` holds the batches back."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.at_work = 0
        self.most_at_work = 0

    def __call__(self, texts: list[str]) -> list[str]:
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        self.batches.append(texts)
        self.entered.set()
        assert self.gate.wait(PATIENCE_SECONDS)
        self.at_work -= 1
        if any(text.startswith("bad") for text in texts):
            raise ValueError(f"cannot encode {texts}")
        return [text.upper() for text in texts]


def wait_until_queued(batches: QueryBatches[str], count: int) -> None:
    pause = threading.Event()
    for _ in range(3_000):
        if len(batches._waiting) == count:
            return
        pause.wait(0.01)
    raise AssertionError(f"{len(batches._waiting)} calls wait, expected {count}")


def test_a_lone_caller_is_a_batch_of_one() -> None:
    recorder = Recorder()
    batches = QueryBatches(recorder, most_texts=8)
    assert [batches(text) for text in ("a", "b", "a")] == ["A", "B", "A"]
    assert recorder.batches == [["a"], ["b"], ["a"]]


def test_every_thread_gets_its_own_result_and_batches_do_not_overlap() -> None:
    recorder = Recorder()
    batches = QueryBatches(recorder, most_texts=5)
    texts = [f"text {number}" for number in range(2_000)]
    with ThreadPoolExecutor(THREADS) as pool:
        results = list(pool.map(batches, texts, timeout=PATIENCE_SECONDS))
    assert results == [text.upper() for text in texts]
    assert sorted(text for batch in recorder.batches for text in batch) == sorted(texts)
    assert max(map(len, recorder.batches)) <= 5
    assert recorder.most_at_work == 1


def test_those_who_wait_are_taken_along_in_the_order_they_came() -> None:
    recorder = Recorder()
    batches = QueryBatches(recorder, most_texts=3)
    with ThreadPoolExecutor(THREADS) as pool:
        recorder.gate.clear()
        calls = [pool.submit(batches, "first")]
        assert recorder.entered.wait(PATIENCE_SECONDS)
        for number in range(7):
            calls.append(pool.submit(batches, f"t{number}"))
            wait_until_queued(batches, number + 1)
        recorder.gate.set()
        results = [call.result(PATIENCE_SECONDS) for call in calls]
    assert results == ["FIRST", *(f"T{number}" for number in range(7))]
    assert recorder.batches == [["first"], ["t0", "t1", "t2"], ["t3", "t4", "t5"], ["t6"]]


def test_an_error_reaches_exactly_the_callers_of_its_batch() -> None:
    recorder = Recorder()
    batches = QueryBatches(recorder, most_texts=2)
    with ThreadPoolExecutor(THREADS) as pool:
        recorder.gate.clear()
        calls = {"first": pool.submit(batches, "first")}
        assert recorder.entered.wait(PATIENCE_SECONDS)
        for number, text in enumerate(("good 1", "good 2", "bad", "beside", "good 3", "good 4")):
            calls[text] = pool.submit(batches, text)
            wait_until_queued(batches, number + 1)
        recorder.gate.set()
        errors = {text: call.exception(PATIENCE_SECONDS) for text, call in calls.items()}
    assert {text for text, error in errors.items() if error is not None} == {"bad", "beside"}
    assert {str(error) for error in errors.values() if error is not None} == {"cannot encode ['bad', 'beside']"}
    assert batches("after") == "AFTER"


def test_nobody_is_forgotten_when_batches_fail_at_random() -> None:
    recorder = Recorder()
    batches = QueryBatches(recorder, most_texts=4)
    texts = [f"{'bad' if number % 7 == 0 else 'good'} {number}" for number in range(1_400)]

    def outcome(text: str) -> str:
        try:
            return batches(text)
        except ValueError as error:
            return "failed" if repr(text) in str(error) else "failed with the error of others"

    with ThreadPoolExecutor(THREADS) as pool:
        outcomes = list(pool.map(outcome, texts, timeout=PATIENCE_SECONDS))
    failed = {text for batch in recorder.batches if any(t.startswith("bad") for t in batch) for text in batch}
    assert outcomes == ["failed" if text in failed else text.upper() for text in texts]


def test_a_leader_serves_one_batch_only() -> None:
    """The first caller returns although others keep coming: here, while the second batch is still held back."""
    recorder = Recorder()
    batches = QueryBatches(recorder, most_texts=1)
    with ThreadPoolExecutor(THREADS) as pool:
        recorder.gate.clear()
        first = pool.submit(batches, "first")
        assert recorder.entered.wait(PATIENCE_SECONDS)
        others = [pool.submit(batches, f"other {number}") for number in range(3)]
        wait_until_queued(batches, 3)
        gate, recorder.gate = recorder.gate, threading.Event()
        gate.set()
        assert first.result(PATIENCE_SECONDS) == "FIRST"
        assert not any(other.done() for other in others)
        recorder.gate.set()
        assert sorted(other.result(PATIENCE_SECONDS) for other in others) == ["OTHER 0", "OTHER 1", "OTHER 2"]


def test_a_wrong_number_of_results_is_an_error_for_the_batch() -> None:
    batches = QueryBatches[str](lambda texts: texts[1:], most_texts=4)
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        batches("lost")
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        batches("lost again")


def test_an_interrupted_leader_releases_those_who_wait() -> None:
    recorder = Recorder()

    def encode(texts: list[str]) -> list[str]:
        result = recorder(texts)
        if "interrupt" in texts:
            raise KeyboardInterrupt
        return result

    batches = QueryBatches(encode, most_texts=4)
    outcomes: list[str] = []

    def call(text: str) -> None:
        try:
            outcomes.append(batches(text))
        except KeyboardInterrupt:
            outcomes.append(f"interrupted {text}")

    recorder.gate.clear()
    threads = [threading.Thread(target=call, args=(text,)) for text in ("interrupt", "later")]
    threads[0].start()
    assert recorder.entered.wait(PATIENCE_SECONDS)
    threads[1].start()
    wait_until_queued(batches, 1)
    recorder.gate.set()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert sorted(outcomes) == ["LATER", "interrupted interrupt"]
