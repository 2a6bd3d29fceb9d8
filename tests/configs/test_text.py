"""The one string type: what it refuses, and that it changes nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from configs.text import Text, storable

text = TypeAdapter(Text)
storable_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


@given(storable_texts)
def test_every_other_text_passes_unchanged(value: str) -> None:
    assert storable(value) == value
    assert text.validate_python(value) == value
    assert text.validate_json(json.dumps(value)) == value


@given(storable_texts, storable_texts)
def test_nul_is_refused_with_its_position(before: str, after: str) -> None:
    with pytest.raises(ValueError, match=f"NUL character at position {len(before)}"):
        storable(f"{before}\x00{after}")


@given(storable_texts, st.characters(categories=["Cs"]), storable_texts)
def test_a_lone_surrogate_is_refused_with_its_position(before: str, surrogate: str, after: str) -> None:
    with pytest.raises(ValueError, match=f"lone surrogate at position {len(before)}"):
        storable(before + surrogate + after)


def test_a_pair_of_surrogates_in_json_is_one_character() -> None:
    assert text.validate_json(r'"\ud83d\ude00"') == "😀"


@pytest.mark.parametrize("value", ["a\x00b", "a\ud800b"])
def test_the_type_refuses_what_the_function_refuses(value: str) -> None:
    with pytest.raises(ValidationError):
        text.validate_python(value)


@pytest.mark.parametrize("document", [r'"a\u0000b"', r'"a\ud800b"', "1", "null"])
def test_the_type_refuses_it_in_json_too(document: str) -> None:
    with pytest.raises(ValidationError):
        text.validate_json(document)
