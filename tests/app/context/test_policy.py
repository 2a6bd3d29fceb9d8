"""The policy as JSON: defaults, bounds, and parts inside it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from app.context.packers.greedy import Greedy
from app.context.policy import ContextPolicy
from app.context.renderers.openai_messages import OpenAIMessages
from app.context.sections.settings import DEFAULT_SECTIONS


class Holder(BaseModel):
    """A model with a policy inside, as strategies are."""

    context: ContextPolicy


def test_the_defaults() -> None:
    written = ContextPolicy().model_dump(mode="json")
    assert written.pop("instructions").startswith("Answer the question.")
    assert written.pop("sections") == {name: one.model_dump() for name, one in DEFAULT_SECTIONS.items()}
    personal = written.pop("personalisation")
    assert [personal[name] for name in ("profile", "history", "memories", "preferences", "feedback")] == [True] * 5
    assert personal["query"]["blend"] == 0
    assert written == {
        "budget_tokens": 3_000,
        "answer_reserve_tokens": 1_000,
        "model": "all-MiniLM-L6-v2",
        "packer": {"kind": "greedy", "max_share_per_document": 1.0, "min_sources": 0},
        "order": "document",
        "span_overlap_threshold": 0.8,
        "near_duplicate_distance": 3,
        "merge_adjacent": True,
        "renderer": {"kind": "text"},
    }


def test_parts_survive_the_way_through_json() -> None:
    policy = ContextPolicy(
        packer=Greedy(kind="greedy", max_share_per_document=0.6),
        renderer=OpenAIMessages(kind="openai_messages", instructions_role="developer"),
        near_duplicate_distance=None,
        model="gpt-5",
    )
    holder = Holder(context=policy)
    assert Holder.model_validate_json(holder.model_dump_json()) == holder
    assert json.loads(holder.model_dump_json())["context"]["renderer"]["instructions_role"] == "developer"


@pytest.mark.parametrize(
    "wrong",
    [
        {"budget_tokens": 63},
        {"budget_tokens": 2_000_001},
        {"answer_reserve_tokens": -1},
        {"order": "random"},
        {"span_overlap_threshold": 0},
        {"span_overlap_threshold": 1.1},
        {"near_duplicate_distance": -1},
        {"near_duplicate_distance": 17},
        {"model": ""},
        {"model": "x" * 201},
        {"instructions": "a\x00b"},
        {"instructions": "x" * 100_001},
        {"packer": {"kind": "unknown"}},
        {"renderer": {}},
        {"answer_reserve": 10},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(ValidationError) as caught:
        ContextPolicy.model_validate(wrong)
    assert caught.value.errors()[0]["loc"][0] == name


@pytest.mark.parametrize(("budget_tokens", "reserve_tokens"), [(1_000, 1_000), (1_000, 1_001), (64, 1_999_999)])
def test_a_reserve_that_leaves_nothing_is_refused(budget_tokens: int, reserve_tokens: int) -> None:
    with pytest.raises(ValidationError, match=rf"answer_reserve_tokens \({reserve_tokens}\).*\({budget_tokens}\)"):
        ContextPolicy(budget_tokens=budget_tokens, answer_reserve_tokens=reserve_tokens)


def test_a_small_budget_alone_is_refused_because_of_the_default_reserve() -> None:
    with pytest.raises(ValidationError, match=r"answer_reserve_tokens \(1000\)"):
        ContextPolicy(budget_tokens=500)


@pytest.mark.parametrize(("budget_tokens", "reserve_tokens", "available_tokens"), [(64, 63, 1), (3_000, 0, 3_000)])
def test_what_is_available(budget_tokens: int, reserve_tokens: int, available_tokens: int) -> None:
    policy = ContextPolicy(budget_tokens=budget_tokens, answer_reserve_tokens=reserve_tokens)
    assert policy.available_tokens == available_tokens


def test_unknown_kinds_are_told_the_valid_ones() -> None:
    with pytest.raises(ValidationError, match="'openai_messages', 'text'"):
        ContextPolicy.model_validate({"renderer": {"kind": "yaml"}})


@pytest.mark.parametrize("name", sorted(ContextPolicy.model_fields))
def test_every_setting_is_described_and_live(name: str) -> None:
    field = ContextPolicy.model_fields[name]
    assert len((field.description or "").split()) >= 4
    assert field.json_schema_extra == {"applies": "live"}


def test_the_schema_offers_parts_by_kind() -> None:
    schema = ContextPolicy.model_json_schema()
    renderer = schema["properties"]["renderer"]
    assert set(renderer["discriminator"]["mapping"]) >= {"text", "openai_messages"}
    assert renderer["default"] == {"kind": "text"}
    assert schema["properties"]["packer"]["default"] == {
        "kind": "greedy",
        "max_share_per_document": 1.0,
        "min_sources": 0,
    }
