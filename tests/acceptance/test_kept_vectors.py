"""Kept vectors: given to the next service of the same code, compared in part, and never taken where they are wrong."""

from __future__ import annotations

import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.acceptance import kept_vectors as kept
from tests.acceptance.kept_vectors import Vectors, kept_vectors, save, vectors_of
from tests.database import fresh_database


def made(count: int = 200) -> Vectors:
    """Return vectors of two embedders."""
    draw = np.random.default_rng(3)
    return {(f"e{n % 2}", f"text-{n}"): draw.random(8, dtype=np.float32) for n in range(count)}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv("FULL", raising=False)
    monkeypatch.delenv("PLAYGROUND_REPORT", raising=False)
    monkeypatch.setattr(kept, "has_bfloat16", lambda _: False)
    folder = tmp_path / "cache"
    folder.mkdir()
    return SimpleNamespace(cache=SimpleNamespace(mkdir=lambda _: folder))


def run(config: Any, folder: Path, vectors: Vectors) -> int:
    """Let a service compute what it has not; return how many it was spared."""
    folder.mkdir()
    with fresh_database(folder) as database, kept_vectors(config, "corpus", database):
        spared = len(vectors_of(database))
        save(database, vectors)
    return spared


def same(one: Vectors, other: Vectors) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one)


def test_a_second_run_is_spared_most_and_computes_some_anew(config: Any, tmp_path: Path) -> None:
    random.seed(5)
    vectors = made()
    assert run(config, tmp_path / "first", vectors) == 0
    (file,) = (tmp_path / "cache").iterdir()
    assert same(kept.read_vectors(file), vectors)
    spared = [run(config, tmp_path / f"{number}", vectors) for number in range(4)]
    assert all(150 < one < 200 for one in spared)
    assert same(kept.read_vectors(file), vectors)


def test_a_vector_that_comes_out_otherwise_is_told(config: Any, tmp_path: Path) -> None:
    random.seed(5)
    vectors = made()
    run(config, tmp_path / "first", vectors)
    with pytest.raises(AssertionError):
        run(config, tmp_path / "second", {key: vector + np.float32(1e-4) for key, vector in vectors.items()})


def test_other_code_full_runs_and_reports_take_none(
    config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = made()
    run(config, tmp_path / "first", vectors)
    for name in ("FULL", "PLAYGROUND_REPORT"):
        monkeypatch.setenv(name, "1")
        assert run(config, tmp_path / name, vectors) == 0
        monkeypatch.delenv(name)
    monkeypatch.setattr(kept, "_maker", lambda: "another" * 4)
    assert run(config, tmp_path / "other", vectors) == 0
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_what_makes_vectors_is_the_code_the_libraries_and_the_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = tmp_path / "ingest" / "embedders" / "a.py"
    code.parent.mkdir(parents=True)
    page = tmp_path / "cpuinfo"
    monkeypatch.setattr(kept, "ROOT", tmp_path)
    monkeypatch.setattr(kept, "PROCESSOR_PAGE", page)
    seen = set()
    for file, text in (
        (tmp_path / "constraints.txt", "torch==1"), (tmp_path / "constraints.txt", "torch==2"),
        (code, "1"), (code, "2"), (page, "flags : avx2"),
    ):  # fmt: skip
        file.write_text(text, encoding="utf-8")
        seen.add(kept._maker())
    assert len(seen) == 5
    page.write_text("flags : avx2\ncpu MHz : 3000", encoding="utf-8")
    assert kept._maker() in seen
