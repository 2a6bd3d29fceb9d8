"""Which facts, turns and memories are sent, with words for tokens so that every sum can be checked by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.personal.fitting import FittedSections, SectionFitter, profile_lines
from app.context.personal.material import NOTHING_PERSONAL, PersonalMaterial
from app.context.users.known import Preferences
from configs.errors import InvalidInputError
from tests.app.context.personal.planted import fact, material, materials, policy

SIZES = (3, 5, 2, 4)
"""Words of the texts; each line costs one word more, for its key, dash or speaker."""

FRAMES = {"profile": 2, "history": 2, "memories": 3}
"""Words of the tags around a section; an empty line of memories is counted with them."""

SENT, CUT, LEFT = "sent", "cut", "budget"
LINES = {"facts": "profile", "turns": "history", "memories": "memories"}


def count_words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def words(size: int) -> str:
    return " ".join(f"w{number}" for number in range(size))


def part(size: int, kept: int, overflow: str) -> str:
    """Return what is left of so many words: the first ones, where the beginning is cut off the last ones."""
    chosen = words(size).split()
    return " ".join(chosen[size - kept :] if overflow == "truncate_head" else chosen[:kept])


def fitter(personal: PersonalMaterial, kind: str = "text", **sections: Any) -> SectionFitter:
    return SectionFitter(policy(kind, sections=sections), personal, count_words)


def fitted(what: str, allowed_words: int, overflow: str, kind: str = "text") -> FittedSections:
    """Return the section of `what`, four lines of 4, 6, 3 and 5 words, fitted into so many words beside its tags."""
    name = LINES[what]
    settings = {"maximum_tokens": FRAMES[name] + allowed_words, "overflow": overflow}
    some: Any = {what: [words(size) for size in SIZES]}
    return fitter(material(**some), kind, **{name: settings}).fit(1_000, {}, 0)


def reasons(fitted: FittedSections) -> list[str]:
    return [one.reason for one in fitted.items]


@pytest.mark.parametrize("what", ["facts", "memories"])
@pytest.mark.parametrize(
    ("overflow", "allowed_words", "expected"),
    [
        ("drop_lowest", 9, [SENT, LEFT, SENT, LEFT]),
        ("drop_lowest", 12, [SENT, SENT, LEFT, LEFT]),
        ("drop_lowest", 3, [LEFT, LEFT, SENT, LEFT]),
        ("drop_oldest", 9, [LEFT, LEFT, SENT, SENT]),
        ("truncate_tail", 9, [SENT, LEFT, LEFT, LEFT]),
        ("truncate_head", 9, [LEFT, LEFT, SENT, SENT]),
        ("truncate_head", 4, [LEFT, LEFT, LEFT, LEFT]),
        ("truncate_tail", 18, [SENT, SENT, SENT, SENT]),
    ],
)
def test_facts_and_memories_are_whole_or_absent(
    what: str, overflow: str, allowed_words: int, expected: list[str]
) -> None:
    result = fitted(what, allowed_words, overflow)
    assert reasons(result) == expected
    sent_words = sum(size + 1 for size, reason in zip(SIZES, expected, strict=True) if reason == SENT)
    assert result.used_tokens == (FRAMES[LINES[what]] + sent_words if sent_words else 0)
    assert [one.sent_characters for one in result.items] == [
        (len(words(size)) + (len("key0: ") if what == "facts" else 0)) if reason == SENT else None
        for size, reason in zip(SIZES, expected, strict=True)
    ]


@pytest.mark.parametrize(
    ("overflow", "allowed_words", "expected", "cut_words"),
    [
        ("drop_lowest", 9, [SENT, LEFT, SENT, LEFT], None),
        ("drop_oldest", 9, [LEFT, LEFT, SENT, SENT], None),
        ("drop_oldest", 4, [LEFT, LEFT, LEFT, CUT], 3),
        ("drop_oldest", 1, [LEFT, LEFT, LEFT, LEFT], None),
        ("truncate_tail", 9, [SENT, CUT, LEFT, LEFT], 4),
        ("truncate_tail", 5, [SENT, LEFT, LEFT, LEFT], None),
        ("truncate_head", 11, [LEFT, CUT, SENT, SENT], 2),
        ("truncate_head", 9, [LEFT, LEFT, SENT, SENT], None),
        ("truncate_tail", 18, [SENT, SENT, SENT, SENT], None),
    ],
)
def test_a_turn_at_the_border_is_cut(
    overflow: str, allowed_words: int, expected: list[str], cut_words: int | None
) -> None:
    result = fitted("turns", allowed_words, overflow)
    assert reasons(result) == expected
    sent = [turn.text for turn in result.texts.history]
    assert sent == [
        part(size, size if reason == SENT else cut_words or 0, overflow)
        for size, reason in zip(SIZES, expected, strict=True)
        if reason != LEFT
    ]
    assert [one.sent_characters for one in result.items if one.reason != LEFT] == [len(text) for text in sent]
    whole = sum(one.tokens for one in result.items if one.reason == SENT)
    assert result.used_tokens == (2 + allowed_words if cut_words else 2 + whole if whole else 0)


def test_a_turn_that_is_a_message_is_cut_to_what_its_frame_leaves() -> None:
    result = fitted("turns", 7, "drop_oldest", "openai_messages")
    assert [one.tokens for one in result.items] == [7, 9, 6, 8]
    assert reasons(result) == [LEFT, LEFT, LEFT, CUT]
    (turn,) = result.texts.history
    assert (turn.role, turn.text) == ("assistant", words(3))


@pytest.mark.parametrize("what", ["facts", "turns", "memories"])
def test_a_section_that_must_fit_is_refused_whole(what: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        fitted(what, 17, "fail")
    name, needed = LINES[what], 18 + FRAMES[LINES[what]]
    assert caught.value.code == "sections_do_not_fit"
    assert caught.value.extra["sections"] == {name: needed}
    assert reasons(fitted(what, 18, "fail")) == [SENT] * 4


def test_who_is_wanted_first_takes_what_is_left_once_shares_are_met() -> None:
    personal = material(facts=[words(20)] * 9, turns=[words(20)] * 9, memories=[words(20)] * 9)
    result = fitter(personal).fit(1_000, {"system": 60, "question": 40}, 5_000)
    given = {use.name: use.allocated_tokens for use in result.uses}
    wanted = {use.name: use.wanted_tokens for use in result.uses}
    assert wanted == {
        "system": 60, "workspace_instructions": 0, "notes": 0, "question": 40, "documents": 5_000,
        "profile": 2 + 9 * 21, "history": 2 + 9 * 21, "memories": 3 + 9 * 21,
    }  # fmt: skip
    # Of the 900 left, history wants less than its share of 225; documents, first by priority, take the rest of it.
    assert given == {
        "system": 60, "workspace_instructions": 0, "notes": 0, "profile": 45, "history": 191, "memories": 90,
        "documents": 574, "question": 40,
    }  # fmt: skip
    kept = (len(result.texts.profile), len(result.texts.history), len(result.texts.memories))
    assert kept == ((45 - 2) // 21, 9, (90 - 3) // 21)


def test_a_minimum_holds_against_documents_that_want_everything() -> None:
    personal = material(memories=[words(9)] * 3)
    sections: dict[str, Any] = {"memories": {"share": 0.0, "minimum_tokens": 23}}
    result = fitter(personal, **sections).fit(60, {}, 9_999)
    given = {use.name: use.allocated_tokens for use in result.uses}
    assert (given["memories"], given["documents"]) == (23, 37)
    assert reasons(result) == [SENT, SENT, LEFT]
    with pytest.raises(InvalidInputError, match="its minimum"):
        fitter(personal, **sections).fit(22, {}, 9_999)


def test_a_minimum_asks_for_no_more_than_is_wanted() -> None:
    result = fitter(material(memories=["tea"]), memories={"minimum_tokens": 1_000}).fit(20, {}, 0)
    assert result.used_tokens == 5
    assert {use.name: use.allocated_tokens for use in result.uses}["memories"] == 5


def test_a_maximum_holds_though_the_budget_is_wide_open() -> None:
    result = fitter(material(facts=[words(3)] * 5), profile={"maximum_tokens": 10}).fit(1_000, {}, 0)
    assert reasons(result) == [SENT, SENT, LEFT, LEFT, LEFT]
    assert result.used_tokens == 10


def test_wishes_come_before_facts_and_keep_their_names() -> None:
    lines = profile_lines([fact(0, "Berlin")], Preferences(language="German", verbosity="brief"))
    assert [(one.id, one.text, one.rank) for one in lines] == [
        ("preference:language", "language of answers: German", 1),
        ("preference:verbosity", "length of answers: brief", 2),
        ("fact-0", "key0: Berlin", 3),
    ]
    assert profile_lines([], Preferences(banned_tags=("old",), preferred_sources=("a",))) == []


def test_a_long_wish_leaves_no_room_for_facts_behind_it() -> None:
    personal = material(facts=["Berlin"], preferences=Preferences(language="German"))
    result = fitter(personal, profile={"maximum_tokens": 6}).fit(1_000, {}, 0)
    assert [(one.id, one.reason) for one in result.items] == [("preference:language", SENT), ("fact-0", LEFT)]


@pytest.mark.parametrize("kind", ["text", "openai_messages"])
def test_nothing_known_takes_nothing(kind: str) -> None:
    result = fitter(NOTHING_PERSONAL, kind).fit(10, {"system": 10}, 0)
    assert (result.items, result.used_tokens) == ((), 0)
    assert sum(use.allocated_tokens for use in result.uses) == 10


def test_what_only_orders_documents_wants_no_tokens() -> None:
    result = fitter(material(preferences=Preferences(banned_tags=("old",)))).fit(1_000, {}, 0)
    assert (result.items, result.used_tokens) == ((), 0)


said = st.integers(1, 12).map(words)


@given(personal=materials(said), available_words=st.integers(0, 150), kind=st.sampled_from(["text", "openai_messages"]))
def test_nothing_at_all_fits_into_no_tokens_and_everything_into_enough(
    personal: PersonalMaterial, available_words: int, kind: str
) -> None:
    some = fitter(personal, kind)
    none, limited, whole = (some.fit(tokens, {}, 0) for tokens in (0, available_words, 5_000))
    assert set(reasons(none)) <= {LEFT}
    assert set(reasons(whole)) <= {SENT}
    assert none.used_tokens == 0
    assert limited.used_tokens <= available_words
    assert whole.used_tokens == sum(use.wanted_tokens for use in whole.uses)
