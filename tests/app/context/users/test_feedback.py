"""Feedback is on documents that the user may read; others are answered like those that do not exist."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy.orm import Session

from app.context.saved_contexts import ContextRow
from app.context.users.feedback import NewFeedback, list_feedback, record_feedback, workspace_feedback
from app.context.users.registration import change_user, find_user, hide_user
from app.context.users.tables import FeedbackRow
from configs.errors import NotFoundError
from indexes.database.engine import Database, now
from indexes.database.tables import Document
from tests.app.context.users.people import WORKSPACE, add_user, hour
from tests.database import add_document


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """Yield a unit of work with documents for all, for Ann's group and for Ben, and a context of all three."""
    with database.write() as session:
        add_user(session, groups=("finance",))
        add_user(session, "ben")
        add_document(session, "open")
        add_document(session, "finance", access=["group:finance"])
        add_document(session, "bens", access=["user:ben"])
        add_document(session, "gone", deleted_at=now())
        sources = [{"label": f"S{at}", "document_id": name} for at, name in enumerate(["open", "bens", "finance"], 1)]
        session.add(ContextRow(id="c", workspace_id=WORKSPACE, request={}, receipt={"sources": sources}))
        session.flush()
        yield session


def give(session: Session, user_id: str = "ann", at: float = 1, **more: Any) -> FeedbackRow:
    """Record feedback of a user at an hour."""
    new = NewFeedback.model_validate({"signal": "thumb_up", **more})
    return record_feedback(session, WORKSPACE, user_id, new, at=hour(at))


def test_a_document_is_named_by_id_or_by_label(session: Session) -> None:
    by_id = give(session, document_id="finance")
    by_label = give(session, context_id="c", label="S3")
    in_context = give(session, context_id="c", document_id="finance")
    seen = [(row.document_id, row.rank, row.context_id) for row in (by_id, by_label, in_context)]
    assert seen == [("finance", None, None), ("finance", 3, "c"), ("finance", 3, "c")]
    assert give(session, context_id="c", label="S3", rank=1).rank == 1


@pytest.mark.parametrize("document_id", ["bens", "gone", "nosuch"])
def test_what_may_not_be_read_is_answered_like_what_does_not_exist(session: Session, document_id: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        give(session, document_id=document_id)
    told = {**caught.value.as_dict(), "detail": caught.value.detail.replace(document_id, "X")}
    with pytest.raises(NotFoundError) as unknown:
        give(session, document_id="X")
    assert told == unknown.value.as_dict()
    assert session.query(FeedbackRow).count() == 0


def test_a_label_of_what_may_not_be_read_is_answered_like_an_unknown_one(session: Session) -> None:
    answers = []
    for label in ("S2", "S9"):
        with pytest.raises(NotFoundError) as caught:
            give(session, context_id="c", label=label)
        answers.append({**caught.value.as_dict(), "detail": caught.value.detail.replace(label, "X")})
    assert answers[0] == answers[1]
    assert give(session, "ben", context_id="c", label="S2").document_id == "bens"


@pytest.mark.parametrize("named", [{"label": "S1"}, {"document_id": "open"}])
def test_another_users_context_is_answered_like_an_unknown_one(session: Session, named: dict[str, Any]) -> None:
    receipt = {"sources": [{"label": "S1", "document_id": "open"}]}
    session.add(ContextRow(id="anns", workspace_id=WORKSPACE, user_id="ann", request={}, receipt=receipt))
    session.flush()
    assert give(session, "ann", context_id="anns", **named).document_id == "open"
    answers = []
    for context_id in ("anns", "nosuch"):
        with pytest.raises(NotFoundError) as caught:
            give(session, "ben", context_id=context_id, **named)
        answers.append({**caught.value.as_dict(), "detail": caught.value.detail.replace(context_id, "X")})
    assert answers[0] == answers[1]


def test_an_unknown_context_is_told(session: Session) -> None:
    with pytest.raises(NotFoundError) as caught:
        give(session, context_id="nosuch", label="S1")
    assert caught.value.code == "context_not_found"


@pytest.mark.parametrize(
    "body", [{}, {"document_id": "d", "label": "S1", "context_id": "c"}, {"label": "S1"}, {"context_id": "c"}]
)
def test_feedback_names_exactly_one_document(body: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        NewFeedback.model_validate({"signal": "click", **body})


def test_feedback_of_a_workspace_is_of_those_who_take_part(session: Session) -> None:
    give(session, "ann", 1, document_id="open")
    give(session, "ben", 2, document_id="open", signal="click")
    give(session, "ann", 3, document_id="finance")

    def signals(hours: float = 9) -> list[str]:
        return [
            one.signal
            for one in workspace_feedback(session, WORKSPACE, ["open"], as_of=hour(hours), besides_user_id="")
        ]

    assert (signals(), signals(1.5)) == (["thumb_up", "click"], ["thumb_up"])
    change_user(session, find_user(session, WORKSPACE, "ann"), opted_out=True)
    assert signals() == ["click"]
    hide_user(session, WORKSPACE, "ben")
    assert signals() == []


def test_feedback_goes_with_its_document(session: Session) -> None:
    give(session, document_id="open")
    give(session, document_id="finance")
    session.delete(session.get_one(Document, "open"))
    session.flush()
    rows, _ = list_feedback(session, WORKSPACE, "ann", limit=9, cursor=None)
    assert [row.document_id for row in rows] == ["finance"]
