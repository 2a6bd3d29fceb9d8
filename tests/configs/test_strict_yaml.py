"""YAML that can be misread is refused with its line; plain values are read as JSON would be."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from configs.errors import PlaygroundError
from configs.strict_yaml import LARGEST_BYTES, InvalidYamlError, strict_yaml, yaml_items

words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=10,
)


@given(value=values)
def test_what_was_written_is_read_again(value: object) -> None:
    written = yaml.safe_dump(value, allow_unicode=True).encode()
    assert strict_yaml(written, "f") == value


@pytest.mark.parametrize("text", ["2026-01-01", "2026-01-01T10:00:00Z"])
def test_a_bare_date_is_text(text: str) -> None:
    assert strict_yaml(f"a: {text}".encode(), "f") == {"a": text}


@pytest.mark.parametrize(
    ("source", "line", "named"),
    [
        (b"a: 1\nb: 2\na: 3\n", 3, "'a'"),
        (b"a: &x [1]\nb: *x\n", 2, "alias"),
        (b"a: 1\nb:\n  <<: {c: 1}\n", 3, "no text"),
        (b"1: one\n", 1, "no text"),
        (b"a: 1\nb: !!python/object/apply:os.system ['true']\n", 2, "python"),
        (b"a: [1\nb: 2\n", 2, ""),
        (b"a: 1\n--- \nb: 2\n", 2, "document"),
        (b"a: 1\nb: \xff\n", 2, "UTF-8"),
        (b"a: \x07\n", 1, "YAML"),
        (b"[" * 100_000, 1, "deeper"),
        (b" " * (LARGEST_BYTES + 1), 1, "bytes"),
    ],
)
def test_what_can_be_misread_is_refused_with_its_line(source: bytes, line: int, named: str) -> None:
    with pytest.raises(InvalidYamlError) as caught:
        strict_yaml(source, "s.yaml")
    assert caught.value.detail.startswith(f"s.yaml, line {line}: ")
    assert named in caught.value.detail
    assert (caught.value.extra, caught.value.code) == ({"file": "s.yaml", "line": line}, "invalid_yaml")


def test_a_laughing_bomb_unfolds_nothing() -> None:
    levels = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    with pytest.raises(InvalidYamlError, match="line 2: unusable YAML: the alias"):
        strict_yaml("\n".join(levels).encode(), "s.yaml")


def test_text_that_no_database_holds_is_refused() -> None:
    with pytest.raises(PlaygroundError) as caught:
        strict_yaml(b'a: "\\0"', "s.yaml")
    assert caught.value.code == "invalid_text"


def test_deep_values_are_refused() -> None:
    assert strict_yaml(b"[" * 50 + b"]" * 50, "s.yaml")
    with pytest.raises(InvalidYamlError, match="deeper than 50 levels"):
        strict_yaml(b"[" * 52 + b"]" * 52, "s.yaml")


def test_items_come_with_their_lines() -> None:
    assert list(yaml_items(b"# head\n- a\n\n- b: 1\n  c: 2\n- [d]\n", "f")) == [
        (2, "a"), (4, {"b": 1, "c": 2}), (6, ["d"]),
    ]  # fmt: skip
    assert list(yaml_items(b"[]", "f")) == []


@pytest.mark.parametrize("source", [b"", b"a: 1", b"text"])
def test_what_is_no_list_has_no_items(source: bytes) -> None:
    with pytest.raises(InvalidYamlError, match="no list"):
        list(yaml_items(source, "f"))
