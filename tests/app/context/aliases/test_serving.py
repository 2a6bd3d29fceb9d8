"""Who gets which version: canaries are stable, nested and of the size that was asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.aliases.serving import is_in_canary, serve
from configs.errors import NotFoundError
from tests.app.context.aliases.bots import BOT, Bots
from tests.app.evaluation.world import WORKSPACE

USERS = [f"user-{number}" for number in range(20_000)]


@pytest.mark.parametrize("percent", [1, 10, 50, 90])
def test_a_canary_has_its_share_of_the_users(percent: int) -> None:
    share = sum(is_in_canary("bot", user, percent) for user in USERS) / len(USERS)
    expected = percent / 100
    deviation = (expected * (1 - expected) / len(USERS)) ** 0.5
    assert abs(share - expected) < 4 * deviation


@given(alias=st.text(max_size=20), user=st.text(max_size=64), percents=st.tuples(*[st.integers(0, 100)] * 2))
def test_who_is_in_stays_in_when_the_share_grows(alias: str, user: str, percents: tuple[int, int]) -> None:
    small, large = sorted(percents)
    assert is_in_canary(alias, user, small) <= is_in_canary(alias, user, large)
    assert not is_in_canary(alias, user, 0)
    assert is_in_canary(alias, user, 100)


def test_places_are_the_same_in_every_process_and_release() -> None:
    inside = [user for user in USERS[:60] if is_in_canary("bot", user, 10)]
    assert inside == ["user-20", "user-28", "user-47", "user-53", "user-57"], "by sha256sum"


def test_two_aliases_have_independent_canaries() -> None:
    one, two = ({user for user in USERS if is_in_canary(alias, user, 50)} for alias in ("bot", "other"))
    assert abs(len(one & two) / len(USERS) - 0.25) < 0.02


def test_the_candidate_answers_the_canary_alone(bots: Bots) -> None:
    bots.promote("small", 1)
    bots.candidate("small", 2, percent=50)
    for user in USERS[:40]:
        expected = ("canary", "small", 2) if is_in_canary(BOT, user, 50) else ("active", "small", 1)
        assert bots.answers(user) == expected
    assert bots.answers(None) == ("active", "small", 1)


def test_a_canary_ends_with_promotion_and_rollback(bots: Bots) -> None:
    bots.promote("small", 1)
    bots.candidate("small", 2, percent=100)
    bots.promote_candidate()
    assert bots.answers("ann") == ("active", "small", 2)
    bots.candidate("nothing", percent=100)
    bots.roll_back()
    assert bots.answers("ann") == ("active", "small", 1)
    assert bots.row().candidate_strategy == "nothing"


def test_an_unknown_alias_is_not_found(bots: Bots) -> None:
    with bots.world.database.read() as session, pytest.raises(NotFoundError, match="absent"):
        serve(session, WORKSPACE, "absent", None)
