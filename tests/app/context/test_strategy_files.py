"""Strategies through YAML and back: the same fingerprint, or an error that names the setting."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from app.context.packers import Packer
from app.context.renderers import Renderer
from app.context.strategy import Strategy, load_presets
from app.context.strategy_files import read_strategy, strategy_as_yaml
from configs.errors import InvalidInputError

policies = st.fixed_dictionaries(
    {
        "budget_tokens": st.integers(2_000, 5_000),
        "renderer": st.sampled_from(sorted(Renderer.members())).map(lambda kind: {"kind": kind}),
        "packer": st.sampled_from(sorted(Packer.members())).map(lambda kind: {"kind": kind}),
        "instructions": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
        | st.sampled_from(["yes", "2026-01-01", "1_000", "- a\n- b", " x ", "a: b # c", "\ufeff", "\x85\u2028"]),
        "order": st.sampled_from(["document", "relevance", "edges"]),
    }
)


@pytest.mark.parametrize("preset", load_presets())
def test_every_preset_comes_back_with_its_fingerprint(preset: str) -> None:
    strategy = load_presets()[preset].strategy
    read = read_strategy(strategy_as_yaml(preset, strategy).encode(), "f")
    assert read.name == preset
    assert read.strategy == strategy
    assert read.strategy.fingerprint == strategy.fingerprint


@given(policy=policies)
def test_any_policy_comes_back_with_its_fingerprint(policy: object) -> None:
    strategy = Strategy.model_validate({"retrieval": {"baseline": "no_context"}, "context": policy})
    read = read_strategy(strategy_as_yaml("any", strategy).encode(), "f")
    assert read.strategy.fingerprint == strategy.fingerprint


def test_the_file_says_every_setting() -> None:
    strategy = load_presets()["lexical"].strategy
    content = yaml.safe_load(strategy_as_yaml("words", strategy))
    assert list(content) == ["name", "strategy"]
    assert content["strategy"] == strategy.model_dump(mode="json", by_alias=True)


@pytest.mark.parametrize(
    ("content", "code", "named"),
    [
        (b"", "invalid_strategy_file", "dictionary"),
        (b"- a", "invalid_strategy_file", "dictionary"),
        (b"name: a b\nstrategy: {retrieval: {baseline: no_context}}", "invalid_strategy_file", "name"),
        (b"name: a", "invalid_strategy_file", "strategy"),
        (b"name: a\nstrategy: {retrieval: {baseline: none}}", "invalid_strategy_file", "baseline"),
        (b"name: a\nstrategy: {retrieval: {baseline: no_context}, contxt: {}}", "invalid_strategy_file", "contxt"),
        (b"name: a\nname: b\nstrategy: {retrieval: {baseline: no_context}}", "invalid_yaml", "line 2"),
        (b"name: a\nstrategy: {retrieval: {baseline: no_context}}\nmore: 1", "invalid_strategy_file", "more"),
    ],
)
def test_what_is_no_strategy_is_refused_by_the_setting_at_fault(content: bytes, code: str, named: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_strategy(content, "s.yaml")
    assert caught.value.code == code
    assert caught.value.detail.startswith("s.yaml")
    assert named in caught.value.detail
