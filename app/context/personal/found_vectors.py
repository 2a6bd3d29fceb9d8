"""Vectors that are in the cache already; those that are not are left out."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from sqlalchemy import select
from sqlalchemy.orm import Session

from indexes.database.tables import Vector
from ingest.vector_cache import BATCH

Floats = npt.NDArray[np.float32]


def find_vectors(session: Session, embedder: str, hashes: Iterable[str]) -> dict[str, Floats]:
    """Return the cached vectors under an embedder's fingerprint by hash of the text, as far as there are any."""
    wanted = list(dict.fromkeys(hashes))
    found: dict[str, Floats] = {}
    for first in range(0, len(wanted), BATCH):
        chosen = Vector.embedder == embedder, Vector.indexed_sha256.in_(wanted[first : first + BATCH])
        for name, stored in session.execute(select(Vector.indexed_sha256, Vector.vector).where(*chosen)):
            found[name] = np.frombuffer(stored, dtype="<f4")
    return found
