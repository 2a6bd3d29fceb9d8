"""No option is ignored in silence: every live setting of every part changes a planted result, or is refused.

Settings come from the registry and their schema, so that a new member is held to this without an entry here. A setting
that takes text, and one that shows only in a certain setup, have an entry in TEXTS or SHOWN_BY.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from sqlalchemy import update

from app.context.contexts import Contexts
from app.context.expansions import Expansion
from app.context.packers import Packer
from app.context.policy import ContextPolicy
from app.context.query_expansions import QueryExpansion
from app.context.renderers import Renderer
from app.context.rerankers import Reranker
from app.context.rerankers.cross_encoder import CrossEncoder
from app.context.rerankers.pair_models import loaded_scorer
from app.context.retrieve import Request
from app.context.search.recency import Recency
from app.context.search.source_cap import SourceCap
from app.context.strategy import SearchSetup
from configs.errors import PlaygroundError
from configs.part import JsonObject, Part
from indexes.access import Principal
from indexes.database.engine import now
from indexes.database.tables import Document, Version
from indexes.fusions import Fusion
from indexes.stores import Store
from tests.app.context.rerankers.tiny_cross_encoder import save_tiny_cross_encoder
from tests.app.evaluation.world import WORKSPACE, World

QUESTION = "what is it about the oak and the jay?"
TEXTS_OF_WORLD = {
    "oak": "The oak carries acorns. " * 2 + "The jay buries acorns under the oak in autumn and winter.",
    "copy": "The oak carries acorns. " * 2 + "The jay buries acorns under the oak in autumn and spring.",
    "jay": "A jay is a bird of the woods. The jay hides acorns, and forgets some of them.",
    "wood": "Oak wood is hard. Ships were built of oak. " * 6,
    "bird": "Birds of the woods sing: jay, wren, owl, finch and tit. Each has a song of its own. " * 3,
    "song": "The song of the owl is heard at night, that of the wren in the morning.",
    "hard": "Ships were built of oak. Oak wood is hard, oak wood is hard.",
    "ship": "A ship sails over the sea, and the wind fills the sails. " * 3,
    **{
        f"sea-{number}": f"The sea is {number} fathoms deep, and {'cold ' * number} at its ground."
        for number in range(40)
    },
}
SETUP: JsonObject = {
    "chunker": {"kind": "fixed", "size_tokens": 24, "overlap_tokens": 8},
    "embedder": {"kind": "hashing", "dimensions": 64},
    "stores": [{"kind": "faiss_flat"}, {"kind": "bm25"}],
    "fusion": {"kind": "convex", "dense_weight": 0.5},
    "candidates": 30,
}
FAMILIES: JsonObject = {**SETUP, "chunker": {"kind": "parent_child", "child_tokens": 16, "parent_tokens": 64}}
"""For expansions to parents that chunks have in common."""
POLICY: JsonObject = {"budget_tokens": 500, "answer_reserve_tokens": 100}
APART: JsonObject = {**POLICY, "near_duplicate_distance": None}
PACKING: JsonObject = {
    "retrieval": SETUP,
    "question": "Oak wood is hard. Ships were built of oak.",
    "budgets": [*range(240, 440, 10)],
}
"""Packing shows where the budget is tight, and where one document could fill it."""

TEXTS: dict[str, list[str]] = {
    "date_field": ["written"],
    "field": ["team"],
    "model": ["gpt-5"],
    "content_sha256": ["0" * 64],
    "instructions": ["Answer in one word."],
}
"""What settings that take text are turned to."""

REQUIRED: dict[str, JsonObject] = {"cross_encoder": {"model": "/no/model/here"}}
"""Settings that members cannot do without. A cross-encoder that is not here refuses every request; those of one that is
are turned in `test_turning_a_cross_encoder_that_is_here_changes_the_order`.
"""
SHOWN_BY: dict[str, JsonObject] = {
    "near_duplicate_distance": {"span_overlap_threshold": 1.0},
    "merge_adjacent": {"order": "document"},
}
"""What of a policy has to be so that a setting shows."""


@dataclass(frozen=True)
class Turned:
    """One setting, and the strategy before and after it is turned to each of its values."""

    name: str
    before: JsonObject
    after: tuple[JsonObject, ...]


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contexts]:
    """Yield the contexts of a planted workspace: of two teams, with dates, uploaded over months."""
    world = World(tmp_path_factory.mktemp("live"))
    world.add_all(TEXTS_OF_WORLD)
    with world.database.write() as session:
        for number, name in enumerate(TEXTS_OF_WORLD):
            metadata = {"team": number % 3, "written": f"20{10 + number % 15}-03-01"}
            session.execute(update(Document).where(Document.id == name).values(attributes=metadata))
            then = now() - timedelta(days=20 * number)
            session.execute(update(Version).where(Version.document_id == name).values(created_at=then))
    for stores in (SETUP["stores"], [{"kind": "bm25"}]):
        world.build(SearchSetup.model_validate(setup_of({}, stores)))
    world.build(SearchSetup.model_validate({**FAMILIES, "expansion": {"kind": "auto_merge"}}))
    yield Contexts(world.database, world.retriever)
    world.close()


def setup_of(options: JsonObject, stores: list[JsonObject] | None = None) -> JsonObject:
    """Return a setup over the stores, the hybrid ones by default."""
    stores = stores or SETUP["stores"]
    return {**SETUP, "stores": stores, **({} if len(stores) > 1 else {"fusion": None, "embedder": None}), **options}


def values_of(name: str, schema: JsonObject, default: Any) -> list[Any]:
    """Return values of a setting other than its default, by its schema."""
    values: list[Any] = []
    for one in schema.get("anyOf", [schema]):
        if "enum" in one:
            values += one["enum"]
        elif one.get("type") == "boolean":
            values += [True, False]
        elif one.get("type") == "null":
            values.append(None)
        elif one.get("type") in ("integer", "number"):
            values += _numbers(one, default)
        elif one.get("type") == "string":
            values += TEXTS[name]
    assert values, f"{name}: say in TEXTS what it can be turned to"
    return [value for value in values if value != default]


def _numbers(schema: JsonObject, default: Any) -> list[Any]:
    low: Any = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    high: Any = schema.get("maximum", schema.get("exclusiveMaximum", 10 * (default or 1)))
    near: float = low if default is None else default
    drawn: list[float] = [low, high, near / 2, near * 2, near + 1, near + 2, (low + min(high, 10 * near + 1)) / 2]
    if schema["type"] == "integer":
        drawn = [int(value) for value in drawn]
    return [value for value in drawn if low <= value <= high]


def live_settings(model: type[BaseModel]) -> Iterator[tuple[str, JsonObject, Any]]:
    """Yield name, schema and default of each live setting that is a plain value."""
    properties = model.model_json_schema()["properties"]
    for name, field in model.model_fields.items():
        extra = field.json_schema_extra
        is_live = isinstance(extra, dict) and extra.get("applies") == "live"
        if is_live and all(map(_is_plain, properties[name].get("anyOf", [properties[name]]))):
            yield name, properties[name], None if field.is_required() else field.get_default()


def _is_plain(schema: JsonObject) -> bool:
    return "enum" in schema or schema.get("type") in ("boolean", "integer", "null", "number", "string")


def turned(model: type[BaseModel], kind: str, wrap: Any) -> Iterator[Turned]:
    """Yield each live setting of a model; `wrap` makes a strategy of its content."""
    own: JsonObject = {"kind": kind, **REQUIRED.get(kind, {})} if issubclass(model, Part) else {}
    for name, schema, default in live_settings(model):
        values = values_of(name, schema, own.get(name, default))
        label = f"{model.__name__}.{name}"
        yield Turned(label, wrap(own), tuple(wrap({**own, name: value}) for value in values))


def every_setting() -> Iterator[Turned]:
    """Yield every live setting of every member of the families that a strategy is searched and packed with."""
    for kind, store in Store.members().items():
        if store.signal == "lexical" or store.is_exact:  # what an approximate one misses shows in its contract suite
            yield from turned(store, kind, lambda own: {"retrieval": setup_of({}, [own])})
    for kind, fusion in Fusion.members().items():
        yield from turned(fusion, kind, lambda own: {"retrieval": setup_of({"fusion": own})})
    for kind, expansion in QueryExpansion.members().items():
        yield from turned(expansion, kind, lambda own: {"retrieval": setup_of({"query_expansion": own})})
    for kind, larger in Expansion.members().items():
        base = FAMILIES if kind == "auto_merge" else SETUP
        yield from turned(larger, kind, lambda own, base=base: {"retrieval": {**base, "expansion": own}})
    for kind, reranker in Reranker.members().items():
        yield from turned(reranker, kind, lambda own: {"retrieval": setup_of({"reranker": {"depth": 10, **own}})})
    yield from turned(Recency, "", lambda own: {"retrieval": setup_of({"recency": own})})
    yield from turned(SourceCap, "", lambda own: {"retrieval": setup_of({"max_per_source": {"hits": 2, **own}})})
    yield from turned(SearchSetup, "", lambda own: {"retrieval": setup_of(own)})
    for kind, packer in Packer.members().items():
        yield from turned(packer, kind, lambda own: {**PACKING, "context": {**APART, "packer": own}})
    for kind, renderer in Renderer.members().items():
        yield from turned(renderer, kind, lambda own: {"retrieval": SETUP, "context": {**POLICY, "renderer": own}})
    for one in turned(ContextPolicy, "", lambda own: own):
        shown = {**POLICY, **SHOWN_BY.get(one.name.rpartition(".")[2], {})}
        after = tuple({"retrieval": SETUP, "context": {**shown, **own}} for own in one.after)
        yield Turned(one.name, {"retrieval": SETUP, "context": shown}, after)


@cache
def _outcome(contexts: Contexts, strategy: str) -> str:
    said = json.loads(strategy)
    try:
        setup = SearchSetup.model_validate(said["retrieval"])
        policy = ContextPolicy.model_validate(said.get("context", {"budget_tokens": 8_000}))
        request = Request(
            workspace_id=WORKSPACE, question=said.get("question", QUESTION), principal=Principal.of([]),
            limit=setup.candidates, moment=MOMENT,
        )  # fmt: skip
        policies = [policy.model_copy(update={"budget_tokens": one}) for one in said.get("budgets", ())]
        return repr([_result(contexts, setup, one, request) for one in policies or [policy]])
    except (ValidationError, PlaygroundError):
        return "refused"


def _result(contexts: Contexts, setup: SearchSetup, policy: ContextPolicy, request: Request) -> Any:
    assembled, retrieved = contexts.make(setup, policy, request, nonce=lambda: "0123abcd")
    found = [(one.hit.document_id, one.hit.ordinal, one.hit.score) for one in retrieved.passages]
    sent = [assembled.rendered.sha256, assembled.tokens.total, assembled.tokenizer, policy.available_tokens]
    return found, sent, [(one.hit.rank, one.reason) for one in assembled.decisions]


MOMENT = now()
SETTINGS = list(every_setting())


def outcome(contexts: Contexts, strategy: JsonObject) -> str:
    """Return what the strategy finds and sends, or that it is refused."""
    return _outcome(contexts, json.dumps(strategy, sort_keys=True))


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: one.name)
def test_turning_it_changes_the_result_or_is_refused(contexts: Contexts, setting: Turned) -> None:
    before = outcome(contexts, setting.before)
    outcomes = {outcome(contexts, after) for after in setting.after}
    assert outcomes - {before} or before == "refused", f"{setting.name} changes nothing: {setting.after}"


def test_members_that_need_nothing_special_are_not_refused(contexts: Contexts) -> None:
    """Otherwise the law above would hold for nothing."""
    refused = {one.name for one in SETTINGS if outcome(contexts, one.before) == "refused"}
    assert {name.split(".")[0] for name in refused} <= {"CrossEncoder", "Pgvector"}
    assert len(SETTINGS) - len(refused) >= 40
    assert {"Neighbours.chunks", "AutoMerge.ratio"} <= {one.name for one in SETTINGS} - refused


@pytest.mark.slow  # loads torch
def test_turning_a_cross_encoder_that_is_here_changes_the_order(
    contexts: Contexts, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, other = (
        str(save_tiny_cross_encoder(tmp_path_factory.mktemp("tiny"), seed=seed)) for seed in (7, 8)
    )  # fmt: skip
    turned_to = {"model": other, "depth": 3, "time_budget_ms": 1, "content_sha256": "0" * 64}
    assert set(turned_to) == {name for name, _, _ in live_settings(CrossEncoder)}

    def result(**options: Any) -> str:
        own = {"kind": "cross_encoder", "model": folder, "depth": 10, **options}
        return outcome(contexts, {"retrieval": setup_of({"reranker": own}), "question": "oak"})

    before = result()
    assert before != "refused"
    loaded_scorer(folder, None)._pair_ms = 1_000.0  # so that the budget allows one pair on any machine
    outcomes = {name: result(**{name: value}) for name, value in turned_to.items()}
    assert [name for name, found in outcomes.items() if found == before] == []
    assert [name for name, found in outcomes.items() if found == "refused"] == ["content_sha256"]
