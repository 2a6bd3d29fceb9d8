"""Compare the dense stores on one set of clustered vectors: `python -m tests.benchmarks.stores [rows] [dimensions]`.

Times are of the processor, and those of queries ratios to `faiss_flat` of the same run. Prints a table in Markdown.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from configs.part import JsonObject
from indexes.stores import Mask, Query, Rows, SegmentRows, Statistics, Store

Float32 = npt.NDArray[np.float32]
QUERIES, ROUNDS = 50, 2
FLAT: JsonObject = {"kind": "faiss_flat"}
COMPARED: Sequence[JsonObject] = (
    FLAT,
    *({"kind": "faiss_quantised", "quantisation": code} for code in ("bf16", "sq8", "rabitq")),
    *({"kind": "faiss_ivf", "quantisation": code} for code in ("bf16", "sq8", "rabitq")),
    {"kind": "faiss_ivf", "probes": 16},
    *({"kind": "faiss_hnsw", "ef_search": effort} for effort in (64, 128, 256)),
)
SHARES = (None, 0.5, 0.25, 0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One store: seconds to build (None where it was built before), bytes a row, and by share of permitted rows
    recall@10 and seconds a query.
    """

    build_seconds: float | None
    memory_bytes: float
    disk_bytes: float
    own_recall: float
    recalls: list[float]
    seconds: list[float]


def clustered_vectors(rows: int, dimensions: int, seed: int = 0) -> tuple[Float32, Float32]:
    """Return unit vectors around `rows / 50` centres, and queries near some of them."""
    draw = np.random.default_rng(seed)
    centres = _unit(draw.standard_normal((max(1, rows // 50), dimensions), dtype=np.float32))
    vectors = centres[draw.integers(0, len(centres), rows)]
    vectors += np.float32(0.7 / np.sqrt(dimensions)) * draw.standard_normal((rows, dimensions), dtype=np.float32)
    vectors = _unit(vectors)
    noise = np.float32(0.3 / np.sqrt(dimensions)) * draw.standard_normal((QUERIES, dimensions), dtype=np.float32)
    return vectors, _unit(vectors[draw.integers(0, rows, QUERIES)] + noise)


def measure(
    setting: JsonObject, folder: Path, vectors: Float32, queries: Float32, truths: list[list[Rows]]
) -> Measured:
    """Build the store unless a store of equal bake-time settings was, and ask it every query under every share."""
    store = Store.members()[setting["kind"]].model_validate(setting)
    location = folder / store.fingerprint
    built = None
    if not location.exists():
        location.mkdir()
        begin = time.thread_time()
        store.build(SegmentRows(texts=[""] * len(vectors), vectors=vectors), location)
        built = time.thread_time() - begin
    recalls, seconds = [], []
    for mask, truth in zip(masks(len(vectors)), truths, strict=True):
        found, took = _asked(store, location, queries, mask)
        recalls.append(float(np.mean([len(np.intersect1d(a, b)) / 10 for a, b in zip(found, truth, strict=True)])))
        seconds.append(took)
    return Measured(
        build_seconds=built,
        memory_bytes=store.memory_bytes(location) / len(vectors),
        disk_bytes=store.disk_bytes(location) / len(vectors),
        own_recall=store.recall(location),
        recalls=recalls,
        seconds=seconds,
    )


def masks(rows: int) -> list[Mask | None]:
    """Return which rows are permitted, for each of SHARES."""
    draw = np.random.default_rng(1).random(rows)
    return [None if share is None else draw < share for share in SHARES]


def main(rows: int = 100_000, dimensions: int = 384) -> None:
    """Print one line a store."""
    vectors, queries = clustered_vectors(rows, dimensions)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        flat = Store.members()["faiss_flat"].model_validate(FLAT)
        built = measure(FLAT, folder, vectors, queries, [[np.arange(10)] * QUERIES] * len(SHARES)).build_seconds
        truths = [_asked(flat, folder / flat.fingerprint, queries, mask)[0] for mask in masks(rows)]
        print(
            "| store | build | memory | disk | own recall | "
            + " | ".join(f"{share or 'all'}" for share in SHARES)
            + " |"
        )
        print("|" + "---|" * (5 + len(SHARES)))
        base: Measured | None = None
        for setting in COMPARED:
            one = measure(setting, folder, vectors, queries, truths)
            base = base or one
            cells = [
                f"{recall:.3f} / {took / whole:.3f}"
                for recall, took, whole in zip(one.recalls, one.seconds, base.seconds, strict=True)
            ]
            name = " ".join(str(value) for value in setting.values())
            built = one.build_seconds if setting is not FLAT else built
            said = "as above" if built is None else f"{built:.1f} s"
            sizes = f"{said} | {one.memory_bytes:.0f} | {one.disk_bytes:.0f} | {one.own_recall:.3f}"
            print(f"| {name} | {sizes} | " + " | ".join(cells) + " |", flush=True)
        assert base is not None
        print("faiss_flat, ms a query: " + ", ".join(f"{took * 1e3:.2f}" for took in base.seconds))


def _asked(store: Store, location: Path, queries: Float32, mask: Mask | None) -> tuple[list[Rows], float]:
    """Return the rows found for each query, and the seconds a query took in the fastest round."""
    opened, best = store.open(location), float("inf")
    found: list[Rows] = []
    for _ in range(ROUNDS):
        begin = time.thread_time()
        found = [opened.search(Query(text="", vector=query), mask, 10, Statistics())[0] for query in queries]
        best = min(best, (time.thread_time() - begin) / len(queries))
    return found, best


def _unit(vectors: Float32) -> Float32:
    unit: Float32 = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


if __name__ == "__main__":
    main(*(int(value) for value in sys.argv[1:]))
