"""Who takes part, who lends to whom, and who is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.users.known import Preferences
from app.context.users.registration import add_group, hide_user, put_user
from app.evaluation.experiments.panel import Loans, Panel, pin_users
from app.evaluation.personalisation.derangements import NOBODY
from app.evaluation.questions import Question
from configs.errors import InvalidInputError
from configs.part import JsonObject
from tests.app.evaluation.world import WORKSPACE, World


def asked_by(user_id: str | None, **fields: object) -> Question:
    values: JsonObject = {"id": "q", "question": "?", "evidence": [], "tags": [], "user_id": user_id, **fields}
    return Question.model_validate(values)


@given(st.lists(st.sampled_from(["red", "blue", "none"]), max_size=9), st.integers(0, 5))
def test_everybody_borrows_from_others_of_the_right_kind_in_every_draw(groups: list[str], seed: int) -> None:
    named = {f"u{number}": [] if group == "none" else [group] for number, group in enumerate(groups)}
    panel = Panel.of(named, seed)
    turned = Panel.of(dict(reversed(named.items())), seed)
    assert [turned.donors_of(user) for user in named] == [panel.donors_of(user) for user in named]
    for number, user in enumerate(panel.users):
        for drawn, is_within in ((panel.within, True), (panel.across, False)):
            lenders = {*drawn.donors[:, number].tolist()} - {NOBODY}
            assert number not in lenders
            for lender in lenders:
                shares = bool({*named[user]} & {*named[panel.users[lender]]})
                assert shares == is_within
            assert lenders <= {*panel.donors_of(user)}
        assert len(panel.donors_of(user)) <= len(named) - 1


def test_what_is_lent_is_counted_by_hand() -> None:
    panel = Panel.of({"ann": ["red"], "ben": ["red"], "cleo": []}, seed=1)
    assert panel.users == ("ann", "ben", "cleo")
    assert {user: panel.donors_of(user) for user in panel.users} == {
        "ann": (1, 2), "ben": (0, 2), "cleo": (0, 1),
    }  # fmt: skip
    sampled, other = asked_by("ann"), asked_by("ben", origin="active")
    unanswerable, nobodys, stranger = asked_by("ben", unanswerable=True), asked_by(None), asked_by("dan")
    questions = [sampled, sampled, other, unanswerable, nobodys, stranger]
    assert panel.loans(questions) == Loans(questions=2, answers=2 * (1 + 2))


def test_users_are_pinned_with_their_groups_and_who_opted_out_takes_no_part(world: World) -> None:
    with world.database.write() as session:
        for group in ("red", "blue"):
            add_group(session, WORKSPACE, group, "")
        put_user(session, WORKSPACE, "ann", groups=("red", "blue"), preferences=Preferences(), opted_out=False)
        put_user(session, WORKSPACE, "ben", groups=(), preferences=Preferences(), opted_out=True)
        questions = [asked_by("ben"), asked_by("ann"), asked_by("ann"), asked_by(None)]
        assert pin_users(session, WORKSPACE, questions) == {"ann": ["blue", "red"]}
        assert pin_users(session, WORKSPACE, [asked_by(None)]) == {}


def test_users_who_are_not_there_are_all_named(world: World) -> None:
    with world.database.write() as session:
        put_user(session, WORKSPACE, "gone", groups=(), preferences=Preferences(), opted_out=False)
        hide_user(session, WORKSPACE, "gone")
        with pytest.raises(InvalidInputError) as caught:
            pin_users(session, WORKSPACE, [asked_by("zoe"), asked_by("gone"), asked_by("zoe")])
    assert caught.value.code == "unknown_user"
    assert caught.value.extra == {"users": ["gone", "zoe"], "count": 2}
    assert "'gone', 'zoe'" in caught.value.detail


def test_a_question_of_tomorrow_is_refused(world: World) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with world.database.write() as session:
        put_user(session, WORKSPACE, "ann", groups=(), preferences=Preferences(), opted_out=False)
        with pytest.raises(InvalidInputError) as caught:
            pin_users(session, WORKSPACE, [asked_by("ann", asked_at=tomorrow)])
        assert caught.value.code == "asked_in_future"
        assert pin_users(session, WORKSPACE, [asked_by("ann", asked_at=tomorrow - timedelta(days=2))]) == {"ann": []}
