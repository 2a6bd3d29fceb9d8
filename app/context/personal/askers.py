"""Who asks, looked up fast: what is known of users, their memories in order, and their questions made personal."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.context.personal.asker import Asker, RankedMemory
from app.context.personal.interests import UserInterests
from app.context.personal.known_users import KnownUsers, Marks, read_marks
from app.context.personal.memory_vectors import MemoryVectors
from app.context.personal.remembered import Remembered
from app.context.users.feedback import workspace_feedback
from app.context.users.known import ANONYMOUS, Feedback, KnownUser, Preferences, load_user
from app.context.users.memories import mark_used
from app.context.users.memory_ranking import MemoryColumns, MemoryWeights, columns_of, rank_memories
from app.context.users.personalisation import Personalisation, load_personalisation
from app.context.users.precedence import effective_preferences
from app.context.users.query_personalisation import PersonalQuery, QueryPersonalisation, personal_query
from app.context.users.registration import UnknownUserError, resolve_user
from app.context.users.tables import UserRow
from indexes.database.engine import Database, now
from ingest.embedders import Embedder, Vectors
from ingest.embedders.hashing import Hashing
from ingest.recipe import IndexRecipe

MOST_RANKED = 100
UNUSED_FOR = timedelta(seconds=60)
"""A memory counts as used anew when its last use is as long ago: who asks often does not write each time."""

MOST_KEPT = 256
WITHOUT_EMBEDDER = Hashing(kind="hashing")
"""What tells how memories fit a question where a strategy has no embedder."""


class Askers:
    """Looks up askers; one for a process, safe from any thread.

    What it remembers is checked against the database each time, so it is never older than the last commit.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._users = KnownUsers()
        self._vectors = MemoryVectors(database)
        self._interests = UserInterests(database)
        self._columns: Remembered[tuple[str, str], MemoryColumns] = Remembered(MOST_KEPT)
        self._personalisations: Remembered[str, tuple[str | None, Personalisation]] = Remembered(MOST_KEPT)
        self._effective: Remembered[tuple[str, str], tuple[Preferences, Personalisation, Preferences]] = Remembered(
            MOST_KEPT
        )

    def of(
        self, workspace_id: str, user_id: str | None, *, as_of: datetime | None = None,
        preferences: Preferences | None = None,
    ) -> Asker:  # fmt: skip
        """Return the asker as of a moment, by default now; `preferences` are the request's own.

        A user who opted out or was deleted is nobody; raises UnknownUserError for one who is not there. What the
        workspace says has no past: it is that of now.
        """
        found = self._found(workspace_id, user_id, as_of, preferences)
        if found is None:
            raise UnknownUserError(str(user_id))
        return found

    def registered(
        self, workspace_id: str, user_id: str | None, *, as_of: datetime | None = None,
        preferences: Preferences | None = None,
    ) -> Asker:  # fmt: skip
        """Return the asker as `of` does, but create a user who is not there where the workspace has it so."""
        found = self._found(workspace_id, user_id, as_of, preferences)
        if found is not None:
            return found
        with self._database.write() as session:
            resolve_user(session, workspace_id, str(user_id))
        return self.of(workspace_id, user_id, as_of=as_of, preferences=preferences)

    def ranked_memories(
        self, asker: Asker, question: str, embedder: Embedder | None, vector: Vectors | None, weights: MemoryWeights,
        most: int = MOST_RANKED,
    ) -> tuple[RankedMemory, ...]:  # fmt: skip
        """Return the asker's memories that fit a question, best first, at most the best `most`.

        `vector` is the question's under `embedder`, encoded here where it is None. Without an embedder words decide:
        WITHOUT_EMBEDDER takes its place.
        """
        if not asker.known.memories:
            return ()
        if embedder is None:
            embedder, vector = WITHOUT_EMBEDDER, None
        query = embedder.encode_query(question) if vector is None else vector
        columns = self._columns_of(asker)
        matrix = self._vectors.of(asker.workspace_id, asker.known.user_id, columns, embedder)
        ranking = rank_memories(columns, matrix.vectors @ query.astype(np.float32, copy=False), asker.moment, weights)
        return tuple(
            [
                RankedMemory(
                    memory=columns.memories[one.position], rank=one.rank, score=one.score, recency=one.recency,
                    importance=one.importance, relevance=one.relevance if matrix.known[one.position] else None,
                )
                for one in ranking.best(most)
            ]
        )  # fmt: skip

    def mark_used(self, asker: Asker, memory_ids: Collection[str]) -> None:
        """Note that memories of the asker were sent now, those whose last use is less than UNUSED_FOR ago left out.

        Only for askers as of now: what was sent in a look back was not used.
        """
        moment = now()
        chosen = set(memory_ids)
        stale = [one.id for one in asker.known.memories if one.id in chosen and one.last_used_at < moment - UNUSED_FOR]
        if not stale:
            return
        where = (asker.workspace_id, asker.known.user_id)
        mark = select(UserRow.uses_revision).where(UserRow.workspace_id == where[0], UserRow.id == where[1])
        with self._database.write() as session:
            before = session.scalar(mark.with_for_update())
            used = mark_used(session, *where, stale, at=moment, unused_for=UNUSED_FOR)
            after = session.scalar(mark)
        if before is not None and after is not None:
            self._users.used(*where, used, moment, (before, after))

    def others_feedback(self, asker: Asker, document_ids: Collection[str]) -> tuple[Feedback, ...]:
        """Return what users other than the asker let know about documents by the asker's moment, oldest first."""
        if not document_ids:
            return ()
        with self._database.read() as session:
            return workspace_feedback(
                session, asker.workspace_id, document_ids, as_of=asker.moment, besides_user_id=asker.known.user_id
            )

    def personal_query(
        self, asker: Asker, recipe: IndexRecipe, vector: Vectors, settings: QueryPersonalisation
    ) -> PersonalQuery:
        """Return the question's vector under the recipe moved towards what the asker liked; `personal_query` says when.

        With a blend of 0 nothing is read, and without an interest the vector stays the same object.
        """
        if settings.blend == 0:
            return PersonalQuery(vector=vector, outcome="off")
        if recipe.embedder is None or not asker.known.feedback:
            return PersonalQuery(vector=vector, outcome="no_interests")
        interests = self._interests.of(asker.workspace_id, asker.known.feedback, asker.principal, recipe, asker.moment)
        return personal_query(vector, interests, settings)

    def forget(self) -> None:
        """Let go of everything that is remembered in this process."""
        for one in (
            self._users, self._vectors, self._interests, self._columns, self._personalisations, self._effective
        ):  # fmt: skip
            one.clear()

    def _found(
        self, workspace_id: str, user_id: str | None, as_of: datetime | None, preferences: Preferences | None
    ) -> Asker | None:
        """Return the asker, None where the user is not there."""
        with self._database.read() as session:
            marks = read_marks(session, workspace_id, user_id)
            if marks is None:
                return None
            moment = as_of or now()
            personalisation = self._personalisation(session, workspace_id, marks.personalisation_revision)
            known = self._known(session, workspace_id, user_id, marks, moment, is_now=as_of is None)
        return Asker(
            workspace_id=workspace_id,
            known=known,
            preferences=self._preferences(workspace_id, known, personalisation, preferences),
            requested=preferences,
            workspace_instructions=personalisation.workspace_instructions,
            notes=personalisation.notes,
            moment=moment,
            is_past=as_of is not None,
        )

    def _known(
        self, session: Session, workspace_id: str, user_id: str | None, marks: Marks, moment: datetime, *, is_now: bool
    ) -> KnownUser:
        if user_id is None:
            return ANONYMOUS
        if marks.deleted_at is not None or marks.opted_out:
            self._users.drop(workspace_id, user_id)
            self._columns.drop((workspace_id, user_id))
            return ANONYMOUS
        if not is_now:
            return load_user(session, workspace_id, user_id, as_of=moment)
        return self._users.of(session, workspace_id, user_id, marks, moment)

    def _personalisation(self, session: Session, workspace_id: str, revision: str | None) -> Personalisation:
        remembered = self._personalisations.get(workspace_id)
        if remembered is not None and remembered[0] == revision:
            return remembered[1]
        personalisation = load_personalisation(session, workspace_id)
        self._personalisations.put(workspace_id, (revision, personalisation))
        return personalisation

    def _preferences(
        self, workspace_id: str, known: KnownUser, personalisation: Personalisation, requested: Preferences | None
    ) -> Preferences:
        """Return the preferences that hold, remembered for requests without any of their own."""
        levels = (known.preferences, personalisation.preferences)
        if requested is not None:
            return effective_preferences(requested, *levels)
        key = (workspace_id, known.user_id)
        remembered = self._effective.get(key)
        if remembered is not None and remembered[0] is levels[0] and remembered[1] is personalisation:
            return remembered[2]
        effective = effective_preferences(*levels)
        self._effective.put(key, (levels[0], personalisation, effective))
        return effective

    def _columns_of(self, asker: Asker) -> MemoryColumns:
        key, memories = (asker.workspace_id, asker.known.user_id), asker.known.memories
        before = self._columns.get(key)
        if before is not None and before.memories is memories:
            return before
        columns = (before.used_anew(memories) if before is not None else None) or columns_of(memories)
        self._columns.put(key, columns)
        return columns
