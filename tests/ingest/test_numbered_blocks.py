"""Numbered parts of a text stand where their blocks say."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.errors import InvalidInputError, TooLargeError
from configs.span import Span
from ingest import numbered_blocks
from ingest.document import Block
from ingest.numbered_blocks import MAX_EXTRACTED_CHARACTERS, SEPARATOR, numbered_document, refuse_longer_text


@given(st.lists(st.sampled_from(["", " ", "\n\n", "a", "b\n\nc", " d ", "🎉"]), max_size=10))
def test_each_text_that_is_not_blank_has_a_block_with_its_number(texts: list[str]) -> None:
    expected = {number: text for number, text in enumerate(texts, start=1) if text.strip()}
    if not expected:
        with pytest.raises(InvalidInputError):
            numbered_document("record", texts, hint_without_text="h")
        return
    document = numbered_document("record", texts, hint_without_text="h")
    assert {int(b.label): document.text[b.span.start : b.span.end] for b in document.blocks} == expected
    assert document.text == SEPARATOR.join(expected.values())


def test_an_example() -> None:
    document = numbered_document("page", iter(["one", " ", "three"]), hint_without_text="h", title="T")
    assert (document.text, document.title) == ("one\n\nthree", "T")
    assert document.blocks == (
        Block(kind="page", span=Span(0, 3), label="1"),
        Block(kind="page", span=Span(5, 10), label="3"),
    )


def test_no_text_is_an_error_with_the_callers_hint() -> None:
    with pytest.raises(InvalidInputError) as caught:
        numbered_document("page", ["", "\n"], hint_without_text="run OCR")
    assert (caught.value.code, caught.value.detail) == ("no_text", "no page of the file holds text")
    assert caught.value.hint == "run OCR"


def test_texts_beyond_the_limit_are_not_even_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbered_blocks, "MAX_EXTRACTED_CHARACTERS", 10)
    asked: list[int] = []

    def endless() -> Iterator[str]:
        for number in count(1):
            asked.append(number)
            yield "abcd"

    with pytest.raises(TooLargeError) as caught:
        numbered_document("record", endless(), hint_without_text="h")
    assert caught.value.code == "extracted_text_too_large"
    assert asked == [1, 2, 3]


def test_the_limit_itself_is_allowed() -> None:
    refuse_longer_text(MAX_EXTRACTED_CHARACTERS)
    with pytest.raises(TooLargeError):
        refuse_longer_text(MAX_EXTRACTED_CHARACTERS + 1)
