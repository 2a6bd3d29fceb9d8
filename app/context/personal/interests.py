"""What a user is interested in, as vectors: the documents that they rated well, each by the mean of its passages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import numpy as np
import numpy.typing as npt
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.context.personal.remembered import Remembered
from app.context.users.known import Feedback
from app.context.users.query_personalisation import Interests
from indexes.access import Principal
from indexes.database.engine import Database
from indexes.database.tables import ChunkRow, Document, Vector
from ingest.recipe import IndexRecipe
from ingest.vector_cache import Floats, renewals_of

MOST_INTERESTS = 200
"""So many documents count, those that were rated well last."""

MOST_MEANS = 4_096
ROWS_PER_FETCH = 1_000
SECONDS_PER_DAY = 86_400.0


class UserInterests:
    """Works out interests, and remembers the means of versions, which never change; safe from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._means: Remembered[tuple[str, str, str, int], Floats] = Remembered(MOST_MEANS)

    def of(
        self,
        workspace_id: str,
        feedback: Iterable[Feedback],
        principal: Principal,
        recipe: IndexRecipe,
        moment: datetime,
    ) -> Interests:
        """Return the interests at a moment under a recipe with an embedder.

        A document counts from its newest thumb up or use in an answer, unless the last thumb was down. Documents that
        are gone, that the principal may not read any more, or that have no vector under the recipe are left out.
        """
        assert recipe.embedder is not None
        liked = liked_at(feedback)
        newest = sorted(liked, key=lambda one: (liked[one], one), reverse=True)[:MOST_INTERESTS]
        rows: list[Floats] = []
        ages_days: list[float] = []
        chunking, embedder = recipe.chunking, recipe.embedder.fingerprint
        with self._database.read() as session:
            renewals = renewals_of(session, embedder)
            versions = _readable_versions(session, workspace_id, newest, principal)
            for document_id in (one for one in newest if one in versions):
                mean = self._mean(session, versions[document_id], chunking, embedder, renewals)
                if mean is not None:
                    rows.append(mean)
                    ages_days.append((moment - liked[document_id]).total_seconds() / SECONDS_PER_DAY)
        vectors = np.stack(rows) if rows else np.zeros((0, recipe.embedder.vector_dimensions), np.float32)
        return Interests(vectors=vectors, ages_days=np.array(ages_days, np.float64))

    def clear(self) -> None:
        """Forget every mean."""
        self._means.clear()

    def _mean(self, session: Session, version_id: str, chunking: str, embedder: str, renewals: int) -> Floats | None:
        """Return the mean of the version's chunks, remembered where each has a vector of the present model; None where
        none has.
        """
        key = (version_id, chunking, embedder, renewals)
        mean = self._means.get(key)
        if mean is not None:
            return mean
        is_present = (Vector.embedder == embedder) & (Vector.renewal >= renewals)
        joined = (
            select(Vector.vector)
            .select_from(ChunkRow)
            .outerjoin(Vector, (Vector.indexed_sha256 == ChunkRow.indexed_sha256) & is_present)
        )
        rows = session.scalars(
            joined.where(ChunkRow.version_id == version_id, ChunkRow.chunking == chunking),
            execution_options={"yield_per": ROWS_PER_FETCH},
        )
        total: npt.NDArray[np.float64] | float = 0.0
        chunks = found = 0
        for stored in rows:
            chunks += 1
            if stored is not None:
                found += 1
                total = total + np.frombuffer(stored, dtype="<f4").astype(np.float64)
        if not found:
            return None
        mean = np.asarray(total / found, np.float32)
        if found == chunks:
            self._means.put(key, mean)
        return mean


def liked_at(feedback: Iterable[Feedback]) -> dict[str, datetime]:
    """Return when each document was last found good, by document id; `feedback` is oldest first."""
    liked: dict[str, datetime] = {}
    for piece in feedback:
        if piece.signal in ("thumb_up", "used"):
            liked[piece.document_id] = piece.created_at
        elif piece.signal == "thumb_down":
            liked.pop(piece.document_id, None)
    return liked


def _readable_versions(
    session: Session, workspace_id: str, document_ids: list[str], principal: Principal
) -> dict[str, str]:
    """Return the version that each document answers with, by document id, as far as the principal may read it."""
    if not document_ids:
        return {}
    statement = select(Document.id, Document.ready_version_id, Document.access).where(
        Document.workspace_id == workspace_id, Document.id.in_(document_ids), Document.deleted_at.is_(None),
        Document.ready_version_id.is_not(None),
    )  # fmt: skip
    rows = session.execute(statement)
    return {row.id: row.ready_version_id for row in rows if principal.may_read(row.access)}
