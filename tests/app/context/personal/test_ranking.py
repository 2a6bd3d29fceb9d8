"""The order that bans and boosts make, against one worked out without arrays."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.context.passages import Candidate
from app.context.personal.material import NOTHING_PERSONAL, PersonalMaterial
from app.context.personal.ranking import personal_order
from app.context.users.banned_sources import Ban
from app.context.users.feedback_boosts import BoostParts
from tests.app.context.library import Library

DOCUMENTS = "abcdef"
LIBRARY = Library({f"{name}-1": f"text of {name}" for name in DOCUMENTS})
BAN = Ban(by="tag", value="old")


def boost(document_id: str, total: float) -> BoostParts:
    return BoostParts(
        document_id=document_id, own_feedback=total, workspace_feedback=0.0, preferred_source=0.0, preferred_tag=0.0,
        total=total,
    )  # fmt: skip


def found(scores: list[float], documents: str = DOCUMENTS) -> list[Candidate]:
    """Return candidates with these scores, one for each letter of `documents`, ranked as given."""
    candidates = []
    for rank, (name, score) in enumerate(zip(documents, scores, strict=False), start=1):
        candidate = LIBRARY.candidate(rank, f"{name}-1")
        candidates.append(replace(candidate, hit=replace(candidate.hit, score=score)))
    return candidates


def personal(banned: str = "", **totals: float) -> PersonalMaterial:
    return PersonalMaterial(
        bans=dict.fromkeys(banned, BAN), boosts={name: boost(name, total) for name, total in totals.items()}
    )


def order_of(candidates: list[Candidate], what: PersonalMaterial) -> str:
    return "".join(one.hit.document_id for one in personal_order(candidates, what).candidates)


scores = st.lists(st.sampled_from([0.0, 0.25, 0.3, 0.5, 1.0, 7.5, -3.0]) | st.floats(-1e3, 1e3), max_size=9).map(
    lambda some: sorted(some, reverse=True)
)
totals = st.dictionaries(st.sampled_from(DOCUMENTS), st.sampled_from([0.0, 0.05, -0.1]) | st.floats(-0.2, 0.2))
bans = st.sets(st.sampled_from(DOCUMENTS), max_size=3).map(lambda some: "".join(sorted(some)))


@given(scores=scores, totals=totals, banned=bans, documents=st.permutations(DOCUMENTS * 2))
def test_the_order_is_that_of_normalised_and_boosted_scores(
    scores: list[float], totals: dict[str, float], banned: str, documents: list[str]
) -> None:
    candidates = found(scores, "".join(documents))
    result = personal_order(candidates, personal(banned, **totals))
    allowed = [one for one in candidates if one.hit.document_id not in banned]
    factors = [totals.get(one.hit.document_id, 0.0) for one in allowed]
    expected = [one.hit.score for one in allowed]
    if any(factors):
        lowest, spread = min(expected), max(expected) - min(expected)
        normal = [(score - lowest) / spread if spread else 0.5 for score in expected]
        expected = [score * (1 + factor) for score, factor in zip(normal, factors, strict=True)]
    order = sorted(range(len(allowed)), key=lambda number: -expected[number])
    assert [(one.hit.ordinal, one.hit.score) for one in result.candidates] == [
        (allowed[number].hit.ordinal, expected[number]) for number in order
    ]


@given(scores=scores, totals=totals, banned=bans, documents=st.permutations(DOCUMENTS * 2))
def test_every_candidate_has_one_place_and_remembers_the_old_one(
    scores: list[float], totals: dict[str, float], banned: str, documents: list[str]
) -> None:
    candidates = found(scores, "".join(documents))
    what = personal(banned, **totals)
    result = personal_order(candidates, what)
    hits = [*(one.hit for one in result.candidates), *(one.hit for one in result.banned)]
    assert [hit.rank for hit in hits] == list(range(1, len(candidates) + 1))
    assert {one.reason for one in result.banned} <= {"banned_source"}
    if not result.found_at:
        return
    before = {one.hit.rank: one for one in candidates}
    for hit in hits:
        at = result.found_at[hit.rank]
        old = before.pop(at.rank).hit
        assert replace(hit, rank=old.rank, score=old.score) == old
        assert at.score == old.score
        assert at.is_banned == (old.document_id in banned)
        assert at.boost == (None if at.is_banned else what.boosts.get(old.document_id))
    assert before == {}


@given(scores=scores, totals=totals, banned=bans)
def test_boosted_scores_stay_within_a_fifth_of_the_whole_range(
    scores: list[float], totals: dict[str, float], banned: str
) -> None:
    result = personal_order(found(scores), personal(banned, **totals))
    if any(totals.get(one.hit.document_id) for one in result.candidates):
        assert all(0 <= one.hit.score <= 1.2 for one in result.candidates)


@given(scores=scores, zeros=st.sets(st.sampled_from(DOCUMENTS)))
def test_without_a_ban_or_a_boost_nothing_is_touched(scores: list[float], zeros: set[str]) -> None:
    candidates = found(scores)
    for what in (NOTHING_PERSONAL, personal("z", z=0.2), personal("", **dict.fromkeys(zeros, 0.0))):
        result = personal_order(candidates, what)
        assert result.candidates is candidates
        assert (result.banned, result.found_at) == ([], {})


def test_equal_scores_keep_their_order() -> None:
    assert order_of(found([1.0, 1.0, 1.0, 1.0]), personal(c=0.1)) == "cabd"
    assert order_of(found([1.0, 1.0, 1.0, 1.0]), personal(b=-0.1)) == "acdb"
    assert order_of(found([2.0, 1.0, 1.0, 0.0]), personal(banned="a", d=0.2)) == "bcd"


def test_a_boost_overtakes_only_what_is_near() -> None:
    assert order_of(found([1.0, 0.9, 0.5, 0.0]), personal(b=0.2)) == "bacd"
    assert order_of(found([1.0, 0.9, 0.5, 0.0]), personal(c=0.2, d=0.2)) == "abcd"
    assert order_of(found([1.0, 0.9, 0.7, 0.0]), personal(a=-0.2, c=0.2)) == "bcad"


def test_a_ban_alone_keeps_the_scores() -> None:
    result = personal_order(found([9.0, 4.0, 2.0]), personal(banned="b"))
    assert [(one.hit.document_id, one.hit.rank, one.hit.score) for one in result.candidates] == [
        ("a", 1, 9.0), ("c", 2, 2.0),
    ]  # fmt: skip
    (banned,) = result.banned
    assert (banned.hit.document_id, banned.hit.rank, banned.hit.score) == ("b", 3, 4.0)


def test_scores_are_normalised_over_what_is_not_banned() -> None:
    result = personal_order(found([100.0, 3.0, 2.0, 1.0]), personal(banned="a", d=0.1))
    assert [one.hit.score for one in result.candidates] == [1.0, 0.5, 0.0]


def test_a_ban_outweighs_a_boost() -> None:
    result = personal_order(found([1.0, 0.5]), personal(banned="a", a=0.2))
    assert [one.hit.score for one in result.candidates] == [0.5]
    assert result.found_at[2].boost is None


def test_everything_may_be_banned() -> None:
    result = personal_order(found([2.0, 1.0]), personal(banned="ab"))
    assert list(result.candidates) == []
    assert [(one.hit.document_id, one.hit.rank) for one in result.banned] == [("a", 1), ("b", 2)]
