"""Sizes of indexes: those of the pinned versions' chunks, prefixes estimated, and bytes of the stores' own files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from sqlalchemy import select

from app.context.estimate import CHARACTERS_PER_TOKEN
from app.context.strategy import SearchSetup
from app.evaluation.experiments.findings import Findings
from app.evaluation.experiments.index_sizes import IndexSize, index_size, index_sizes
from app.evaluation.experiments.records import ExperimentRow
from app.evaluation.experiments.specification import Contestant
from configs.part import JsonObject
from indexes.database.tables import ChunkRow
from indexes.segments import RowTable
from indexes.view import IndexView, SegmentView
from tests.app.evaluation.experiments.laboratory import EVERYTHING, NOTHING, TREES, Laboratory, both, words
from tests.app.evaluation.world import World, lexical

EMPTY = IndexView([], [], [])
PREFIXED: JsonObject = {"label": "prefixed", "setup": {**both(16, 64)["setup"], "context_prefix": True}}


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """Yield a laboratory whose only experiment has run, with a version that is cut likewise and not pinned."""
    world = World(tmp_path_factory.mktemp("sizes"))
    laboratory = Laboratory(world)
    laboratory.finish(laboratory.create(words(16), words(64), PREFIXED, NOTHING, EVERYTHING))
    world.add("oak", TREES["oak"] * 20)
    world.build(lexical(16))
    yield laboratory
    world.close()


@pytest.fixture
def experiment(laboratory: Laboratory) -> ExperimentRow:
    """Return the experiment."""
    with laboratory.world.database.read() as session:
        experiment_id = session.scalars(select(ExperimentRow.id)).one()
    return laboratory.experiment(experiment_id)


def setup_of(contestant: Contestant) -> SearchSetup:
    """Return how a strategy searches."""
    assert isinstance(contestant.strategy.retrieval, SearchSetup)
    return contestant.strategy.retrieval


def size(laboratory: Laboratory, experiment: ExperimentRow, setup: SearchSetup, view: IndexView = EMPTY) -> IndexSize:
    """Return the size of a setup's index."""
    with laboratory.world.database.read() as session:
        return index_size(session, experiment, setup, view)


def chunks(laboratory: Laboratory, experiment: ExperimentRow, setup: SearchSetup) -> list[ChunkRow]:
    """Return every chunk of the pinned versions, read one version at a time."""
    with laboratory.world.database.read() as session:
        return [
            row
            for version_id in experiment.pins.values()
            for row in session.scalars(select(ChunkRow).where(ChunkRow.version_id == version_id))
            if row.chunking == setup.recipe.chunking
        ]


def view_of(folder: Path) -> IndexView:
    """Return a view of one segment, whose rows do not matter here."""
    segment = SegmentView(folder=folder, table=cast("RowTable", None), documents=np.zeros(0, dtype=np.int32))
    return IndexView([], [segment], [])


def test_chunks_and_tokens_are_those_of_the_pinned_versions(
    laboratory: Laboratory, experiment: ExperimentRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.evaluation.experiments.index_sizes.IDS_PER_QUERY", 2)
    setups = [setup_of(one) for one in experiment.parsed_contestants()[:3]]
    for setup in setups:
        rows = chunks(laboratory, experiment, setup)
        found = size(laboratory, experiment, setup)
        assert (found.chunks, found.indexed_tokens) == (len(rows), sum(row.tokens for row in rows))
        assert found.index_bytes == 0
    small, large = (size(laboratory, experiment, setup).chunks for setup in setups[:2])
    assert small > large > 0
    with laboratory.world.database.read() as session:
        cut = session.scalars(select(ChunkRow.chunking).where(ChunkRow.chunking == setups[0].recipe.chunking)).all()
    assert len(cut) > small  # the other version is cut as well, and does not count


def test_what_is_embedded_has_the_prefixes_on_top_and_is_nothing_without_an_embedder(
    laboratory: Laboratory, experiment: ExperimentRow
) -> None:
    plain, _, prefixed = (setup_of(one) for one in experiment.parsed_contestants()[:3])
    assert size(laboratory, experiment, plain).embedded_tokens == 0
    found = size(laboratory, experiment, prefixed)
    characters = sum(len(row.prefix) for row in chunks(laboratory, experiment, prefixed))
    assert found.embedded_tokens == found.indexed_tokens + round(characters / CHARACTERS_PER_TOKEN) > 0


def test_bytes_are_those_of_the_stores_that_are_searched(
    laboratory: Laboratory, experiment: ExperimentRow, tmp_path: Path
) -> None:
    plain, _, hybrid = (setup_of(one) for one in experiment.parsed_contestants()[:3])
    for name, length in (("bm25/a", 10), ("bm25/deep/er/b", 5), ("faiss_flat/c", 300), ("rows", 7_000)):
        path = tmp_path / "segment" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * length)
    view = view_of(tmp_path / "segment")
    assert size(laboratory, experiment, plain, view).index_bytes == 15
    assert size(laboratory, experiment, hybrid, view).index_bytes == 315


def test_a_reference_line_has_no_index_and_findings_say_the_sizes(
    laboratory: Laboratory, experiment: ExperimentRow
) -> None:
    contestants = experiment.parsed_contestants()
    views = {one.retrieval_fingerprint: EMPTY for one in contestants}
    with laboratory.world.database.read() as session:
        sizes = index_sizes(session, experiment, contestants, views)
    assert [one is None for one in sizes] == [False, False, False, True, True]
    for found, one in zip(sizes, Findings.model_validate(experiment.findings).strategies, strict=True):
        assert one.chunks == (found.chunks if found is not None else None)
        assert one.indexed_tokens == (found.indexed_tokens if found is not None else None)
        assert one.embedded_tokens == (found.embedded_tokens if found is not None else None)
        assert (one.index_bytes or 0) > 0 or found is None


def test_stores_tell_their_figures_and_none_where_a_segment_is_unreadable(
    laboratory: Laboratory, experiment: ExperimentRow, tmp_path: Path
) -> None:
    found = Findings.model_validate(experiment.findings).strategies
    assert [[store.kind for store in one.stores] for one in found] == [
        ["bm25"],
        ["bm25"],
        ["faiss_flat", "bm25"],
        [],
        [],
    ]
    assert all(sum(store.disk_bytes for store in one.stores) == (one.index_bytes or 0) for one in found)
    assert all(store.chunks == one.chunks and store.recall_at_10 == 1.0 for one in found for store in one.stores)
    plain = setup_of(experiment.parsed_contestants()[0])
    assert size(laboratory, experiment, plain, view_of(tmp_path / "gone")).stores == ()
