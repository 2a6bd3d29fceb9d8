"""Recipes: what fits together, what names an index, and which index serves which recipe."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ingest.embedders.hashing import Hashing
from ingest.recipe import IndexRecipe

CHUNKERS = [{"kind": "recursive", "size_tokens": 64}, {"kind": "recursive"}, {"kind": "fixed"}]
EMBEDDERS = [{"kind": "hashing"}, {"kind": "hashing", "dimensions": 64}]
DENSE: dict[str, Any] = {"kind": "faiss_flat"}
LEXICAL: list[dict[str, Any]] = [{"kind": "bm25"}, {"kind": "bm25", "stemming": "none"}]


def recipe(**settings: Any) -> IndexRecipe:
    return IndexRecipe.model_validate({"chunker": CHUNKERS[0], "stores": [LEXICAL[0]], **settings})


@st.composite
def recipes(draw: st.DrawFn) -> IndexRecipe:
    embedder = draw(st.sampled_from([None, *EMBEDDERS]))
    lexical = draw(st.sampled_from(LEXICAL if embedder is None else [*LEXICAL, None]))
    stores = [store for store in (lexical, DENSE if embedder is not None else None) if store is not None]
    return recipe(
        chunker=draw(st.sampled_from(CHUNKERS)), embedder=embedder, stores=stores, context_prefix=draw(st.booleans())
    )


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"stores": [DENSE]}, "needs an embedder"),
        ({"embedder": EMBEDDERS[0]}, "would not be used"),
        ({"stores": LEXICAL}, "may stand once"),
        ({"stores": []}, "at least 1"),
        ({"chunker": {"kind": "axe"}}, "axe"),
        ({"chunkers": CHUNKERS[0]}, "Extra inputs"),
    ],
)
def test_what_does_not_fit_together_is_refused(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        recipe(**settings)


@given(recipes())
def test_a_recipe_survives_json_with_its_fingerprint(one: IndexRecipe) -> None:
    read = IndexRecipe.model_validate_json(one.model_dump_json())
    assert read == one
    assert read.fingerprint == one.fingerprint


@given(recipes(), recipes())
def test_equal_recipes_and_only_they_share_an_index(one: IndexRecipe, other: IndexRecipe) -> None:
    assert (one.fingerprint == other.fingerprint) == (one == other)
    assert (one.chunking == other.chunking) == (
        (one.chunker, one.context_prefix) == (other.chunker, other.context_prefix)
    )


def test_every_baked_setting_changes_the_fingerprint() -> None:
    variants = [
        recipe(),
        recipe(chunker=CHUNKERS[1]),
        recipe(chunker=CHUNKERS[2]),
        recipe(context_prefix=False),
        recipe(stores=[LEXICAL[1]]),
        recipe(embedder=EMBEDDERS[0], stores=[DENSE]),
        recipe(embedder=EMBEDDERS[1], stores=[DENSE]),
        recipe(embedder=EMBEDDERS[0], stores=[DENSE, LEXICAL[0]]),
    ]
    assert len({one.fingerprint for one in variants}) == len(variants)


def test_live_settings_and_the_order_of_stores_do_not_count() -> None:
    hybrid = recipe(embedder=EMBEDDERS[0], stores=[DENSE, LEXICAL[0]])
    live = recipe(embedder=EMBEDDERS[0], stores=[{"kind": "bm25", "k1": 0.5, "b": 0.1}, DENSE])
    assert live.fingerprint == hybrid.fingerprint


def test_the_embedder_does_not_change_the_chunks() -> None:
    assert recipe(embedder=EMBEDDERS[0], stores=[DENSE]).chunking == recipe(stores=[LEXICAL[1]]).chunking


@pytest.mark.parametrize(
    ("asked", "serves"),
    [
        ({}, True),
        ({"stores": [{"kind": "bm25", "k1": 2}]}, True),
        ({"embedder": EMBEDDERS[0], "stores": [DENSE]}, True),
        ({"embedder": EMBEDDERS[0], "stores": [DENSE, LEXICAL[0]]}, True),
        ({"embedder": EMBEDDERS[1], "stores": [DENSE]}, False),
        ({"stores": [LEXICAL[1]]}, False),
        ({"chunker": CHUNKERS[1]}, False),
        ({"context_prefix": False}, False),
    ],
)
def test_a_hybrid_index_serves_what_asks_for_less(asked: dict[str, Any], serves: bool) -> None:
    hybrid = recipe(embedder=EMBEDDERS[0], stores=[DENSE, LEXICAL[0]])
    assert recipe(**asked).is_served_by(hybrid) is serves
    if asked and asked.get("stores") != hybrid.model_dump()["stores"]:
        assert hybrid.is_served_by(recipe(**asked)) is (recipe(**asked).fingerprint == hybrid.fingerprint)


@given(st.lists(recipes(), min_size=3, max_size=3))
def test_serving_is_an_order(three: list[IndexRecipe]) -> None:
    for one, other, third in itertools.permutations(three):
        assert one.is_served_by(one)
        if one.is_served_by(other) and other.is_served_by(third):
            assert one.is_served_by(third)
        if one.is_served_by(other) and other.is_served_by(one):
            assert one.fingerprint == other.fingerprint


def test_what_depends_on_the_machine_is_resolved_in_every_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Hashing, "resolved", lambda embedder: embedder.model_copy(update={"dimensions": 128}))
    hybrid = recipe(embedder=EMBEDDERS[0], stores=[DENSE])
    assert hybrid.resolved() == recipe(embedder={"kind": "hashing", "dimensions": 128}, stores=[DENSE])
    assert recipe().resolved() == recipe()
