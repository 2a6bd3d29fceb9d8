"""From whoever asks to the material: what each switch of the policy takes away, and whose feedback counts."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.found_passages import Passage
from app.context.locations import NOWHERE
from app.context.personal.asker import Asker, nobody
from app.context.personal.gathering import gathered
from app.context.personal.material import NOTHING_PERSONAL, PersonalMaterial
from app.context.personal.policy import PersonalisationPolicy
from app.context.users.banned_sources import Ban
from app.context.users.known import Preferences
from configs.span import Span
from indexes.search import Hit
from tests.app.context.personal.planted import MOMENT, asker, fact, feedback, memory, turn

PREFERENCES = Preferences(
    language="German", preferred_sources=("handbook",), banned_sources=("gossip",), preferred_tags=("new",),
    banned_tags=("old",),
)  # fmt: skip
ANN = asker(
    preferences=PREFERENCES,
    facts=(fact(0, "Berlin", 0.5), fact(1, "R&D", 0.9)),
    turns=(turn(0, "Hello"), turn(1, "Hi!")),
    feedback=(feedback("liked"),),
)
MEMORIES = (memory(0, "likes tea"), memory(1, "works late"))
OTHERS = (*(feedback("liked", number=number) for number in range(5)), feedback("foreign", number=9))


def passage(document_id: str, tags: tuple[str, ...] = (), rank: int = 1) -> Passage:
    hit = Hit(
        rank=rank, document_id=document_id, version_id=f"{document_id}-1", ordinal=0, span=Span(0, 4), tokens=1,
        score=1.0, stores={},
    )  # fmt: skip
    return Passage(
        hit=hit, text="text", measure=None, external_id=document_id, title="", file_name="", tags=tags,
        heading_path=(), location=NOWHERE,
    )  # fmt: skip


PASSAGES = [
    passage("handbook"), passage("gossip", rank=2), passage("plain", rank=3), passage("liked", ("new",), rank=4),
    passage("yellowed", ("old",), rank=5), passage("foreign", rank=6), passage("handbook", rank=7),
]  # fmt: skip


def gather(who: Asker = ANN, **settings: Any) -> PersonalMaterial:
    policy = PersonalisationPolicy.model_validate(settings)
    return gathered(policy, who, PASSAGES, MEMORIES if policy.memories else (), OTHERS)


EVERYTHING = gather()


def test_everything_that_is_known_enters() -> None:
    assert (EVERYTHING.workspace_instructions, EVERYTHING.notes) == ("Be kind.", "Tools: none.")
    assert [one.id for one in EVERYTHING.facts] == ["fact-1", "fact-0"]
    assert EVERYTHING.turns == ANN.known.turns
    assert EVERYTHING.memories == MEMORIES
    assert EVERYTHING.preferences == PREFERENCES
    assert EVERYTHING.bans == {"gossip": Ban(by="source", value="gossip"), "yellowed": Ban(by="tag", value="old")}
    assert set(EVERYTHING.boosts) == {"handbook", "liked"}
    liked = EVERYTHING.boosts["liked"]
    assert liked.own_feedback > 0
    assert liked.workspace_feedback > 0
    assert (liked.preferred_source, liked.preferred_tag) == (0.0, 0.05)
    assert EVERYTHING.boosts["handbook"].total == EVERYTHING.boosts["handbook"].preferred_source == 0.05


@pytest.mark.parametrize(
    ("switch", "changed"),
    [
        ("profile", {"facts"}),
        ("history", {"turns"}),
        ("memories", {"memories"}),
        ("preferences", {"preferences", "bans", "boosts"}),
        ("feedback", {"boosts"}),
    ],
)
def test_each_switch_takes_away_its_own_and_nothing_else(switch: str, changed: set[str]) -> None:
    without = gather(ANN, **{switch: False})
    differing = {one.name for one in fields(without) if getattr(without, one.name) != getattr(EVERYTHING, one.name)}
    assert differing == changed


def test_without_preferences_only_feedback_lifts() -> None:
    without = gather(preferences=False)
    assert without.preferences == Preferences()
    assert without.bans == {}
    assert set(without.boosts) == {"liked"}
    assert without.boosts["liked"].preferred_tag == 0.0


@pytest.mark.parametrize("evidence", ["none", "with_own", "alone"])
def test_without_feedback_only_preferences_lift(evidence: str) -> None:
    without = gather(feedback=False, boosts={"workspace_evidence": evidence})
    assert {name: one.total for name, one in without.boosts.items()} == {"handbook": 0.05, "liked": 0.05}


@pytest.mark.parametrize(
    ("evidence", "lifted_by_others"), [("none", set()), ("with_own", {"liked"}), ("alone", {"liked", "foreign"})]
)
def test_others_count_as_far_as_the_policy_lets_them(evidence: str, lifted_by_others: set[str]) -> None:
    boosts = gather(boosts={"workspace_evidence": evidence}).boosts
    assert {name for name, one in boosts.items() if one.workspace_feedback > 0} == lifted_by_others


def test_who_gave_no_feedback_gets_no_boost_from_that_of_others() -> None:
    assert gather(asker()).boosts == {}


def test_the_more_own_feedback_the_more_that_of_others_counts() -> None:
    more = asker(feedback=tuple(feedback("liked", number=number) for number in range(4)))
    own, others = (gather(who, preferences=False).boosts["liked"] for who in (ANN, more))
    assert others.workspace_feedback > own.workspace_feedback > 0


def test_dislike_lowers() -> None:
    boosts = gather(asker(feedback=(feedback("plain", "thumb_down"),))).boosts
    assert {name: one.total < 0 for name, one in boosts.items()} == {"plain": True}


def test_feedback_on_what_was_not_found_changes_nothing() -> None:
    assert gather(asker(feedback=(feedback("absent"),))).boosts == {}


def test_without_passages_nothing_is_banned_or_lifted() -> None:
    personal = gathered(PersonalisationPolicy(), ANN, [], MEMORIES, OTHERS)
    assert personal == replace(EVERYTHING, bans={}, boosts={})


def test_nobody_in_a_workspace_that_says_nothing_adds_nothing() -> None:
    assert gathered(PersonalisationPolicy(), nobody("w"), PASSAGES, (), ()) == NOTHING_PERSONAL


def test_what_the_workspace_says_holds_for_everybody_and_under_every_policy() -> None:
    switches = ("profile", "history", "memories", "preferences", "feedback")
    who = replace(nobody("w"), workspace_instructions="Be kind.", notes="Tools: none.")
    personal = gather(who, **dict.fromkeys(switches, False))
    assert personal == PersonalMaterial(workspace_instructions="Be kind.", notes="Tools: none.")


def test_preferences_are_those_that_hold_and_not_the_users_own() -> None:
    who = replace(ANN, preferences=Preferences(language="French"))
    assert gather(who).preferences.language == "French"
    assert gather(who).bans == {}


@given(sure=st.lists(st.sampled_from([0.0, 0.3, 0.5, 1.0]), max_size=8))
def test_the_surest_facts_come_first_and_equally_sure_ones_by_key(sure: list[float]) -> None:
    facts = tuple(fact(number, "x", confidence) for number, confidence in enumerate(sure))
    sent = gather(asker(facts=facts[::-1])).facts
    assert sorted(sent, key=lambda one: one.key) == list(facts)
    places = [(-one.confidence, one.key) for one in sent]
    assert places == sorted(places)


def test_feedback_fades_with_the_moment_that_is_asked_for() -> None:
    later = replace(ANN, moment=MOMENT.replace(year=2027))
    fresh, faded = (gather(who, preferences=False).boosts["liked"].own_feedback for who in (ANN, later))
    assert 0 < faded < fresh / 10
