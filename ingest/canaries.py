"""Embedder canaries: fixed texts embedded anew at each start and once a day, compared with their first vectors.

Vectors of one index must come from one model. A model file that was replaced, or a library that computes otherwise,
changes vectors silently: new documents would no longer be comparable with old ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

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
    """The first vectors of the canaries under one embedder fingerprint, and what the last comparison found.

    `query_vectors` is None in rows written before they were kept. `renewals` counts how often a changed model was
    accepted: vectors that were made under fewer are outdated.
    """

    __tablename__ = "embedder_canaries"

    embedder: Mapped[str] = mapped_column(Identifier, primary_key=True)
    settings: Mapped[dict[str, object]] = mapped_column(Json)
    vectors: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    checked_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    drift: Mapped[float]
    query_vectors: Mapped[bytes | None] = mapped_column(LargeBinary)
    renewals: Mapped[int] = mapped_column(default=0)

    def keep(self, vectors: CanaryVectors) -> None:
        """Take these as the first ones."""
        self.vectors, self.query_vectors = vectors.documents.tobytes(), vectors.queries.tobytes()

    def drift_to(self, vectors: CanaryVectors) -> float:
        """Return the drift of documents or queries, whichever moved further."""
        if len(vectors.documents) != len(CANARIES):
            return 2.0
        drift = drift_of(self.vectors, vectors.documents)
        return drift if self.query_vectors is None else max(drift, drift_of(self.query_vectors, vectors.queries))


class CanaryVectors(NamedTuple):
    """The canaries as documents and as queries, float32 [canaries, dimensions] each: many models tell them apart."""

    documents: Vectors
    queries: Vectors

    @property
    def are_finite(self) -> bool:
        """Tell whether every value is a number."""
        return bool(np.isfinite(self.documents).all() and np.isfinite(self.queries).all())


def canary_vectors(embedder: Embedder) -> CanaryVectors:
    """Return the vectors of the canaries as they are now."""
    queries = np.stack([embedder.encode_query(text) for text in CANARIES])
    return CanaryVectors(np.asarray(embedder.encode(CANARIES), np.float32), np.asarray(queries, np.float32))


def fingerprint_in(recipe: Mapping[str, object]) -> str | None:
    """Return the fingerprint of the embedder of a recipe as the database has it, None where it has none."""
    embedder = IndexRecipe.model_validate(recipe).embedder
    return None if embedder is None else embedder.fingerprint


def embedder_of(row: CanaryRow) -> Embedder:
    """Return the embedder whose canaries these are."""
    return Embedder.members()[str(row.settings["kind"])].model_validate(row.settings)


def embedders_in_use(database: Database) -> dict[str, Embedder]:
    """Return the embedders of every index by fingerprint."""
    with database.read() as session:
        live = select(IndexRow.recipe).join(Workspace).where(Workspace.deleted_at.is_(None))
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
            vectors = canary_vectors(embedder)
        except PlaygroundError as error:
            with database.write() as session:
                raise_alert(session, "embedder_failed", name, error.detail, code=error.code)
            continue
        yield name, _compare(database, name, embedder, vectors)


def _compare(database: Database, name: str, embedder: Embedder, vectors: CanaryVectors) -> float:
    with database.write() as session:
        row = session.get(CanaryRow, name)
        if row is None:
            if not vectors.are_finite:
                detail = "an embedder gives vectors with values that are no numbers; bring back the files of its model"
                raise_alert(session, "embedder_failed", name, detail, code="embedder_not_finite")
                return 2.0
            settings = embedder.model_dump(mode="json")
            row = CanaryRow(embedder=name, settings=settings, drift=0.0)
            row.keep(vectors)
            session.add(row)
            return 0.0
        row.checked_at, row.drift = now(), row.drift_to(vectors)
        if row.query_vectors is None and row.drift <= MOST_DRIFT:
            row.query_vectors = vectors.queries.tobytes()
        if row.drift > MOST_DRIFT:
            raise_alert(
                session, "embedder_changed", name,
                f"an embedder computes other vectors than on {row.created_at:%Y-%m-%d}: the canaries moved by up "
                f"to {row.drift:.2g}; bring its files back, or accept it as it is: POST /v1/alerts/{{alert_id}}/accept",
                drift=row.drift, most=MOST_DRIFT, settings=row.settings,
            )  # fmt: skip
        return row.drift


def drift_of(first: bytes, vectors: Vectors) -> float:
    """Return 1 minus the smallest cosine between rows, 2 (the largest there is) for vectors of another shape or with
    values that are no numbers.
    """
    before = np.frombuffer(first, np.float32)
    if vectors.ndim != 2 or before.size != vectors.size or not np.isfinite(vectors).all():
        return 2.0
    before = before.reshape(vectors.shape).astype(np.float64)
    after = vectors.astype(np.float64)
    lengths = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    return float(np.max(1.0 - np.sum(before * after, axis=1) / np.maximum(lengths, 1e-12)))
