"""Figures of a store add up over the segments of an index, recall by their rows; each segment is measured once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from configs.errors import UnavailableError
from indexes.store_figures import figures_of
from indexes.stores import Store
from indexes.stores.faiss_flat import FaissFlat
from indexes.stores.faiss_ivf import FaissIvf
from tests.contracts.store_worlds import clustered, rows_of, unsynced

IVF = FaissIvf(kind="faiss_ivf", exact_rows=0, probes=1, refine_factor=1)
SIZES = (2_000, 600, 100)


@pytest.fixture
def segments(tmp_path: Path) -> Iterator[list[Path]]:
    """Yield the folders of three segments; the last is too small for lists."""
    folders = [tmp_path / str(size) for size in SIZES]
    with unsynced():
        for folder, size in zip(folders, SIZES, strict=True):
            for store in (IVF, FaissFlat(kind="faiss_flat")):
                location = folder / store.kind_of_class()
                location.mkdir(parents=True)
                store.build(rows_of(clustered(size, 16, spread=0.1)), location)
        yield folders


def test_figures_add_up_over_segments(segments: list[Path]) -> None:
    figures = figures_of(IVF, segments)
    locations = [folder / "faiss_ivf" for folder in segments]
    assert (figures.kind, figures.is_exact, figures.chunks) == ("faiss_ivf", False, sum(SIZES))
    assert figures.disk_bytes == sum(file.stat().st_size for one in locations for file in one.iterdir())
    assert figures.memory_bytes == sum(IVF.memory_bytes(one) for one in locations)
    assert figures.memory_bytes_per_chunk == pytest.approx(figures.memory_bytes / 2_700)
    assert figures.disk_bytes_per_chunk == pytest.approx(figures.disk_bytes / 2_700)
    recalls = [IVF.recall(one) for one in locations]
    assert recalls[0] < 1.0 == recalls[2]
    assert figures.recall_at_10 == pytest.approx(np.average(recalls, weights=SIZES))


def test_live_settings_count_and_a_segment_is_measured_once(
    segments: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    low, high = (figures_of(IVF.model_copy(update={"probes": probes}), segments) for probes in (1, 1_000))
    assert low.recall_at_10 < high.recall_at_10
    monkeypatch.setattr(FaissIvf, "recall", lambda *_: pytest.fail("measured again"))
    assert figures_of(IVF, segments) == low


def test_an_exact_store_finds_all_and_has_everything_in_memory(segments: list[Path]) -> None:
    figures = figures_of(FaissFlat(kind="faiss_flat"), segments)
    assert (figures.is_exact, figures.recall_at_10) == (True, 1.0)
    assert figures.memory_bytes == figures.disk_bytes > 2_700 * 64


@pytest.mark.parametrize("store", [IVF, FaissFlat(kind="faiss_flat")], ids=str)
def test_no_segment_has_no_mean_and_a_missing_one_is_told(store: Store, tmp_path: Path) -> None:
    nothing = figures_of(store, [])
    assert (nothing.chunks, nothing.disk_bytes_per_chunk, nothing.recall_at_10) == (0, None, 1.0)
    with pytest.raises(UnavailableError):
        figures_of(store, [tmp_path / "gone"])
