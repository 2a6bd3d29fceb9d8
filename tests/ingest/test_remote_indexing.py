"""Indexing through an endpoint: failures lose nothing that was paid for, and a job says what its calls cost."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from sqlalchemy import func, select

from configs.part import JsonObject
from indexes.database.engine import Base
from indexes.database.tables import Vector
from ingest.charges import CHARGED, charge
from ingest.chunkers.semantic import Semantic
from ingest.metering import Meter, count_call, metered
from ingest.recipe import IndexRecipe
from tests.ingest.embedders.stand_in import KEY_VARIABLE, StandIn, half, in_base64, spoiled_length, stand_in, status
from tests.ingest.library import HYBRID, LEXICAL, Library, text_upload

TEXTS = {f"d{number}": f"The number {number} stands in document {number}, and nowhere else." for number in range(10)}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    monkeypatch.setattr("ingest.baking.TEXTS_PER_BATCH", 4)
    monkeypatch.setattr("ingest.remote_endpoints.FIRST_PAUSE_SECONDS", 0.001)
    with stand_in() as running:
        yield running


def recipe(server: StandIn, **settings: Any) -> IndexRecipe:
    return HYBRID.model_copy(update={"embedder": server.embedder(**settings)})


def cached(library: Library) -> int:
    with library.database.read() as session:
        return session.scalar(select(func.count()).select_from(Vector)) or 0


def sent(server: StandIn) -> int:
    return sum(len(request["input"]) for request in server.requests)


def test_a_job_says_what_its_calls_cost(library: Library, server: StandIn) -> None:
    library.index(recipe(server))
    job = library.add(**TEXTS)
    assert job.state == "succeeded"
    tokens = sum(len(text.split()) for request in server.requests for text in request["input"])
    calls = len(server.requests)
    expected = {"calls": calls, "tokens": tokens, "cost_usd": None, "price": "price unknown"}
    assert job.result == {"documents": 10, CHARGED: expected}
    assert library.find("number 7", recipe=recipe(server))[0] == TEXTS["d7"]


def test_a_job_without_remote_calls_says_nothing_of_them(library: Library) -> None:
    library.index(HYBRID)
    assert library.add(**TEXTS).result == {"documents": 10}


@pytest.mark.parametrize(
    ("manner", "code"),
    [
        (status(401), "endpoint_refused"),
        (status(429), "endpoint_rate_limited"),
        (status(500), "endpoint_failed"),
        (half, "endpoint_answer_invalid"),
        (spoiled_length, "endpoint_answer_invalid"),
    ],
    ids=["401", "429", "500", "half", "length"],
)
def test_a_failure_keeps_what_was_embedded_and_a_retry_pays_for_the_rest_only(
    library: Library, server: StandIn, manner: Any, code: str
) -> None:
    library.index(recipe(server))
    server.manners = [None]
    server.always = manner
    failed = library.add(**TEXTS)
    assert (failed.state, (failed.error or {})["code"]) == ("failed", code)
    assert (failed.error or {})["hint"]
    assert (failed.result or {})[CHARGED]["calls"] == 1
    assert cached(library) == 4
    assert library.states("d0") == ["failed"]
    server.always = in_base64
    server.requests.clear()
    done = library.add(**TEXTS)
    assert done.state == "succeeded"
    assert sent(server) == len(TEXTS) - 4
    assert library.find("number 3", recipe=recipe(server))[0] == TEXTS["d3"]


def test_a_job_killed_between_batches_counts_what_each_attempt_paid(library: Library, server: StandIn) -> None:
    library.index(recipe(server))
    _, job_id = library.send(*(text_upload(name, text) for name, text in TEXTS.items()))
    for _ in islice(library.steps(job_id), 3):
        pass
    before = (library.job(job_id).result or {})[CHARGED]["tokens"]
    again = Library(library.database, library.folder, library.workspace_id)
    done = again.run(job_id)
    assert done.state == "succeeded"
    assert sent(server) == len(TEXTS)
    assert 0 < before < (done.result or {})[CHARGED]["tokens"]
    assert (done.result or {})[CHARGED]["calls"] == len(server.requests)


def test_the_key_is_in_no_row(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "sk-in-no-row-at-all")
    with stand_in(key=True) as server:
        library.index(recipe(server))
        server.always = status(401, b'{"error": {"code": "sk-in-no-row-at-all"}}')
        assert library.add(**TEXTS).state == "failed"
    with library.database.read() as session:
        rows = [str(row) for table in Base.metadata.sorted_tables for row in session.execute(select(table))]
    assert len(rows) > 20
    assert not any("sk-in-no-row" in row for row in rows)


def test_calls_of_a_chunker_are_charged_too_whether_it_succeeds_or_fails(library: Library, server: StandIn) -> None:
    chunker = Semantic(kind="semantic", embedder=server.embedder())
    lexical = IndexRecipe(chunker=chunker, stores=LEXICAL.stores)
    library.index(lexical)
    texts = {name: f"{text} It is odd. Cats sleep all day. Rain falls on the hills." for name, text in TEXTS.items()}
    job = library.add(**texts)
    tokens = sum(len(text.split()) for request in server.requests for text in request["input"])
    assert job.state == "succeeded"
    charged = (job.result or {})[CHARGED]
    assert (charged["calls"], charged["tokens"]) == (len(server.requests), tokens)
    assert tokens > 0
    server.requests.clear()
    server.manners = [None] * 3
    server.always = status(500)
    failed = library.add(**{name: f"{text} Again." for name, text in texts.items()})
    assert failed.state == "failed"
    assert (failed.result or {})[CHARGED]["calls"] == 3


class Kept:
    """What of a running job the sum of charges needs."""

    def __init__(self) -> None:
        self.result: JsonObject = {}

    def keep(self, _session: object, **values: Any) -> None:
        self.result |= values


def test_charges_add_up_and_one_unknown_price_makes_the_sum_unknown() -> None:
    job: Any = Kept()
    for tokens, price in ((1_000_000, 0.02), (500_000, 0.13)):
        with metered() as meter:
            count_call(tokens=tokens, usd_per_million_tokens=price)
        charge(job, None, meter)  # type: ignore[arg-type]  # it is handed on
    assert job.result[CHARGED] == {
        "calls": 2,
        "tokens": 1_500_000,
        "cost_usd": pytest.approx(0.085),
        "price": "list price",
    }
    charge(job, None, Meter())  # type: ignore[arg-type]  # nothing is to be written
    assert job.result[CHARGED]["calls"] == 2
    with metered() as outer, metered() as inner:
        count_call(tokens=5, usd_per_million_tokens=None)
    assert outer == inner == Meter(calls=1, tokens=5, cost_usd=None)
    charge(job, None, inner)  # type: ignore[arg-type]  # nothing is to be written
    assert (job.result[CHARGED]["cost_usd"], job.result[CHARGED]["price"]) == (None, "price unknown")
    count_call(tokens=7, usd_per_million_tokens=1.0)
    assert outer.tokens == 5
