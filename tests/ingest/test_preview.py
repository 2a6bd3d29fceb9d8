"""Previews: the chunks that would be made, and every figure counted by hand or by brute force."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.chunkers import Chunker
from ingest.chunkers.fixed import Fixed
from ingest.chunkers.heading import Heading
from ingest.chunkers.recursive import Recursive
from ingest.chunkers.whole_document import WholeDocument
from ingest.chunking import chunk_document, indexed_text
from ingest.document import ParsedDocument
from ingest.preview import HISTOGRAM_BINS, ChunkingPreview, preview
from ingest.tokenizers import TokenizerTools, count_tokens
from tests.ingest.documents import code, document_of, documents, heading, prose, table

CHUNKERS: list[Chunker] = [
    Fixed(kind="fixed", size_tokens=16, overlap_tokens=8),
    Recursive(kind="recursive", size_tokens=50),
    Heading(kind="heading", size_tokens=16),
    WholeDocument(kind="whole_document"),
]
WORDS = ParsedDocument(text="word " * 40)


def preview_of(document: ParsedDocument, *chunkers: Chunker, window_tokens: int | None = None) -> list[ChunkingPreview]:
    return preview(document, chunkers, title="Title", with_prefix=True, window_tokens=window_tokens)


def test_each_chunker_gets_a_preview_of_the_chunks_it_would_make() -> None:
    document = document_of(heading(1, "A"), prose("Some words. " * 30), table(3), heading(2, "B"), code(3))
    previews = preview_of(document, *CHUNKERS)
    assert [found.chunker for found in previews] == CHUNKERS
    for found in previews:
        assert list(found.chunks) == chunk_document(document, found.chunker, title="Title", with_prefix=True)
        assert found.window_overruns is None


def test_sizes_and_histogram_are_counted() -> None:
    found = preview_of(WORDS, Fixed(kind="fixed", size_tokens=16))[0]
    assert [chunk.tokens for chunk in found.chunks] == [16, 16, 8]
    sizes = found.sizes
    assert (sizes.count, sizes.min, sizes.max, sizes.p95) == (3, 8, 16, 16)
    assert sizes.median == 16.0
    assert sizes.mean == pytest.approx(40 / 3)
    bins = {bin_.from_tokens: bin_.chunks for bin_ in found.histogram}
    assert bins == {0: 0, 2: 0, 4: 0, 6: 0, 8: 1, 10: 0, 12: 0, 14: 0, 16: 2}


def test_p95_is_the_nearest_rank() -> None:
    text = "".join("word " * count + "\n\n" for count in range(81, 101))
    found = preview_of(ParsedDocument(text=text), Recursive(kind="recursive", size_tokens=100))[0]
    assert [chunk.tokens for chunk in found.chunks] == list(range(81, 101))
    assert (found.sizes.p95, found.sizes.max, found.sizes.median) == (99, 100, 90.5)


@settings(max_examples=25)
@given(document=documents(), chunker=st.sampled_from(CHUNKERS))
def test_figures_equal_a_count_by_characters(document: ParsedDocument, chunker: Chunker) -> None:
    found = preview_of(document, chunker)[0]
    tokens = [chunk.tokens for chunk in found.chunks]
    held = [position for chunk in found.chunks for position in range(chunk.span.start, chunk.span.end)]
    assert found.coverage == 1.0
    assert found.duplicated == pytest.approx(1 - len(set(held)) / len(held) if held else 0.0)
    assert found.sizes.count == len(tokens) == sum(bin_.chunks for bin_ in found.histogram)
    assert len(found.histogram) <= HISTOGRAM_BINS
    for bin_ in found.histogram:
        assert bin_.chunks == sum(bin_.from_tokens <= size < bin_.below_tokens for size in tokens)
    if tokens:
        assert (found.sizes.min, found.sizes.max) == (min(tokens), max(tokens))
        assert found.sizes.mean == pytest.approx(statistics.fmean(tokens))
        assert found.histogram[-1].chunks > 0


def test_a_blank_document_has_empty_figures() -> None:
    found = preview_of(ParsedDocument(text=" \n"), CHUNKERS[0], window_tokens=10)[0]
    assert (found.chunks, found.histogram, found.window_overruns) == ((), (), 0)
    assert (found.sizes.count, found.sizes.max, found.sizes.mean) == (0, 0, 0.0)
    assert (found.coverage, found.duplicated) == (1.0, 0.0)


def test_characters_in_no_chunk_lower_the_coverage(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = list(Fixed(kind="fixed", size_tokens=16).split(WORDS, TokenizerTools()))
    monkeypatch.setattr(Fixed, "split", lambda *_: iter(pieces[::2]))
    found = preview_of(WORDS, Fixed(kind="fixed", size_tokens=16))[0]
    assert found.coverage == pytest.approx(24 / 40)


def test_overlaps_are_duplicated_characters() -> None:
    found = preview_of(WORDS, Fixed(kind="fixed", size_tokens=20, overlap_tokens=10))[0]
    assert [chunk.tokens for chunk in found.chunks] == [20, 20, 20]
    assert found.duplicated == pytest.approx(1 - 40 / 60)
    assert preview_of(WORDS, Fixed(kind="fixed", size_tokens=20))[0].duplicated == 0.0


@pytest.mark.parametrize(("window_tokens", "overruns"), [(18, 0), (17, 0), (16, 2), (9, 2), (8, 3)])
def test_overruns_count_prefix_and_text(window_tokens: int, overruns: int) -> None:
    found = preview_of(WORDS, Fixed(kind="fixed", size_tokens=16), window_tokens=window_tokens)[0]
    assert [count_tokens(indexed_text(WORDS.text, chunk)) for chunk in found.chunks] == [17, 17, 9]
    assert found.window_overruns == overruns


def test_overruns_are_counted_by_the_embedder_where_it_counts() -> None:
    seen: list[str] = []

    def characters(texts: Sequence[str]) -> list[int]:
        seen.extend(texts)
        return [len(text) for text in texts]

    found = preview(
        WORDS,
        [Fixed(kind="fixed", size_tokens=16)],
        title="Title",
        with_prefix=False,
        window_tokens=40,
        count_window_tokens=characters,
    )[0]
    assert seen == [indexed_text(WORDS.text, chunk) for chunk in found.chunks]
    assert found.window_overruns == 2


def test_damage_is_reported_for_each_chunker() -> None:
    document = document_of(heading(1, "A"), prose("Some words in a sentence. " * 5), table(6), heading(2, "B"), code(5))
    fixed, _, headings, whole = preview_of(document, *CHUNKERS)
    assert (fixed.damage.cut_tables, fixed.damage.cut_code_blocks) == (1, 1)
    assert fixed.damage.cut_sentences > 0
    assert (headings.damage.cut_code_blocks, headings.damage.separated_headings) == (0, 0)
    assert whole.damage == type(whole.damage)(cut_sentences=0, cut_tables=0, cut_code_blocks=0, separated_headings=0)
