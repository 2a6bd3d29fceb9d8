"""A user in a database with something of everything, and contexts that were made for them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from app.context.assembled import Assembled
from app.context.contexts import Contexts
from app.context.policy import ContextPolicy
from app.context.retrieve import Request, Retriever
from app.context.saved_contexts import ContextRow
from app.context.strategy import BaselineSetup
from app.context.users.conversation import add_turn
from app.context.users.facts import NewFact, record_fact
from app.context.users.known import Preferences
from app.context.users.memories import NewMemory, remember
from indexes.access import Principal
from indexes.database.engine import Database
from indexes.view import Views
from tests.app.context.personal.planted import policy
from tests.app.context.users.people import WORKSPACE, add_user, hour
from tests.database import add_document, add_version

EVERYTHING = BaselineSetup(baseline="whole_documents")
QUESTION = "When are refunds paid?"
ANN = Principal.of(["user:ann", "everyone"])
HANDBOOK = "Refunds are paid within fourteen days."


def new_contexts(database: Database, folder: Path) -> Contexts:
    """Return contexts as another process over the same database has them."""
    return Contexts(database, Retriever(database, Views(folder)))


def add_ann(database: Database) -> dict[str, str]:
    """Add Ann with a document, a fact, a memory and two turns in the first hours; return the ids of what is hers."""
    with database.write() as session:
        add_user(session, preferences=Preferences(language="German"))
        document = add_document(session, "handbook")
        add_version(session, document, 1, text=HANDBOOK, title="Handbook")
        fact, _ = record_fact(session, WORKSPACE, "ann", "city", NewFact(value="Berlin"), at=hour(1))
        memory = remember(session, WORKSPACE, "ann", NewMemory(text="likes tea"), at=hour(1))
        asked = add_turn(session, WORKSPACE, "ann", "user", "Good morning", at=hour(2))
        answered = add_turn(session, WORKSPACE, "ann", "assistant", "Welcome back", at=hour(2))
        return {"fact": fact.id, "memory": memory.id, "asked": asked.id, "answered": answered.id}


def make(
    contexts: Contexts, *, user: str | None = "ann", as_of: datetime | None = None, question: str = QUESTION,
    chosen: ContextPolicy | None = None, **settings: Any,
) -> tuple[ContextRow, Assembled]:  # fmt: skip
    """Make and save a context for a user."""
    asker = contexts.askers.of(WORKSPACE, user, as_of=as_of)
    request = Request(workspace_id=WORKSPACE, question=question, principal=asker.principal)
    assembled, retrieved = contexts.make(EVERYTHING, chosen or policy(**settings), request, asker)
    return contexts.save(assembled, retrieved, "everything", request, asker=asker), assembled
