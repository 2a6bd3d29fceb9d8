"""Embedder canaries: fixed texts embedded anew at each start and once a day, compared with their first vectors.

Vectors of one index must come from one model. A model file that was replaced, or a library that computes otherwise,
changes vectors silently: new documents would no longer be comparable with old ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import LargeBinary, select
from sqlalchemy.orm import Mapped, mapped_column

from configs.errors import PlaygroundError
from indexes.database.alerts import raise_alert
from indexes.database.engine import Base, Database, Json, UtcDateTime, now
from indexes.database.tables import Identifier, IndexRow, Workspace
from ingest.embedders import Embedder, Vectors
from ingest.recipe import IndexRecipe

CANARIES = (
    "The quick brown fox jumps over the lazy dog.",
    "How do I reset my password if I no longer have access to my e-mail address?",
    "Refunds are paid within 14 days to the card that was charged.",
    "def add(first: int, second: int) -> int: return first + second",
    "Die Lieferung verzögert sich um drei Tage; 請稍候。",
)
MOST_DRIFT = 1e-3
"""The largest difference of a cosine from 1 that is no alert. Other batches move that of the shipped model by less than
1e-6 (a test measures it); other weights move it by far more.
"""
CHECKED_EVERY = timedelta(days=1)


class CanaryRow(Base):
    """The first vectors of the canaries under one embedder fingerprint, and what the last comparison found."""

    __tablename__ = "embedder_canaries"

    embedder: Mapped[str] = mapped_column(Identifier, primary_key=True)
    settings: Mapped[dict[str, object]] = mapped_column(Json)
    vectors: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    checked_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    drift: Mapped[float]


def embedders_in_use(database: Database) -> dict[str, Embedder]:
    """Return the embedders of maintained indexes by fingerprint."""
    with database.read() as session:
        live = select(IndexRow.recipe).join(Workspace).where(IndexRow.maintained, Workspace.deleted_at.is_(None))
        recipes = session.scalars(live).all()
    embedders = (IndexRecipe.model_validate(recipe).embedder for recipe in recipes)
    return {embedder.fingerprint: embedder for embedder in embedders if embedder is not None}


def due(database: Database, *, at_start: bool) -> dict[str, Embedder]:
    """Return the embedders to check now: those not checked for a day, and at a start all that run on this machine.

    The start of a process tells nothing of an endpoint on another machine, and its calls may be charged.
    """
    embedders = embedders_in_use(database)
    with database.read() as session:
        fresh = session.scalars(select(CanaryRow.embedder).where(CanaryRow.checked_at > now() - CHECKED_EVERY))
        done = {name for name in fresh if not at_start or (name in embedders and embedders[name].is_remote)}
    return {name: embedder for name, embedder in embedders.items() if name not in done}


def check_canaries(database: Database, embedders: Mapping[str, Embedder]) -> Iterator[tuple[str, float]]:
    """Embed the canaries with each embedder, compare, and raise an alert where one changed or cannot embed.

    Yields the fingerprint and drift of each that could be compared: 1 minus the smallest cosine to the first vectors,
    0 for the first time.
    """
    for name, embedder in embedders.items():
        try:
            vectors = embedder.encode(CANARIES)
        except PlaygroundError as error:
            with database.write() as session:
                raise_alert(session, "embedder_failed", name, error.detail, code=error.code)
            continue
        yield name, _compare(database, name, embedder, vectors)


def _compare(database: Database, name: str, embedder: Embedder, vectors: Vectors) -> float:
    with database.write() as session:
        row = session.get(CanaryRow, name)
        if row is None:
            settings = embedder.model_dump(mode="json")
            session.add(CanaryRow(embedder=name, settings=settings, vectors=vectors.tobytes(), drift=0.0))
            return 0.0
        row.checked_at, row.drift = now(), drift_of(row.vectors, vectors)
        if row.drift > MOST_DRIFT:
            raise_alert(
                session, "embedder_changed", name,
                f"an embedder computes other vectors than on {row.created_at:%Y-%m-%d}: the canaries moved by up to "
                f"{row.drift:.2g}; bring its files back, or build its indexes anew",
                drift=row.drift, most=MOST_DRIFT, settings=row.settings,
            )  # fmt: skip
        return row.drift


def drift_of(first: bytes, vectors: Vectors) -> float:
    """Return 1 minus the smallest cosine between rows, 2 (the largest there is) for vectors of another length."""
    before = np.frombuffer(first, np.float32)
    if before.size != vectors.size:
        return 2.0
    before = before.reshape(vectors.shape).astype(np.float64)
    after = vectors.astype(np.float64)
    lengths = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    return float(np.max(1.0 - np.sum(before * after, axis=1) / np.maximum(lengths, 1e-12)))
