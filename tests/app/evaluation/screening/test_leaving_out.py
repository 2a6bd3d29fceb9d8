"""Patched scores are those of an index rebuilt from the edited rows; nothing of the index itself changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.context.strategy import SearchSetup
from app.evaluation.screening.leaving_out import (
    cannot_leave_out,
    edit_rows,
    patched_stores,
    prefix_without,
    text_without,
)
from app.evaluation.screening.pseudo_questions import Kind, LeftOut, PseudoQuestion, make_questions
from app.evaluation.screening.sources import draw_sources
from configs.part import JsonObject
from configs.span import Span, union
from indexes.access import Principal
from indexes.database.tables import ChunkRow, Version
from indexes.search import Hit, search_index
from indexes.stores import Query, SegmentRows, Statistics
from indexes.view import IndexView
from ingest.chunking import SEPARATOR
from ingest.embedders import Embedder, Vectors
from tests.app.evaluation.screening.library import hybrid, topic_texts, view_of
from tests.app.evaluation.world import World, lexical

Vector = npt.NDArray[np.float32]
Row = tuple[str, int]
"""Version and ordinal."""
OVERLAPPING = {"kind": "fixed", "size_tokens": 40, "overlap_tokens": 12}
SMALL = {"stores": [{"kind": "bm25"}], "fusion": None, "embedder": None}


def setup_of(store: str, **settings: object) -> SearchSetup:
    """Return a setup that searches one store of the hybrid index."""
    stores = {"bm25": SMALL, "faiss_flat": {"stores": [{"kind": "faiss_flat"}], "fusion": None}}[store]
    return hybrid(**{"chunker": OVERLAPPING, **stores, **settings})  # type: ignore[arg-type]  # settings by name


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world of 32 titled documents, whose index has two segments."""
    world = World(tmp_path_factory.mktemp("left-out"))
    texts = topic_texts(documents=32)
    names = sorted(texts)
    for some in (names[:20], names[20:]):
        world.add_all({name: f"{name} title\n\n{texts[name]}" for name in some})
        with world.database.write() as session:
            for version in session.scalars(select(Version)):
                version.title = f"{version.document_id} title"
        world.build(hybrid(chunker=OVERLAPPING))
    yield world
    world.close()


def masked_questions(world: World, count: int = 10) -> list[PseudoQuestion]:
    """Return so many questions of each kind that leaves something out."""
    served = {one.id: one.version_id for one in view_of(world, hybrid(chunker=OVERLAPPING)).documents}
    with world.database.read() as session:
        sources = draw_sources(session, served, 1)
    made = make_questions(sources, per_kind=10, overlap=0.56, seed=1).questions
    kinds: tuple[Kind, ...] = ("sentence_left_out", "overlap_matched_left_out", "title_left_out")
    return [question for kind in kinds for question in made[kind][:count]]


def patched_hits(world: World, view: IndexView, setup: SearchSetup, question: PseudoQuestion) -> list[Hit]:
    """Return all hits of the patched search."""
    assert question.left_out is not None
    with world.database.read() as session:
        version = question.left_out.version_id
        text = session.scalars(select(Version.text).where(Version.id == version)).one() or ""
        chunks = session.scalars(select(ChunkRow).where(ChunkRow.version_id == version)).all()
        prefixes = {chunk.ordinal: chunk.prefix for chunk in chunks if chunk.chunking == setup.recipe.chunking}
    edited = edit_rows(view, question.left_out, text, prefixes)
    assert edited
    vectors = {one.segment_folder: setup.embedder.encode(one.texts) for one in edited} if setup.embedder else {}
    return search_index(
        view, patched_stores(setup, edited, vectors), setup.fusion, query_of(setup, question), principal=Principal(),
        restriction=None, candidates=1_000,
    ).hits  # fmt: skip


def query_of(setup: SearchSetup, question: PseudoQuestion) -> Query:
    """Return the question as stores see it."""
    return Query(
        text=question.text, vector=setup.embedder.encode_query(question.text) if setup.embedder is not None else None
    )


def rows_of(world: World, chunking: str, left_out: LeftOut | None) -> dict[Row, str]:
    """Return what is indexed of each row, character by character without what is left out, empty rows dropped."""
    rows = {}
    with world.database.read() as session:
        statement = select(ChunkRow, Version.text, Version.id).join(Version, Version.id == ChunkRow.version_id)
        for chunk, text, version in session.execute(statement.where(ChunkRow.chunking == chunking)):
            prefix, gone = chunk.prefix, set[int]()
            if left_out is not None and left_out.version_id == version:
                gone = {place for span in left_out.spans for place in range(span.start, span.end)}
                prefix = prefix.replace(f"{left_out.title}\n\n", "") if left_out.title else prefix
            kept = "".join((text or "")[place] for place in range(chunk.start, chunk.end) if place not in gone)
            if kept.strip():
                rows[version, chunk.ordinal] = prefix + kept
    return rows


def vectors_of(texts: Sequence[str], embedder: Embedder | None, encoded: dict[str, Vector]) -> Vectors | None:
    """Return float32 [texts, dimensions], None without an embedder; what is not `encoded` yet is added there."""
    if embedder is None:
        return None
    missing = [text for text in dict.fromkeys(texts) if text not in encoded]
    encoded.update(zip(missing, embedder.encode(missing), strict=True))
    return np.stack([encoded[text] for text in texts])


def rebuilt_scores(
    folder: Path, setup: SearchSetup, query: Query, rows: Mapping[Row, str], full: Mapping[Row, str],
    encoded: dict[str, Vector],
) -> dict[Row, float]:  # fmt: skip
    """Return what a flat index of `rows` finds, with the lexical statistics of the full rows."""
    (store,) = setup.stores
    vectors = vectors_of(list(rows.values()), setup.embedder, encoded)
    statistics = Statistics()
    for name, some in (("full", full), ("edited", rows)):
        if name == "edited" or store.signal == "lexical":
            (folder / name).mkdir()
            store.build(SegmentRows(texts=list(some.values()), vectors=vectors), folder / name)
    if store.signal == "lexical":
        statistics = store.open(folder / "full").statistics(query, None)
    found, scores = store.open(folder / "edited").search(query, None, 1_000, statistics)
    keys = list(rows)
    return {keys[row]: float(score) for row, score in zip(found, scores, strict=True)}


def check_against_rebuilt(world: World, folder: Path, setup: SearchSetup, tolerance: float, count: int = 10) -> None:
    """Compare every score of every masked question with the rebuilt index's; texts that stay are encoded once."""
    encoded: dict[str, Vector] = {}
    view = view_of(world, setup) if setup.embedder is not None else view_of(world, hybrid(chunker=OVERLAPPING))
    full = rows_of(world, setup.recipe.chunking, None)
    changed = 0
    for number, question in enumerate(masked_questions(world, count)):
        place = folder / str(number)
        place.mkdir()
        rows = rows_of(world, setup.recipe.chunking, question.left_out)
        expected = rebuilt_scores(place, setup, query_of(setup, question), rows, full, encoded)
        hits = patched_hits(world, view, setup, question)
        assert {(hit.version_id, hit.ordinal) for hit in hits} == set(expected)
        for hit in hits:
            assert hit.score == pytest.approx(expected[hit.version_id, hit.ordinal], abs=tolerance)
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
        changed += rows != full
    assert changed == 3 * count


def test_lexical_scores_are_those_of_a_rebuilt_index(library: World, tmp_path: Path) -> None:
    assert len(view_of(library, hybrid(chunker=OVERLAPPING)).segments) == 2
    check_against_rebuilt(library, tmp_path, setup_of("bm25"), 1e-6)


def test_dense_scores_are_those_of_a_rebuilt_index(library: World, tmp_path: Path) -> None:
    check_against_rebuilt(library, tmp_path, setup_of("faiss_flat"), 1e-5)


@pytest.mark.slow
def test_a_models_scores_are_those_of_a_rebuilt_index(library: World, tmp_path: Path) -> None:
    embedder = {"kind": "sentence_transformer", "precision": "fp32"}
    library.build(setup_of("faiss_flat", embedder=embedder))
    check_against_rebuilt(library, tmp_path, setup_of("faiss_flat", embedder=embedder), 1e-5, count=2)


def test_fused_order_uses_patched_scores_of_both_stores(library: World) -> None:
    setup = hybrid(chunker=OVERLAPPING)
    view = view_of(library, setup)
    for question in masked_questions(library)[:10]:
        alone = {
            store: {(hit.version_id, hit.ordinal): hit.score for hit in hits}
            for store in ("bm25", "faiss_flat")
            for hits in [patched_hits(library, view, setup_of(store), question)]
        }
        for hit in patched_hits(library, view, setup, question):
            for store, score in hit.stores.items():
                assert score.score == alone[store].get((hit.version_id, hit.ordinal), 0.0)


def test_an_asked_sentence_is_no_longer_found_where_it_stood(library: World) -> None:
    setup = hybrid(chunker=OVERLAPPING)
    view = view_of(library, setup)
    question = next(one for one in masked_questions(library) if one.kind == "sentence_left_out")
    assert question.left_out is not None
    whole = search_index(
        view, setup.stores, setup.fusion, query_of(setup, question), principal=Principal(), restriction=None,
        candidates=1_000,
    ).hits  # fmt: skip
    assert whole[0].version_id == question.left_out.version_id
    best = patched_hits(library, view, setup, question)[0]
    assert best.stores["bm25"].score < whole[0].stores["bm25"].score / 2
    again = search_index(
        view, setup.stores, setup.fusion, query_of(setup, question), principal=Principal(), restriction=None,
        candidates=1_000,
    ).hits  # fmt: skip
    assert again == whole


def test_a_row_of_which_nothing_is_left_is_not_found(topics: World) -> None:
    setup = hybrid()
    view = view_of(topics, setup)
    document = view.documents[3]
    segment = view.segments[0]
    row = int(np.flatnonzero(segment.documents == 3)[2])
    span = Span(int(segment.table.starts[row]), int(segment.table.ends[row]))
    with topics.database.read() as session:
        text = session.scalars(select(Version.text).where(Version.id == document.version_id)).one() or ""
    left_out = LeftOut(version_id=document.version_id, document_id=document.id, spans=(Span(span.start, span.end - 1),))
    (edited,) = edit_rows(view, left_out, text, dict.fromkeys(range(100), "A title\n\n"))
    assert (edited.rows.tolist(), edited.is_left.tolist(), edited.texts) == ([row], [False], ())
    stores = patched_stores(setup, [edited], {edited.segment_folder: np.zeros((0, 256), dtype=np.float32)})
    query = Query(
        text=text[span.start : span.end], vector=setup.embedder.encode_query(text) if setup.embedder else None
    )
    hits = search_index(
        view, stores, setup.fusion, query, principal=Principal(), restriction=None, candidates=1_000
    ).hits
    assert len(hits) == len(segment.table) - 1
    assert (document.version_id, int(segment.table.ordinals[row])) not in {(h.version_id, h.ordinal) for h in hits}
    with pytest.raises(KeyError):
        stores[0].open(segment.folder / "faiss_flat").scores(query, np.array([row]), None)  # type: ignore[arg-type]  # dense


def test_a_view_with_another_version_is_refused(topics: World) -> None:
    view = view_of(topics, hybrid())
    left_out = LeftOut(version_id="older", document_id=view.documents[0].id, spans=(Span(0, 1),))
    with pytest.raises(ValueError, match="older"):
        edit_rows(view, left_out, "text", {})


spans = st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda pair: Span(min(pair), max(pair)))


@given(span=spans, left_out=st.lists(spans, max_size=4).map(union))
def test_text_without_spans_keeps_exactly_the_other_characters(span: Span, left_out: list[Span]) -> None:
    text = "".join(chr(ord("A") + number) for number in range(30))
    gone = {place for one in left_out for place in range(one.start, one.end)}
    assert text_without(text, span, left_out) == "".join(
        text[place] for place in range(span.start, span.end) if place not in gone
    )


@pytest.mark.parametrize(
    ("prefix", "title", "left_words", "expected"),
    [
        ("Refund policy\n\n", "Refund policy", [], ""),
        (f"Refund policy{SEPARATOR}Teams\n\n", "Refund policy", [], "Teams\n\n"),
        ("Refund policy\n\n", "Refund policy for teams", [], ""),
        (f"Refunds{SEPARATOR}Teams\n\n", "Refund", [], f"Refunds{SEPARATOR}Teams\n\n"),
        (f"Help{SEPARATOR}Pay on time always\n\n", "", ["Pay on time always"], f"Help{SEPARATOR}\n\n"),
        ("", "Refund policy", ["", "x"], ""),
    ],
)
def test_prefixes_lose_what_is_left_out(prefix: str, title: str, left_words: list[str], expected: str) -> None:
    assert prefix_without(prefix, title, left_words) == expected


def test_nothing_is_left_out_of_whole_documents() -> None:
    assert cannot_leave_out(hybrid()) is None
    assert "whole_document" in str(cannot_leave_out(lexical(chunker={"kind": "whole_document"})))


@pytest.mark.parametrize(
    "options", [{"query_expansion": {"kind": "rm3"}}, {"reranker": {"kind": "mmr"}}, {"recency": {}}], ids=str
)
def test_options_that_read_stored_passages_cannot_do_without_a_part_of_them(options: JsonObject) -> None:
    reason = cannot_leave_out(lexical(**options))
    assert (reason is None) == ("recency" in options)
    assert reason is None or next(iter(options.values()))["kind"] in reason
