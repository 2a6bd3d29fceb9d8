"""A grid expands to every combination, and refuses what is not there, what is refused elsewhere, and too much."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from app.context.strategy import SearchSetup, Strategy
from app.evaluation.experiments.grid import MOST_COMBINATIONS, Grid
from configs.errors import InvalidInputError

STRATEGY = Strategy.model_validate(
    {
        "retrieval": {
            "chunker": {"kind": "recursive", "size_tokens": 200},
            "embedder": {"kind": "hashing"},
            "stores": [{"kind": "faiss_flat"}, {"kind": "bm25"}],
            "fusion": {"kind": "convex"},
        }
    }
)


def expanded(**settings: list[Any]) -> dict[str, Strategy]:
    grid = Grid(settings={name.replace("__", "."): values for name, values in settings.items()})
    return dict(grid.expand(STRATEGY))


def search_of(strategy: Strategy) -> SearchSetup:
    assert isinstance(strategy.retrieval, SearchSetup)
    return strategy.retrieval


def test_every_combination_is_a_strategy_of_its_own() -> None:
    made = expanded(chunker__size_tokens=[100, 200, 400], fusion__dense_weight=[0.2, 0.8])
    assert list(made) == [
        f"chunker.size_tokens={size}, fusion.dense_weight={weight}" for size in (100, 200, 400) for weight in (0.2, 0.8)
    ]
    assert len({strategy.fingerprint for strategy in made.values()}) == 6
    assert [search_of(strategy).chunker.size_limit_tokens for strategy in made.values()] == [
        100,
        100,
        200,
        200,
        400,
        400,
    ]


def test_stores_are_named_by_number_and_the_policy_by_its_name() -> None:
    made = expanded(stores__1__k1=[0.9, 1.5], context__budget_tokens=[2_000])
    first = next(iter(made.values()))
    assert search_of(first).stores[1].model_dump()["k1"] == 0.9
    assert first.context.budget_tokens == 2_000
    assert next(iter(made)) == "stores.1.k1=0.9, context.budget_tokens=2000"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("context.personalisation.profile", False),
        ("context.personalisation.most_memories", 3),
        ("context.personalisation.memory_weights.recency", 2.0),
        ("context.personalisation.boosts.limit", 0.1),
        ("context.personalisation.boosts.evidence.click", 0.2),
        ("context.personalisation.query.blend", 0.1),
        ("context.sections.memories.share", 0.3),
        ("context.sections.history.maximum_tokens", 200),
        ("context.order", "edges"),
        ("context.budget_tokens", 2_000),
        ("context.packer", {"kind": "density"}),
    ],
)
def test_everything_about_the_user_can_be_varied(path: str, value: Any) -> None:
    (varied,) = Grid(settings={path: [value]}).expand(STRATEGY)
    found: Any = varied[1].model_dump(mode="json")
    for name in path.split("."):
        found = found[name]
    assert found == (value if not isinstance(value, dict) else found | value)
    assert varied[1].fingerprint != STRATEGY.fingerprint


def test_a_whole_part_can_be_varied() -> None:
    made = expanded(chunker=[{"kind": "heading"}, {"kind": "whole_document"}])
    assert list(made) == ["chunker=heading", "chunker=whole_document"]


def test_what_is_not_varied_stays() -> None:
    (varied,) = expanded(candidates=[50]).values()
    expected = search_of(STRATEGY).model_dump() | {"candidates": 50}
    assert search_of(varied).model_dump() == expected


@pytest.mark.parametrize(
    "path", ["chunker.nonsense", "nonsense", "stores.2.k1", "stores.x.k1", "stores.2", "chunker.size_tokens.more"]
)
def test_a_setting_that_is_not_there_is_refused(path: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        dict(Grid(settings={path: [1]}).expand(STRATEGY))
    assert caught.value.code == "invalid_grid"
    assert path in caught.value.detail


def test_a_value_that_is_refused_elsewhere_is_refused_here() -> None:
    with pytest.raises(InvalidInputError) as caught:
        expanded(chunker__size_tokens=[100, 5])
    assert caught.value.code == "invalid_grid"
    assert "chunker.size_tokens=5" in caught.value.detail


def test_a_grid_of_a_million_is_refused_before_it_is_made() -> None:
    with pytest.raises(ValidationError, match="100 x 100 x 100 = 1,000,000 combinations"):
        Grid(settings={name: list(range(100)) for name in ("candidates", "stores.1.k1", "stores.1.b")})


@pytest.mark.parametrize("count", [MOST_COMBINATIONS, MOST_COMBINATIONS + 1])
def test_the_limit_itself_is_allowed(count: int) -> None:
    values = {"candidates": list(range(1, count + 1))}
    if count > MOST_COMBINATIONS:
        with pytest.raises(ValidationError):
            Grid.model_validate({"settings": values})
    else:
        assert Grid.model_validate({"settings": values}).size == count


def test_a_setting_without_values_is_refused() -> None:
    with pytest.raises(ValidationError, match="no values"):
        Grid(settings={"candidates": []})
