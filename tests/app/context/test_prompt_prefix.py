"""What two requests share at the front, and what stays the same by plan."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.prompt_prefix import common_prefix_tokens, common_text, stable_prefix_tokens
from app.context.sections.settings import DEFAULT_SECTIONS, SECTION_ORDER, SectionName
from app.context.tokens import TokenCounter

COUNT = TokenCounter("all-MiniLM-L6-v2").count

texts = st.text(alphabet="ab c.\n", max_size=30)
contents = st.lists(texts, max_size=4)


def words(text: str) -> int:
    return len(text.split())


@pytest.mark.parametrize(
    ("one", "other", "common"),
    [
        ("the same", "the same", "the same"),
        ("the cat sat", "the cat ran", "the cat "),
        ("the cats", "the cat", "the "),
        ("the cat", "the cat sat", "the cat"),
        ("price: 45", "price: 47", "price: "),
        ("one.", "one!", "one"),
        ("", "anything", ""),
        ("x" * 100 + "a", "x" * 100 + "b", "x" * 100),
    ],
)
def test_texts_part_at_the_border_of_a_word(one: str, other: str, common: str) -> None:
    assert common_text(one, other) == common
    assert common_text(other, one) == common


@given(one=texts, other=texts, front=texts)
def test_the_common_text_begins_both_and_misses_less_than_a_word(one: str, other: str, front: str) -> None:
    one, other = front + one, front + other
    common = common_text(one, other)
    assert one.startswith(common)
    assert other.startswith(common)
    longest = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    missed = one[len(common) : longest]
    assert missed == "" or missed.isalnum()


@given(previous=contents, current=contents, front=contents)
def test_no_more_is_shared_than_either_request_holds(previous: list[str], current: list[str], front: list[str]) -> None:
    shared = common_prefix_tokens([*front, *previous], [*front, *current], words)
    assert shared == common_prefix_tokens([*front, *current], [*front, *previous], words)
    assert (
        sum(map(words, front))
        <= shared
        <= min(sum(map(words, [*front, *previous])), sum(map(words, [*front, *current])))
    )


@given(request=contents)
def test_a_request_shares_all_with_itself_and_nothing_with_none(request: list[str]) -> None:
    assert common_prefix_tokens(request, request, words) == sum(map(words, request))
    assert common_prefix_tokens([], request, words) == 0


def test_the_border_between_messages_is_not_read_over() -> None:
    assert common_prefix_tokens(["one two", "three"], ["one", "two three"], words) == 1


STATIC = "You answer from the documents. Quote their labels."
PROFILE = "\nThe user works in Berlin and likes short answers."


def request(profile: str, turns: list[str], found: str, question: str) -> list[str]:
    return [STATIC + profile, *turns, f"{found}\n{question}"]


def test_two_turns_share_everything_up_to_the_old_history() -> None:
    history = ["What is a lease?", "A contract of use [S1]."]
    first = request(PROFILE, history, "lease text", "Who pays?")
    second = request(PROFILE, [*history, "Who pays?", "The lessee."], "payment text", "And when?")
    at_least = COUNT(STATIC + PROFILE) + sum(map(COUNT, history))
    assert common_prefix_tokens(first, second, COUNT) == at_least


def test_an_edited_profile_leaves_the_static_part_alone() -> None:
    first = request(PROFILE, ["What is a lease?"], "lease text", "Who pays?")
    second = request("\nMoved to Rome.", ["What is a lease?"], "lease text", "Who pays?")
    assert common_prefix_tokens(first, second, COUNT) == COUNT(STATIC)


def test_the_stable_prefix_ends_before_the_first_turn() -> None:
    tokens: dict[SectionName, int] = {"system": 100, "notes": 20, "profile": 30, "documents": 400, "question": 9}
    assert stable_prefix_tokens(tokens) == 150
    assert stable_prefix_tokens({**tokens, "history": 50}) == 150
    assert stable_prefix_tokens({}) == 0
    assert stable_prefix_tokens({"documents": 5, "question": 5}) == 0


def test_the_stability_of_a_section_is_a_setting() -> None:
    tokens: dict[SectionName, int] = dict.fromkeys(SECTION_ORDER, 10)
    restless = {**DEFAULT_SECTIONS, "profile": DEFAULT_SECTIONS["profile"].model_copy(update={"stability": "turn"})}
    assert stable_prefix_tokens(tokens) == 40
    assert stable_prefix_tokens(tokens, restless) == 30
    fickle = {**DEFAULT_SECTIONS, "notes": DEFAULT_SECTIONS["notes"].model_copy(update={"stability": "turn"})}
    assert stable_prefix_tokens(tokens, fickle) == 20
    assert stable_prefix_tokens({**tokens, "notes": 0}, fickle) == 30, "an empty section is not sent"
    fixed = {name: section.model_copy(update={"stability": "static"}) for name, section in DEFAULT_SECTIONS.items()}
    assert stable_prefix_tokens(tokens, fixed) == 80


def test_a_long_request_is_compared_quickly() -> None:
    text = "word " * 200_000
    assert common_text(text + "a", text + "b") == text
