"""10,000 random access lists, askers, filters and strategies: search equals brute force over the permitted documents.

Each case is also compared, to the last bit, with an index that never held what its asker may not read. Half of the
cases come after access lists were changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from configs.errors import InvalidInputError
from indexes.access import Filter, Principal
from indexes.analysis import term_maker
from indexes.database.catalog import load_document, load_workspace, raise_generation
from indexes.database.engine import Database
from indexes.search import Hit, search_index
from indexes.segments import RowTable, WrittenSegment, add_segment, segment_folder, write_segment
from indexes.stores import SegmentRows
from indexes.view import IndexView, RowPlace, ServedDocument, Views, view_of_places
from tests.contracts.store_worlds import unsynced
from tests.database import add_document, add_index, add_version, add_workspace, fresh_database, serve
from tests.indexes.access_oracle import Oracle
from tests.indexes.access_worlds import (
    BUILT,
    SEGMENTS,
    STOP_WORDS,
    STRATEGIES,
    WORDS,
    AccessDocument,
    Case,
    draw_case,
    draw_names,
    draw_world,
    vectors_of,
    with_other_access,
)

BLOCKS, WORLDS, PHASES, ASKERS, CASES = 5, 10, 2, 5, 20
World = tuple[AccessDocument, ...]
Row = tuple[str, int, int, str]
"""A chunk as it is indexed: id of its document, number of the version, ordinal, text."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, Path]]:
    folder = tmp_path_factory.mktemp("access")
    with unsynced(), fresh_database(folder) as database:
        yield database, folder


def written(folder: Path, rows: Sequence[Row]) -> WrittenSegment:
    ordinals = np.array([ordinal for _, _, ordinal, _ in rows], dtype=np.int32)
    table = RowTable(ordinals=ordinals, starts=ordinals * 7, ends=ordinals * 7 + 5, tokens=ordinals + 1)
    texts = [text for *_, text in rows]
    return write_segment(folder, BUILT, table, SegmentRows(texts=texts, vectors=vectors_of(texts)))


def store(world: World, home: tuple[Database, Path], name: str) -> None:
    """Store every version of the world in segments of a workspace and an index of that name."""
    database, folder = home
    rows: list[list[Row]] = [[] for _ in range(SEGMENTS)]
    places: dict[tuple[str, int], tuple[str, int, int]] = {}
    for at, document in enumerate(world):
        for version, texts in enumerate(document.versions):
            segment = (at * 5 + version) % SEGMENTS
            places[document.id, version] = f"{name}-{segment}", len(rows[segment]), len(texts)
            rows[segment].extend((document.id, version, ordinal, text) for ordinal, text in enumerate(texts))
    with database.write() as session:
        add_workspace(session, name)
        add_index(session, name, workspace_id=name)
        for segment, some in enumerate(rows):
            if some:
                add_segment(session, name, written(segment_folder(folder, name, f"{name}-{segment}"), some))
        for source in world:
            document_row = add_document(
                session, source.id, workspace_id=name, tags=list(source.tags), attributes=source.metadata,
                access=None if source.access is None else list(source.access),
            )  # fmt: skip
            versions = [add_version(session, document_row, number) for number in range(len(source.versions))]
            if source.is_pending:
                add_version(session, document_row, len(versions), state="queued")
            if source.served is not None:
                segment_id, first_row, row_count = places[source.id, source.served]
                serve(session, name, segment_id, versions[source.served], first_row, row_count)
            if source.is_deleted:
                document_row.deleted_at = document_row.created_at


def opened(home: tuple[Database, Path], views: Views, name: str) -> IndexView:
    with home[0].read() as session:
        return views.get(session, name, load_workspace(session, name).generation, name)


def change_access(home: tuple[Database, Path], world: World, name: str) -> None:
    with home[0].write() as session:
        for document in world:
            if not document.is_deleted:
                row = load_document(session, name, document.id)
                row.access = None if document.access is None else list(document.access)
        raise_generation(session, name)


def index_of_permitted(world: World, names: frozenset[str], folder: Path) -> IndexView:
    """Return an index that never held anything else than what somebody of these names may read now."""
    documents, places, rows = [], [], list[Row]()
    for one in world:
        if one.is_live and one.may_be_read_by(names):
            version_id = f"{one.id}-{one.served}"
            documents.append(
                ServedDocument(id=one.id, version_id=version_id, tags=one.tags, metadata=one.metadata, access=None)
            )
            places.append(RowPlace(one.id, folder, len(rows), len(one.chunks)))
            rows.extend((one.id, 0, ordinal, text) for ordinal, text in enumerate(one.chunks))
    if rows:
        written(folder, rows)
    return view_of_places(documents, places)


def outcome(view: IndexView, case: Case, principal: Principal) -> list[Hit] | dict[str, object]:
    """Return the hits, or all that the error says."""
    sent = {"all": [condition.sent for condition in case.conditions]}
    try:
        return search_index(
            view, case.strategy.stores, case.strategy.fusion, case.query,
            principal=principal,
            restriction=Filter.model_validate(sent) if case.conditions else None,
            candidates=case.candidates,
        ).hits  # fmt: skip
    except InvalidInputError as error:
        return error.as_dict()


def check_hits(world: World, oracle: Oracle, case: Case, hits: list[Hit]) -> None:
    expected = oracle.hits(case)
    assert [(hit.document_id, hit.ordinal) for hit in hits] == [(one.document_id, one.ordinal) for one in expected]
    served = {one.id: one.served for one in world}
    for rank, (hit, one) in enumerate(zip(hits, expected, strict=True), start=1):
        assert (hit.rank, hit.version_id) == (rank, f"{hit.document_id}-{served[hit.document_id]}")
        assert abs(hit.score - one.score) < 2e-6
        assert {name: said.rank for name, said in hit.stores.items()} == {k: v[1] for k, v in one.stores.items()}
        assert all(abs(said.score - one.stores[name][0]) < 2e-6 for name, said in hit.stores.items())


def check_phase(random: np.random.Generator, world: World, view: IndexView, folder: Path) -> Counter[str]:
    """Ask as several askers in turn, in random order, of one view and its cache; return what came out how often."""
    seen: Counter[str] = Counter()
    oracle = Oracle(world)
    askers = [draw_names(random) for _ in range(ASKERS)]
    clean = [index_of_permitted(world, names, folder / f"asker-{n}") for n, names in enumerate(askers)]
    for asker in random.permutation(np.repeat(np.arange(ASKERS), CASES)).tolist():
        case = draw_case(random, askers[asker])
        said = outcome(view, case, Principal.of(case.names))
        assert said == outcome(clean[asker], case, Principal.of([]))
        if isinstance(said, list):
            check_hits(world, oracle, case, said)
            assert oracle.knows_fields(case)
        else:
            assert (said["code"], oracle.knows_fields(case)) == ("unknown_filter_field", False)
        kind = "refused" if isinstance(said, dict) else "hits" if said else "nothing"
        seen.update([kind, next(name for name, one in STRATEGIES.items() if one is case.strategy)])
        seen["hidden"] += any(one.is_live and not one.may_be_read_by(case.names) for one in world)
    for names in askers:
        missing = sum(one.is_missing and one.may_be_read_by(names) for one in world)
        assert view.missing_documents(Principal.of(names)) == missing
        seen["missing"] += missing
    return seen


@pytest.mark.slow
@pytest.mark.parametrize("block", range(BLOCKS))
def test_search_knows_nothing_of_what_its_asker_may_not_read(home: tuple[Database, Path], block: int) -> None:
    random = np.random.default_rng([4, block])
    views = Views(home[1])
    seen: Counter[str] = Counter()
    for number in range(WORLDS):
        name = f"w{block}-{number}"
        world = draw_world(random, name)
        store(world, home, name)
        for phase in range(PHASES):
            if phase:
                world = with_other_access(random, world)
                change_access(home, world, name)
            seen += check_phase(random, world, opened(home, views, name), home[1] / "clean" / f"{name}-{phase}")
    cases = WORLDS * PHASES * ASKERS * CASES
    assert seen["hits"] + seen["nothing"] + seen["refused"] == cases == 10_000 // BLOCKS
    assert seen["hits"] > cases / 2
    assert seen["hidden"] > cases / 2
    assert min(seen["nothing"], seen["refused"], *(seen[name] for name in STRATEGIES)) > cases / 50
    assert seen["missing"] > 50


def test_the_words_of_the_worlds_are_their_own_stems() -> None:
    """The oracle counts words as they are; this is what allows it to."""
    term = term_maker("english", "english")
    assert [term(word) for word in WORDS] == WORDS
    assert [term(word) for word in STOP_WORDS] == [None, None]
