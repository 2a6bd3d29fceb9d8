"""Sentence: whole sentences, shared sentences, and what is kept together with them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from configs.span import Span
from ingest.chunkers.recursive import Recursive
from ingest.chunkers.sentence import Sentence
from ingest.damage import damage_of
from ingest.document import Block, ParsedDocument
from ingest.tokenizers import TokenizerTools, count_tokens
from tests.ingest.documents import code, document_of, documents, heading, prose, table


def sentence(size_tokens: int = 16, overlap_sentences: int = 0) -> Sentence:
    return Sentence(kind="sentence", size_tokens=size_tokens, overlap_sentences=overlap_sentences)


def chunks_of(chunker: Sentence, document: ParsedDocument) -> list[str]:
    pieces = chunker.split(document, TokenizerTools())
    return [document.text[piece.span.start : piece.span.end] for piece in pieces]


def of_words(*counts: int) -> str:
    """Return sentences of so many tokens each, the full stop included."""
    return "".join(f"Here {'word ' * (count - 3)}ends. " for count in counts)


def test_sentences_are_packed_while_they_fit() -> None:
    text = of_words(6, 6, 4, 10, 9, 3)
    chunks = chunks_of(sentence(16), ParsedDocument(text=text))
    assert [count_tokens(chunk) for chunk in chunks] == [16, 10, 12]
    assert "".join(chunks) == text


def test_neighbours_share_as_many_sentences_as_leave_room_for_a_new_one() -> None:
    numbered = [f"Sentence number {number} is here. " for number in range(8)]
    document = ParsedDocument(text="".join(numbered))
    assert count_tokens(numbered[0]) == 6
    by_overlap = {overlap: chunks_of(sentence(20, overlap), document) for overlap in (0, 1, 2, 10)}
    assert by_overlap[0] == ["".join(numbered[:3]), "".join(numbered[3:6]), "".join(numbered[6:])]
    assert by_overlap[1] == ["".join(numbered[first : first + 3]) for first in (0, 2, 4)] + ["".join(numbered[6:])]
    assert by_overlap[2] == by_overlap[10] == ["".join(numbered[first : first + 3]) for first in range(6)]


def test_a_large_sentence_takes_the_room_of_shared_ones() -> None:
    small, large = "A small one is here. ", "This one has so many words that nothing else can stand beside it. "
    assert (count_tokens(small), count_tokens(large)) == (6, 14)
    chunks = chunks_of(sentence(16, 2), ParsedDocument(text=small * 2 + large + small * 2))
    assert chunks == [small * 2, large, small * 2]


def test_abbreviations_decimals_and_numbers_of_list_items_end_no_sentence() -> None:
    text = (
        "Ask Dr. Smith about it, e.g. by mail to the desk. Growth was 3.5 % in the year, cf. Fig. 3 there. \n"
        "1. The first point of the list has words.\n2. The second point of the list has words, too.\n"
    )
    assert chunks_of(sentence(21), ParsedDocument(text=text)) == [
        "Ask Dr. Smith about it, e.g. by mail to the desk. ",
        "Growth was 3.5 % in the year, cf. Fig. 3 there. \n",
        "1. The first point of the list has words.\n",
        "2. The second point of the list has words, too.\n",
    ]


def test_list_items_without_full_stops_are_sentences() -> None:
    items = "".join(f"- item {number} of the shopping list for today\n" for number in range(6))
    chunks = chunks_of(sentence(20), ParsedDocument(text=items))
    assert len(chunks) == 3
    assert all(chunk.count("- item") == 2 and chunk.endswith("today\n") for chunk in chunks)


def test_a_heading_stays_with_the_sentence_below_it() -> None:
    document = document_of(
        prose("Some ten words stand up here before the heading comes."),
        heading(1, "Refunds"),
        heading(2, "How long they take"),
        prose("They take a week. They go to the account that has paid the bill in the first place."),
    )
    chunks = chunks_of(sentence(20), document)
    assert chunks[1] == "# Refunds\n\n## How long they take\n\nThey take a week. "
    assert (
        damage_of(document, [piece.span for piece in sentence(20).split(document, TokenizerTools())]).cut_sentences == 0
    )


def test_tables_code_and_records_stay_whole_where_they_fit() -> None:
    parts = [prose("Before it."), table(2), prose("Between them."), code(3), prose("After it.")]
    document = document_of(*parts)
    chunks = chunks_of(sentence(40), document)
    for part in (parts[1], parts[3]):
        assert sum(part.source in chunk for chunk in chunks) == 1
    first, second = "name: A. B. C\nsize: 1. 2. 3", "name: D\nsize: 4"
    text = f"{first}\n\n{second}"
    spans = [Span(0, len(first)), Span(len(first) + 2, len(text))]
    document = ParsedDocument(text=text, blocks=tuple(Block(kind="record", span=span) for span in spans))
    assert [chunk.strip() for chunk in chunks_of(sentence(18), document)] == [first, second]


def test_a_large_record_is_cut_between_its_sentences() -> None:
    text = "text: " + "This is one sentence. " * 8
    document = ParsedDocument(text=text, blocks=(Block(kind="record", span=Span(0, len(text.rstrip()))),))
    assert all(chunk.rstrip().endswith("sentence.") for chunk in chunks_of(sentence(16), document))


@pytest.mark.parametrize("text", ["word " * 100, "x" * 500, "漢字" * 200, "one, two, three; " * 30, "a\n" * 200])
def test_a_text_without_sentence_ends_is_cut_as_by_recursive(text: str) -> None:
    document = ParsedDocument(text=text)
    recursive = Recursive(kind="recursive", size_tokens=16).split(document, TokenizerTools())
    assert list(sentence(16, 3).split(document, TokenizerTools())) == list(recursive)


def test_a_sentence_that_is_too_long_shares_nothing() -> None:
    before, long, after = "It begins here. ", "Long " + "word, " * 20 + "end. ", "It ends here. "
    chunks = chunks_of(sentence(16, 5), ParsedDocument(text=before + long + after))
    assert (chunks[0], chunks[-1]) == (before, after)
    assert "".join(chunks) == before + long + after


@settings(max_examples=60)
@given(document=documents(), size_tokens=st.sampled_from([16, 40, 200]))
def test_without_overlap_chunks_together_are_the_document(document: ParsedDocument, size_tokens: int) -> None:
    chunks = chunks_of(sentence(size_tokens), document)
    assert "".join("".join(chunks).split()) == "".join(document.text.split())


@settings(max_examples=60)
@given(document=documents(), overlap=st.integers(0, 4))
def test_every_chunk_has_something_new(document: ParsedDocument, overlap: int) -> None:
    spans = [piece.span for piece in sentence(30, overlap).split(document, TokenizerTools())]
    assert all(one.start < other.start and one.end < other.end for one, other in itertools.pairwise(spans))


@given(counts=st.lists(st.integers(4, 16), min_size=1, max_size=20))
def test_no_sentence_is_cut_that_fits(counts: list[int]) -> None:
    sentences = [of_words(count) for count in counts]
    document = ParsedDocument(text="".join(sentences))
    spans = [piece.span for piece in sentence(16).split(document, TokenizerTools())]
    borders = {0, *itertools.accumulate(map(len, sentences))}
    assert {edge for span in spans for edge in (span.start, span.end)} <= borders
    for one, other in itertools.pairwise(spans):  # greedy: the next sentence would not have fitted
        following = min(border for border in borders if border > other.start)
        assert TokenizerTools().tokens(document.text).count(one.start, following) > 16


def test_settings_are_checked() -> None:
    for settings_ in ({"size_tokens": 15}, {"size_tokens": 8193}, {"overlap_sentences": -1}, {"overlap_sentences": 11}):
        with pytest.raises(ValidationError):
            Sentence.model_validate({"kind": "sentence", **settings_})
    assert (Sentence(kind="sentence").size_tokens, Sentence(kind="sentence").overlap_sentences) == (200, 0)
