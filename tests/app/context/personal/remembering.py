"""Memories of a user, ranked by how well they fit a question."""

from __future__ import annotations

from app.context.personal.asker import RankedMemory
from app.context.personal.askers import Askers
from app.context.users.memories import NewMemory, remember
from app.context.users.memory_ranking import MemoryWeights
from indexes.database.engine import Database
from ingest.embedders import Embedder
from tests.app.context.users.people import WORKSPACE, add_user, hour

RELEVANCE_ONLY = MemoryWeights(recency=0, importance=0, scale="absolute")


def remember_all(database: Database, *texts: str, user: str = "ann") -> list[str]:
    """Add the user and memories of an hour each, and return their ids."""
    with database.write() as session:
        add_user(session, user)
        rows = [
            remember(session, WORKSPACE, user, NewMemory(text=text), at=hour(number))
            for number, text in enumerate(texts, start=1)
        ]
        return [row.id for row in rows]


def ranked(askers: Askers, question: str, embedder: Embedder | None = None) -> tuple[RankedMemory, ...]:
    return askers.ranked_memories(askers.of(WORKSPACE, "ann"), question, embedder, None, RELEVANCE_ONLY)
