"""The embedder of endpoints: what it refuses and sends, what a bad endpoint does to a caller, what it counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from configs.errors import InvalidInputError, PlaygroundError, UnavailableError
from ingest import remote_endpoints
from ingest.embedders.openai_compatible import TEXTS_PER_CALL, OpenaiCompatible
from ingest.metering import metered
from ingest.remote_endpoints import allow_endpoints
from tests.ingest.embedders.stand_in import (
    DIMENSIONS,
    Manner,
    StandIn,
    changed,
    half,
    hung,
    in_base64,
    spoiled_length,
    stand_in,
    status,
    vectors_of,
)

OPENAI = "https://api.openai.com/v1"


@pytest.fixture
def server() -> Iterator[StandIn]:
    with stand_in() as running:
        yield running


def openai(**settings: Any) -> OpenaiCompatible:
    fields = {"base_url": OPENAI, "model": "text-embedding-3-small", **settings}
    return OpenaiCompatible.model_validate({"kind": "openai_compatible", **fields})


def texts(count: int) -> list[str]:
    return [f"fox number {number} {'red ' * (number % 7)}" for number in range(count)]


@pytest.mark.parametrize(
    "settings",
    [
        {"model": "unknown"},
        {"base_url": "https://elsewhere.example/v1"},
        {"dimensions": 1537},
        {"dimensions": 0},
        {"model_dimensions": 100, "dimensions": 101},
        {"base_url": "ftp://api.openai.com/v1"},
        {"base_url": "https://user:password@api.openai.com/v1"},
        {"base_url": "https://api.openai.com/v1?key=1"},
        {"base_url": "https://api.openai.com/v1#x"},
        {"model": ""},
        {"query_prefix": "x" * 501},
        {"document_prefix": "\x00"},
        {"api_key": "sk-1"},
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any]) -> None:
    openai()
    with pytest.raises(ValidationError):
        openai(**settings)


def test_lengths_window_and_price_of_a_known_model_need_no_call_and_no_permission() -> None:
    part = openai()
    assert (part.vector_dimensions, part.window_tokens, part.usd_per_million_tokens) == (1536, 8191, 0.02)
    assert openai(dimensions=256).vector_dimensions == 256
    assert openai(document_prefix="passage: ").window_tokens == 8189
    elsewhere = openai(base_url="https://elsewhere.example/v1", model_dimensions=384)
    assert (elsewhere.vector_dimensions, elsewhere.window_tokens, elsewhere.usd_per_million_tokens) == (384, None, None)
    own = openai(base_url="http://127.0.0.1:8080", model="intfloat/e5-base-v2")
    assert (own.vector_dimensions, own.window_tokens, own.usd_per_million_tokens) == (768, 510, None)


def test_saving_names_the_length_and_refuses_a_wrong_one_and_an_endpoint_that_is_not_listed() -> None:
    assert openai().resolved() == openai(model_dimensions=1536)
    with pytest.raises(InvalidInputError) as caught:
        openai().check_usable()
    assert caught.value.code == "endpoint_not_allowed"
    try:
        allow_endpoints({OPENAI: "OPENAI_API_KEY"})
        openai().resolved().check_usable()
        assert openai(base_url=OPENAI + "/").resolved().fingerprint == openai(model_dimensions=1536).fingerprint
        with pytest.raises(InvalidInputError) as caught:
            openai(model_dimensions=512).check_usable()
        assert caught.value.code == "wrong_dimensions"
    finally:
        allow_endpoints({})


def test_an_endpoint_struck_off_the_list_is_called_no_more(server: StandIn) -> None:
    part = server.embedder().resolved()
    part.encode(["fox"])
    allow_endpoints({})
    with pytest.raises(InvalidInputError, match="may not call"):
        part.encode(["fox"])
    assert len(server.requests) == 1


def test_what_is_sent_is_the_protocol_and_no_more(server: StandIn) -> None:
    part = server.embedder(query_prefix="query: ", document_prefix="passage: ", dimensions=8)
    part.encode(["a fox", "a dog"])
    part.encode_query("which?")
    sent = [sorted(request.pop("input")) for request in server.requests]
    assert sent == [["passage: a dog", "passage: a fox"], ["query: which?"]]
    assert server.requests == [{"model": "stand-in", "encoding_format": "float"}] * 2


def test_blank_texts_are_not_sent_and_have_vectors_of_zeros(server: StandIn) -> None:
    vectors = server.embedder(document_prefix="passage: ").encode(["", "fox", " \n\t"])
    assert [request["input"] for request in server.requests] == [["passage: fox"]]
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([0, 1, 0])
    assert not server.embedder().encode_query("  ").any()
    assert server.embedder().encode([]).shape == (0, DIMENSIONS)
    assert len(server.requests) == 1


def test_many_texts_go_in_calls_of_a_bounded_size_and_come_back_in_order(server: StandIn) -> None:
    many = texts(5 * TEXTS_PER_CALL + 3)
    vectors = server.embedder().encode(many)
    whole = vectors_of(many)
    np.testing.assert_allclose(vectors, whole / np.linalg.norm(whole, axis=1, keepdims=True), atol=1e-6)
    sizes = [len(request["input"]) for request in server.requests]
    assert len(sizes) == 6
    assert max(sizes) == TEXTS_PER_CALL


def test_long_texts_go_in_calls_of_few(server: StandIn) -> None:
    server.embedder().encode(["fox " * 3_000] * 6 + ["x" * 40_000])
    assert sorted(len(request["input"]) for request in server.requests) == [1, 2, 2, 2]


def test_vectors_in_base64_and_in_another_order_are_the_same(server: StandIn) -> None:
    part = server.embedder()
    plain = part.encode(texts(9))
    server.manners = [in_base64, changed(lambda answer: answer["data"].reverse())]
    np.testing.assert_array_equal(part.encode(texts(9)), plain)
    np.testing.assert_array_equal(part.encode(texts(9)), plain)


def spoil_number(answer: Any) -> None:
    answer["data"][0]["embedding"][3] = float("nan")


def spoil_index(answer: Any) -> None:
    answer["data"][0]["index"] = 1


@pytest.mark.parametrize(
    ("manner", "code", "reason"),
    [
        (half, "endpoint_answer_invalid", "no JSON"),
        (spoiled_length, "endpoint_answer_invalid", f"expected were {DIMENSIONS} numbers"),
        (changed(spoil_number), "endpoint_answer_invalid", "NaN"),
        (changed(spoil_index), "endpoint_answer_invalid", "indices"),
        (changed(lambda answer: answer["data"].pop()), "endpoint_answer_invalid", "1 vectors for 2 texts"),
        (status(429), "endpoint_rate_limited", "429"),
        (status(500), "endpoint_failed", "500"),
        (status(401), "endpoint_refused", "401"),
        (hung, "endpoint_too_slow", "did not answer"),
    ],
)
def test_an_endpoint_that_misbehaves_fails_the_call_with_a_code_of_its_own(
    server: StandIn, monkeypatch: pytest.MonkeyPatch, manner: Manner, code: str, reason: str
) -> None:
    monkeypatch.setattr(remote_endpoints, "_deadline_seconds", 1.0)
    server.always = manner
    with pytest.raises(UnavailableError, match=reason) as caught:
        server.embedder().encode(["a fox", "a dog"])
    assert caught.value.code == code
    assert caught.value.hint
    server.always = None
    assert server.embedder().encode(["a fox", "a dog"]).shape == (2, DIMENSIONS)


def test_after_a_failure_no_further_call_starts(server: StandIn) -> None:
    server.always = status(401)
    with pytest.raises(PlaygroundError):
        server.embedder().encode(texts(40 * TEXTS_PER_CALL))
    assert len(server.requests) <= 2 * remote_endpoints.CALLS_AT_ONCE


def test_tokens_are_those_the_endpoint_charges_for_and_a_price_that_is_unknown_is_not_zero(server: StandIn) -> None:
    with metered() as meter:
        server.embedder().encode(["one two three"] * (TEXTS_PER_CALL + 1))
        server.embedder().encode_query("four five")
    assert (meter.calls, meter.tokens, meter.cost_usd) == (3, 3 * (TEXTS_PER_CALL + 1) + 2, None)
    with metered() as meter:
        server.embedder().encode([""])
    assert (meter.calls, meter.tokens, meter.cost_usd) == (0, 0, 0.0)


def test_tokens_an_endpoint_does_not_tell_are_estimated(server: StandIn) -> None:
    server.always = changed(lambda answer: answer.pop("usage"))
    with metered() as meter:
        server.embedder().encode(["one two three, four"])
    assert meter.tokens == 5


def test_what_was_charged_before_another_call_failed_is_counted(server: StandIn) -> None:
    server.manners = [None, None, status(401)]
    with metered() as meter, pytest.raises(PlaygroundError):
        server.embedder().encode(texts(3 * TEXTS_PER_CALL))
    assert meter.calls == 2
    assert meter.tokens > 0


def test_advice_names_the_prefixes_that_a_model_was_trained_with() -> None:
    own = {"base_url": "http://127.0.0.1:8080", "model": "intfloat/e5-small-v2"}
    assert len(openai(**own).advice()) == 2
    assert "query_prefix to 'query: '" in openai(**own).advice()[0]
    assert openai(**own, query_prefix="query: ", document_prefix="passage: ").advice() == []
    assert openai().advice() == []
    assert openai(dimensions=256).advice() == []
    assert "no less than 256" in openai(dimensions=100).advice()[0]
    assert openai(model="unknown", model_dimensions=3).advice() == []
