"""The users who ask an experiment's questions: fixed with their groups at creation, and who lends to whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.context.users.tables import GroupMemberRow, UserRow
from app.evaluation.experiments.specification import Contestant
from app.evaluation.personalisation.derangements import (
    NOBODY,
    Derangements,
    across_groups,
    derangements,
    within_groups,
)
from app.evaluation.questions import Question
from configs.errors import InvalidInputError
from indexes.database.engine import now

MOST_SHOWN = 10
USERS_PER_QUERY = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Loans:
    """How many questions are answered with other profiles than the asker's, and how often: nobody's counts as one."""

    questions: int
    answers: int


NO_LOANS = Loans(questions=0, answers=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The users by whom personalisation is judged, with their groups, and the wrong-user placebos among them.

    Users who opted out are none of them. Everywhere a user is a number: the place in `users`, which is sorted.
    """

    users: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]
    within: Derangements
    across: Derangements

    @classmethod
    def of(cls, groups: Mapping[str, Sequence[str]], seed: int) -> Panel:
        """Return the panel of users, given with their groups; equal users and seed give equal placebos."""
        users = tuple(sorted(groups))
        joined = tuple(tuple(groups[user]) for user in users)
        return cls(
            users=users,
            groups=joined,
            within=derangements(users, seed, may_lend=within_groups(joined)),
            across=derangements(users, seed, may_lend=across_groups(joined)),
        )

    def donors_of(self, user_id: str) -> tuple[int, ...]:
        """Return the numbers of all who lend to the user in some draw, in their order."""
        number = self.users.index(user_id)
        drawn = {*self.within.donors[:, number].tolist(), *self.across.donors[:, number].tolist()}
        return tuple(sorted(drawn - {NOBODY}))

    def decides(self, question: Question) -> bool:
        """Tell whether personalisation is judged by the question: sampled, answerable, asked by one of the users."""
        return question.user_id in self.users and question.origin == "sampled" and not question.unanswerable

    def loans(self, questions: Sequence[Question]) -> Loans:
        """Return how often a personal strategy answers the questions with another profile than the asker's own."""
        deciding = [str(question.user_id) for question in questions if self.decides(question)]
        lenders = {user: len(self.donors_of(user)) for user in {*deciding}}
        return Loans(questions=len(deciding), answers=sum(1 + lenders[user] for user in deciding))


def is_personal(contestant: Contestant) -> bool:
    """Tell whether the strategy's contexts may differ by user; reference lines stay outside of every test."""
    return not contestant.is_baseline and contestant.strategy.context.personalisation.is_active


def pin_users(session: Session, workspace_id: str, questions: Sequence[Question]) -> dict[str, list[str]]:
    """Return the groups of each user who asks one of the questions and did not opt out.

    Raises InvalidInputError: `unknown_user` for users who are not there, `asked_in_future` for questions that are not
    asked yet, as what will be known then is not known now.
    """
    asking = sorted({question.user_id for question in questions if question.user_id is not None})
    groups, opted_out = _groups_and_consent(session, workspace_id, asking)
    unknown = [user for user in asking if user not in opted_out]
    if unknown:
        shown = ", ".join(map(repr, unknown[:MOST_SHOWN])) + ("" if len(unknown) <= MOST_SHOWN else ", …")
        raise InvalidInputError(
            f"{len(unknown)} users who ask questions of the set are not here: {shown}",
            hint="create them with PUT …/users/{user_id}, or leave `user_id` out of their questions",
            code="unknown_user",
            users=unknown[:MOST_SHOWN],
            count=len(unknown),
        )
    moment = now()
    early = [one for one in questions if one.asked_at is not None and one.asked_at > moment]
    if early:
        raise InvalidInputError(
            f"question {early[0].id!r} was asked at {early[0].asked_at}, which is still to come ({len(early)} such)",
            hint="give the moment at which the user asked, or leave `asked_at` out",
            code="asked_in_future",
            questions=[one.id for one in early[:MOST_SHOWN]],
        )
    return {user: groups[user] for user in asking if not opted_out[user]}


def _groups_and_consent(
    session: Session, workspace_id: str, users: Sequence[str]
) -> tuple[dict[str, list[str]], dict[str, bool]]:
    """Return the groups of each user, in alphabetical order, and of those who are there whether they opted out."""
    groups: dict[str, list[str]] = {user: [] for user in users}
    opted_out: dict[str, bool] = {}
    for first in range(0, len(users), USERS_PER_QUERY):
        some = users[first : first + USERS_PER_QUERY]
        here = UserRow.workspace_id == workspace_id, UserRow.deleted_at.is_(None), UserRow.id.in_(some)
        consent = session.execute(select(UserRow.id, UserRow.opted_out).where(*here))
        opted_out |= {row.id: row.opted_out for row in consent}
        member = GroupMemberRow
        joined = member.workspace_id == workspace_id, member.user_id.in_(some)
        for user, name in session.execute(
            select(member.user_id, member.group_name).where(*joined).order_by(member.group_name)
        ):
            groups[user].append(name)
    return groups, opted_out
