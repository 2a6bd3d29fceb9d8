"""Vectors of the public corpora, kept in pytest's cache from one run of the acceptance tests to the next.

They are used again only by the same code with the same libraries on the same kind of processor. A twentieth of them,
another one in each run, is left out: the service computes it anew, and it has to come out the same. With FULL=1, for
a report, which tells how long encoding took, and where the processor has bfloat16 and is fast, all are computed anew.
"""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from sqlalchemy import select

from indexes.database.engine import Database
from indexes.database.tables import Vector
from ingest.embedders.sentence_transformer import PROCESSOR_PAGE, has_bfloat16
from ingest.vector_cache import save_vectors

ROOT = Path(__file__).parent.parent.parent
COMPUTE = ("constraints.txt", "ingest/embedders/*.py", "ingest/models.py", "ingest/token*.py")
COMPUTED_ANEW = 0.05
LARGEST_DISTANCE = 1e-5
"""Between a vector and the one that was computed in other company, in any coordinate."""

Floats = npt.NDArray[np.float32]
Vectors = dict[tuple[str, str], Floats]
"""By fingerprint of the embedder and hash of the text, as the service keeps them."""


@contextmanager
def kept_vectors(config: pytest.Config, corpus: str, database: Database) -> Iterator[None]:
    """Give an empty service the vectors that are kept of a corpus; at the end compare some, and keep what it has."""
    file = _file(config, corpus)
    if file is None:
        yield
        return
    kept = read_vectors(file)
    given = {key: vector for key, vector in kept.items() if random.random() >= COMPUTED_ANEW}
    save(database, given)
    yield
    found = vectors_of(database)
    anew = (kept.keys() - given.keys()) & found.keys()
    distance = max((float(np.abs(found[key] - kept[key]).max()) for key in anew), default=0.0)
    print(f"\n{corpus}: {len(given)} vectors were kept; {len(anew)} computed anew differ by {distance:.1e} at most")
    assert distance <= LARGEST_DISTANCE
    if not kept.keys() >= found.keys():
        write_vectors(file, kept | found)


def save(database: Database, vectors: Mapping[tuple[str, str], Floats]) -> None:
    """Put vectors into the cache of a service."""
    with database.write() as session:
        for embedder in sorted({name for name, _ in vectors}):
            own = [(value, vector) for (name, value), vector in vectors.items() if name == embedder]
            save_vectors(session, embedder, [value for value, _ in own], np.stack([vector for _, vector in own]))


def vectors_of(database: Database) -> Vectors:
    """Return every vector in the cache of a service."""
    with database.read() as session:
        rows = session.execute(select(Vector.embedder, Vector.indexed_sha256, Vector.vector)).all()
    return {(embedder, value): np.frombuffer(stored, dtype="<f4") for embedder, value, stored in rows}


def read_vectors(file: Path) -> Vectors:
    """Return what `write_vectors` wrote; nothing where there is no file."""
    if not file.exists():
        return {}
    with np.load(file) as stored:
        return {(str(a), str(b)): row for (a, b), row in zip(stored["keys"], stored["vectors"], strict=True)}


def write_vectors(file: Path, vectors: Vectors) -> None:
    """Write vectors of one length in place of every older file of the corpus."""
    for older in file.parent.glob(f"{file.name.rpartition('-')[0]}-*.npz"):
        older.unlink()
    writing = file.with_suffix(".writing.npz")
    np.savez(writing, keys=np.array(list(vectors)), vectors=np.stack(list(vectors.values())))
    writing.replace(file)


def _file(config: pytest.Config, corpus: str) -> Path | None:
    """Return the file for a corpus that this code fills on this processor; None where none is to be used."""
    is_whole = os.environ.get("FULL") == "1" or "PLAYGROUND_REPORT" in os.environ
    if is_whole or has_bfloat16(PROCESSOR_PAGE) or not hasattr(config, "cache"):
        return None
    assert config.cache is not None
    return config.cache.mkdir("vectors") / f"{corpus}-{_maker()[:16]}.npz"


def _maker() -> str:
    """Return a hash of what computes vectors: the code, the versions of libraries, the kind of processor."""
    made = hashlib.sha256()
    for pattern in COMPUTE:
        for path in sorted(ROOT.glob(pattern)):
            made.update(path.read_bytes())
    if PROCESSOR_PAGE.exists():
        described = PROCESSOR_PAGE.read_text(encoding="utf-8").splitlines()
        made.update("".join(sorted({line for line in described if line.startswith(("model name", "flags"))})).encode())
    return made.hexdigest()
