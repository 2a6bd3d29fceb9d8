"""What cuts separate, on documents small enough to count by eye."""

from __future__ import annotations

import itertools

import pytest

from configs.span import Span
from ingest.damage import Damage, damage_of
from ingest.document import Block, ParsedDocument
from tests.ingest.documents import code, document_of, heading, prose, table

DOCUMENT = document_of(
    heading(1, "Prices"),
    prose("One sentence. Two sentences."),
    table(2),
    code(2),
    heading(2, "More"),
    prose("The end."),
)


def spans_cut_before(document: ParsedDocument, *words: str) -> list[Span]:
    """Return the document cut right before each of these words."""
    cuts = [0, *(document.text.index(word) for word in words), len(document.text)]
    return [Span(start, end) for start, end in itertools.pairwise(cuts)]


@pytest.mark.parametrize(
    ("words", "counts"),
    [
        ([], (0, 0, 0, 0)),
        (["Two"], (0, 0, 0, 0)),
        (["sentence.", "sentences."], (2, 0, 0, 0)),
        (["| name", "```python", "## More"], (0, 0, 0, 0)),
        (["| row 1"], (0, 1, 0, 0)),
        (["call(argument)[1]"], (0, 0, 1, 0)),
        (["argument"], (0, 0, 1, 0)),
        (["One"], (0, 0, 0, 1)),
        (["One", "The end."], (0, 0, 0, 2)),
        (["rices"], (1, 0, 0, 1)),
        (["One", "sentences.", "| row", "argument", "The end."], (1, 1, 1, 2)),
    ],
)
def test_each_kind_of_damage_is_counted(words: list[str], counts: tuple[int, int, int, int]) -> None:
    names = ("cut_sentences", "cut_tables", "cut_code_blocks", "separated_headings")
    spans = sorted(spans_cut_before(DOCUMENT, *sorted(words, key=DOCUMENT.text.index)))
    assert damage_of(DOCUMENT, spans) == Damage(**dict(zip(names, counts, strict=True)))


def test_an_overlap_that_holds_the_block_repairs_it() -> None:
    text = DOCUMENT.text
    middle = text.index("| row 1")
    halves = [Span(0, middle), Span(middle, len(text))]
    assert damage_of(DOCUMENT, halves).cut_tables == 1
    overlapping = [Span(0, middle), Span(text.index("| name"), len(text))]
    assert damage_of(DOCUMENT, overlapping).cut_tables == 0


def test_both_ends_of_an_overlap_are_cuts_and_equal_places_count_once() -> None:
    document = ParsedDocument(text="one two three four five six")
    assert damage_of(document, [Span(0, 13), Span(8, 27)]).cut_sentences == 2
    assert damage_of(document, [Span(0, 13), Span(13, 27)]).cut_sentences == 1
    assert damage_of(document, [Span(0, 13), Span(14, 27)]).cut_sentences == 1


def test_a_last_heading_has_nothing_to_be_separated_from() -> None:
    document = document_of(prose("Text."), heading(2, "End"))
    assert damage_of(document, spans_cut_before(document, "## End")).separated_headings == 0


def test_records_end_what_is_not_a_sentence() -> None:
    text = "name: Ann\nage: 9\nname: Bob\nage: 8"
    records = tuple(
        Block(kind="record", span=span, label=str(number))
        for number, span in enumerate((Span(0, 16), Span(17, len(text))), start=1)
    )
    cut = [Span(0, 17), Span(17, len(text))]
    assert damage_of(ParsedDocument(text=text), cut).cut_sentences == 1
    assert damage_of(ParsedDocument(text=text, blocks=records), cut).cut_sentences == 0


def test_white_space_and_line_ends_inside_a_block_do_not_count() -> None:
    text = "\n| a |\n\nText."
    document = ParsedDocument(text=text, blocks=(Block(kind="table", span=Span(0, 8)),))
    assert damage_of(document, [Span(1, 6), Span(8, len(text))]).cut_tables == 0
    blank = ParsedDocument(text=text, blocks=(Block(kind="table", span=Span(6, 8)),))
    assert damage_of(blank, [Span(0, 3), Span(3, len(text))]).cut_tables == 0


def test_without_chunks_every_block_is_lost() -> None:
    assert damage_of(DOCUMENT, []) == Damage(cut_sentences=0, cut_tables=1, cut_code_blocks=1, separated_headings=2)
