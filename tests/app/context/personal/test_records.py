"""What a receipt says of the user: every decision once, by id and number, and never a word of what was said."""

from __future__ import annotations

from collections import Counter
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from app.context.assembled import Assembled
from app.context.assembly import assemble
from app.context.personal.fitting import ItemDecision, ItemReason
from app.context.personal.material import PersonalMaterial
from app.context.personal.ranking import FoundAt
from app.context.personal.records import AnswerWishes, BoostRecord, ItemRecord, SectionRecord
from app.context.receipt import Receipt, receipt_of
from app.context.sections.settings import SECTION_ORDER
from app.context.users.banned_sources import Ban
from app.context.users.feedback_boosts import BoostParts
from app.context.users.known import Preferences
from tests.app.context.library import Library, nonces, prose
from tests.app.context.personal.planted import material, memory, policy

few = settings(max_examples=30)

LIBRARY = Library({f"{name}-1": prose(60, seed) for seed, name in enumerate("abcd")})
CANDIDATES = [LIBRARY.candidate(rank, version_id) for rank, version_id in enumerate(LIBRARY.versions, start=1)]
BOOST = BoostParts(
    document_id="c", own_feedback=0.1, workspace_feedback=0.02, preferred_source=0.05, preferred_tag=0.03, total=0.2
)


@st.composite
def secretive(draw: st.DrawFn) -> PersonalMaterial:
    """Draw material in which every word of the user begins with `zq`, which nothing else contains."""
    numbers = count()

    def words(size: int) -> str:
        return " ".join(f"zq{next(numbers)}x" for _ in range(size))

    texts = [[words(size) for size in draw(st.lists(st.integers(1, 50), max_size=5))] for _ in range(3)]
    return material(
        *texts, workspace_instructions="Be kind.", notes="Tools: none.",
        preferences=Preferences(language=draw(st.sampled_from([None, "German"])), banned_sources=("zqbanned",)),
        bans=draw(st.sampled_from([{}, {"a": Ban(by="source", value="zqbanned")}])),
        boosts=draw(st.sampled_from([{}, {"c": BOOST}])),
    )  # fmt: skip


def made(personal: PersonalMaterial, budget_tokens: int = 4_000, kind: str = "text", **settings: Any) -> Assembled:
    chosen = policy(kind, budget_tokens=budget_tokens, **settings)
    return assemble(
        chosen, "When are refunds paid?", CANDIDATES, text_of=LIBRARY.text_of, nonce=nonces(), personal=personal
    )


kinds = st.sampled_from(["text", "openai_messages"])


@few
@given(personal=secretive(), budget_tokens=st.integers(150, 1_500), kind=kinds)
def test_every_text_and_candidate_has_one_decision(personal: PersonalMaterial, budget_tokens: int, kind: str) -> None:
    receipt = receipt_of(made(personal, budget_tokens, kind))
    wishes = ["preference:language"] if personal.preferences.language else []
    known = [
        *wishes, *(one.id for one in personal.facts), *(one.id for one in personal.turns),
        *(one.memory.id for one in personal.memories),
    ]  # fmt: skip
    assert [one.id for one in receipt.items] == known
    assert all(one.included == (one.reason != "budget") == (one.sent_characters is not None) for one in receipt.items)
    assert Counter(one.document_id for one in receipt.candidates) == Counter("abcd")
    assert [one.rank for one in receipt.candidates] == [1, 2, 3, 4]


@few
@given(personal=secretive(), budget_tokens=st.integers(150, 1_500), kind=kinds)
def test_a_receipt_comes_back_from_json_and_holds_no_word_of_the_user(
    personal: PersonalMaterial, budget_tokens: int, kind: str
) -> None:
    receipt = receipt_of(made(personal, budget_tokens, kind))
    written = receipt.model_dump_json()
    assert Receipt.model_validate_json(written) == receipt
    assert Receipt.model_validate(receipt.model_dump(mode="json")) == receipt
    assert "zq" not in written
    assert (receipt.workspace_instructions, receipt.notes) == ("Be kind.", "Tools: none.")
    assert receipt.wishes.language == personal.preferences.language


@few
@given(personal=secretive(), budget_tokens=st.integers(150, 1_500), kind=kinds)
def test_sections_stand_in_order_and_their_tokens_add_up(
    personal: PersonalMaterial, budget_tokens: int, kind: str
) -> None:
    receipt = receipt_of(made(personal, budget_tokens, kind))
    assert tuple(one.name for one in receipt.sections) == SECTION_ORDER
    assert sum(one.used_tokens for one in receipt.sections) == receipt.tokens.total <= budget_tokens
    assert sum(one.allocated_tokens for one in receipt.sections) <= budget_tokens
    for one in receipt.sections:
        if one.name in ("profile", "history", "memories"):
            assert one.used_tokens <= one.allocated_tokens <= one.wanted_tokens


@few
@given(personal=secretive(), budget_tokens=st.integers(150, 1_500))
def test_memories_keep_the_scores_by_which_they_came(personal: PersonalMaterial, budget_tokens: int) -> None:
    receipt = receipt_of(made(personal, budget_tokens))
    for one in receipt.items:
        parts = (one.score, one.recency, one.importance, one.relevance)
        assert parts == ((0.75, 1.0, 0.5, 0.25) if one.section == "memories" else (None, None, None, None))


@pytest.mark.parametrize(
    ("reason", "characters", "is_included"), [("sent", 9, True), ("cut", 3, True), ("budget", None, False)]
)
def test_a_record_of_a_decision(reason: ItemReason, characters: int | None, is_included: bool) -> None:
    decision = ItemDecision(
        section="memories", id="memory-0", rank=2, reason=reason, tokens=5, sent_characters=characters
    )
    assert ItemRecord.of(decision, memory(0, "likes tea")).model_dump() == {
        "section": "memories", "id": "memory-0", "rank": 2, "included": is_included, "reason": reason, "tokens": 5,
        "sent_characters": characters, "score": 0.75, "recency": 1.0, "importance": 0.5, "relevance": 0.25,
    }  # fmt: skip
    bare = ItemRecord.of(decision, None)
    assert (bare.score, bare.recency, bare.importance, bare.relevance) == (None, None, None, None)


def test_a_record_of_a_former_place() -> None:
    lifted = BoostRecord.of(FoundAt(rank=3, score=0.4, boost=BOOST))
    assert lifted.model_dump() == {
        "found_rank": 3, "found_score": 0.4, "total": 0.2, "own_feedback": 0.1, "workspace_feedback": 0.02,
        "preferred_source": 0.05, "preferred_tag": 0.03,
    }  # fmt: skip
    passed = BoostRecord.of(FoundAt(rank=1, score=0.9, boost=None))
    banned = BoostRecord.of(FoundAt(rank=1, score=0.9, boost=None, is_banned=True))
    assert (passed.total, banned.total) == (0.0, None)
    assert (passed.own_feedback, banned.own_feedback) == (None, None)


def test_bans_and_boosts_are_told_for_all_or_for_none() -> None:
    plain = receipt_of(made(PersonalMaterial()))
    moved = receipt_of(made(PersonalMaterial(bans={"a": Ban(by="source", value="a")}, boosts={"c": BOOST})))
    assert [one.boost for one in plain.candidates] == [None] * 4
    told = {one.document_id: one.boost for one in moved.candidates}
    assert {name: None if one is None else (one.found_rank, one.total) for name, one in told.items()} == {
        "a": (1, None), "b": (2, 0.0), "c": (3, 0.2), "d": (4, 0.0),
    }  # fmt: skip
    assert [one.document_id for one in moved.candidates][-1] == "a"
    assert [one.reason for one in moved.candidates][-1] == "banned_source"


def test_a_receipt_from_before_there_were_users_can_be_read() -> None:
    content = receipt_of(made(PersonalMaterial())).model_dump(mode="json")
    for name in ("workspace_instructions", "notes", "wishes", "sections", "items"):
        del content[name]
    for name in ("workspace_instructions", "notes", "profile", "history", "memories"):
        del content["tokens"][name]
    old = Receipt.model_validate(content)
    assert (old.items, old.sections, old.wishes) == ((), (), AnswerWishes())
    assert old.tokens.profile == 0


def test_a_record_takes_nothing_that_it_does_not_know() -> None:
    values = {"name": "profile", "wanted_tokens": 1, "allocated_tokens": 1, "used_tokens": 1}
    assert SectionRecord.model_validate(values).used_tokens == 1
    with pytest.raises(ValidationError, match="text"):
        SectionRecord.model_validate({**values, "text": "likes tea"})
