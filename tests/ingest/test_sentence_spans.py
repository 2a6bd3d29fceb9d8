"""Sentences as spans: what ends one, what does not, and that nothing is lost between them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sentences import sentence_spans

FRAGMENTS = [
    "One two. ",
    "Dr. Who ",
    "e.g. this ",
    "3.5 % ",
    "End!\n",
    "\n\n",
    "- item\n",
    "漢字。",
    "a",
    " ",
    "\r\n",
    "?",
]


def sentences(text: str) -> list[str]:
    return [text[span.start : span.end] for span in sentence_spans(text)]


@given(text=st.lists(st.sampled_from(FRAGMENTS), max_size=40).map("".join))
def test_together_they_are_the_text_and_none_is_blank(text: str) -> None:
    found = sentences(text)
    assert all(one.strip() for one in found)
    assert "".join(found) == text or not text.strip() or text.startswith("".join(found))
    assert not text[sum(map(len, found)) :].strip()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One two. Three four! Five?", ["One two. ", "Three four! ", "Five?"]),
        ('He said "Yes." Then he left.', ['He said "Yes." ', "Then he left."]),
        ("Ask Dr. Smith, e.g. by mail. He knows.", ["Ask Dr. Smith, e.g. by mail. ", "He knows."]),
        ("It grew by 3.5 % in J. Smith's time.", ["It grew by 3.5 % in J. Smith's time."]),
        ("Title\n\nBody text\n- first\n- second", ["Title\n\n", "Body text\n", "- first\n", "- second"]),
        ("First line\ngoes on here.", ["First line\ngoes on here."]),
        ("日本語です。次の文。", ["日本語です。", "次の文。"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_what_ends_a_sentence(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@pytest.mark.parametrize("unit", [".", "\n", " \n", ". ", "a.\n", "\n ", "。"])
def test_time_is_linear_in_runs(unit: str) -> None:
    def seconds(count: int) -> float:
        text = "word " + unit * count + " word"
        begun = time.process_time()
        sentences(text)
        return time.process_time() - begun

    seconds(1_000)
    assert seconds(80_000) < 16 * seconds(20_000) + 0.2
