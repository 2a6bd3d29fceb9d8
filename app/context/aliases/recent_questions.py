"""What an alias was asked lately, as far as somebody may know it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.context.saved_contexts import ContextRow
from indexes.access import Filter, Principal

CONTEXTS_LOOKED_AT = 2_000
"""Older contexts of an alias are not looked through for further questions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentQuestion:
    """A question that an alias answered, with the rights and the filter it was asked with, and by whom."""

    context_id: str
    question: str
    principal: Principal
    restriction: Filter | None
    user_id: str | None


def recent_questions(
    session: Session, workspace_id: str, alias: str, caller: Principal, most: int
) -> list[RecentQuestion]:
    """Return the last distinct questions that the alias answered, newest first, from its saved contexts.

    A context of a user is there for that user alone, and any other for who has every right it was made with. What was
    erased, or is no longer kept, is not there.
    """
    found: dict[str, RecentQuestion] = {}
    with closing(_contexts(session, workspace_id, alias)) as contexts:
        for one in contexts:
            is_theirs = one.user_id is None or f"user:{one.user_id}" in caller.names
            if is_theirs and one.principal.names <= caller.names and one.question not in found:
                found[one.question] = one
            if len(found) == most:
                break
    return list(found.values())


def _contexts(session: Session, workspace_id: str, alias: str) -> Generator[RecentQuestion]:
    """Yield the questions of the alias's contexts, newest first; an erased receipt has none."""
    question = ContextRow.receipt["question"].as_string()
    statement = select(ContextRow.id, ContextRow.user_id, ContextRow.request, question.label("question"))
    statement = statement.where(ContextRow.workspace_id == workspace_id, ContextRow.alias == alias)
    newest = statement.order_by(ContextRow.created_at.desc(), ContextRow.id.desc()).limit(CONTEXTS_LOOKED_AT)
    with session.execute(newest.execution_options(yield_per=100)) as rows:  # its reader may stop before the end
        for row in rows:
            if row.question is not None:
                restriction = row.request["filter"]
                yield RecentQuestion(
                    context_id=row.id,
                    question=row.question,
                    principal=Principal.of(row.request["principals"]),
                    restriction=None if restriction is None else Filter.model_validate(restriction),
                    user_id=row.user_id,
                )
