"""What rules read in a text, and what they leave alone."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.users.suggestion_rules import LONGEST_VALUE, MOST_SUGGESTIONS, suggest


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi, my name is Ann Lee and I am new.", [("fact", "name", "Ann Lee")]),
        ("my name's ann", [("fact", "name", "ann")]),
        ("My name\u2019s O\u2019Neil", [("fact", "name", "O'Neil")]),
        ("You can call me Bob!", [("fact", "preferred_name", "Bob")]),
        ("I work at Acme in Berlin, and I like it.", [("fact", "employer", "Acme in Berlin")]),
        ("I work for the city but please keep that quiet", [("fact", "employer", "the city")]),
        ("I work on search quality", [("fact", "works_on", "search quality")]),
        ("I'm working on search.", [("fact", "works_on", "search")]),
        ("I work as an engineer", [("fact", "job", "engineer")]),
        ("I live in Berlin, Germany.", [("fact", "lives_in", "Berlin, Germany")]),
        ("I prefer short answers, with sources", [("memory", None, "Prefers short answers, with sources")]),
        ("I'd prefer tea", [("memory", None, "Prefers tea")]),
        ("Please answer in german.", [("preference", "language", "German")]),
        ("Could you reply to me in French?", [("preference", "language", "French")]),
        ("Please remember that the plant closes at noon.", [("memory", None, "the plant closes at noon")]),
        ("Remember that: I like tea.", [("memory", None, "I like tea")]),
        ("Remember that, in Rome, I like tea.", [("memory", None, "in Rome, I like tea")]),
        ("Remember that ,\u00a0:", []),
        ("Can you remember: my badge is 12?", [("memory", None, "my badge is 12")]),
        (
            "My name is Ann. I live in Rome\nI prefer tea. My name is Ann!",
            [("fact", "name", "Ann"), ("fact", "lives_in", "Rome"), ("memory", None, "Prefers tea")],
        ),
    ],
)
def test_what_is_said_is_read(text: str, expected: list[tuple[str, str | None, str]]) -> None:
    assert [(one.kind, one.key, one.value) for one in suggest(text)] == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "How large should chunks be?",
        "Please call me later",
        "Call me at noon.",
        "Don't call me Bob",
        "Please never call me Bob",
        "What if I live in Paris?",
        "Is my name is Ann a sentence?",
        "My name is not important",
        "Please answer in detail",
        "Answer in one sentence.",
        "Do you remember that song",
        "I remember that well",
        "Not that I live in Rome",
    ],
)
def test_what_is_not_said_is_not_read(text: str) -> None:
    assert suggest(text) == ()


def test_what_is_too_long_is_left_out_whole() -> None:
    assert suggest("Remember that " + "a" * LONGEST_VALUE)[0].value == "a" * LONGEST_VALUE
    assert suggest("Remember that " + "a" * (LONGEST_VALUE + 1)) == ()


def test_there_are_never_many() -> None:
    text = " ".join(f"I live in Town{number}." for number in range(50))
    assert [one.value for one in suggest(text)] == [f"Town{number}" for number in range(MOST_SUGGESTIONS)]


words = st.sampled_from(["my name is", "call me", "I live in", "remember that", "Ann", "Rome", ".", "?", "\n", "not"])


@given(text=st.text(max_size=200) | st.lists(words, max_size=20).map(" ".join))
def test_each_suggestion_stands_in_the_text(text: str) -> None:
    for one in suggest(text):
        assert one.quote in text.replace("\u2019", "'")
        assert 0 < len(one.value) <= LONGEST_VALUE
        assert (one.key is None) == (one.kind == "memory")


@pytest.mark.parametrize(
    "piece", ["call me ", "remember ", "please ", ". ", "A ", " and I", "not ", "\t,", "I prefer "]
)
def test_no_text_takes_long(piece: str) -> None:
    begin = time.process_time()
    suggest(piece * (20_000 // len(piece)))
    assert time.process_time() - begin < 1
