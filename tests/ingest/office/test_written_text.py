"""A text written piece by piece: what is a block says so, nothing is lost, and the limit holds."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.office.written_text import TextTooLongError, WrittenText, row_line

PIECES = st.lists(
    st.tuples(st.sampled_from(["text", "heading", "table", "page"]), st.text("ab \n\x00é🎉", max_size=8)), max_size=12
)


def written_of(pieces: list[tuple[str, str]]) -> WrittenText:
    written = WrittenText(10_000)
    for number, (kind, text) in enumerate(pieces, start=1):
        if kind == "heading":
            written.heading(text, 1)
        elif kind == "table":
            written.table([[text, "x"]])
        elif kind == "page":
            written.begin_page(number)
        else:
            written.write(text)
    return written


@given(st.lists(PIECES, min_size=1, max_size=4), st.integers(0, 6))
def test_whole_texts_keep_their_blocks_wherever_they_stand(texts: list[list[tuple[str, str]]], below: int) -> None:
    whole, expected = WrittenText(10_000), []
    for pieces in texts:
        alone = written_of(pieces)
        whole.document(f"\n\r{alone.text}\n", [], below=below)
        whole.document(alone.text, alone.blocks, below=below)
        for block in alone.blocks:
            level = min(block["level"] + below, 6) if block["kind"] == "heading" else 0
            expected.append((block["kind"], level, block["label"], alone.text[block["start"] : block["end"]]))
    found = [(one["kind"], one["level"], one["label"], whole.text[one["start"] : one["end"]]) for one in whole.blocks]
    assert found == [one for one in expected if one[0] != "page"]


@pytest.mark.parametrize("text", ["\n\r\nwords\n", "words\n\n"])
def test_a_block_ends_with_the_words_of_its_text(text: str) -> None:
    whole = WrittenText(100)
    whole.document("before", [])
    whole.document(text, [{"kind": "code", "start": 0, "end": len(text), "level": 0, "label": "x"}])
    assert [whole.text[one["start"] : one["end"]] for one in whole.blocks] == ["words"]


@given(PIECES)
def test_blocks_hold_what_was_written(pieces: list[tuple[str, str]]) -> None:
    written = written_of(pieces)
    text = written.text
    assert "\x00" not in text
    words = [piece.replace("\x00", "\ufffd").split() for kind, piece in pieces if kind != "page"]
    tables = sum(kind == "table" for kind, _ in pieces)
    assert sorted(text.replace(" | ", " ").split()) == sorted([word for one in words for word in one] + ["x"] * tables)
    for block in written.blocks:
        inside = text[block["start"] : block["end"]]
        assert inside == inside.strip("\r\n")
        assert inside.strip()
        assert block["kind"] != "heading" or inside == block["label"]
    assert all(before["start"] <= after["start"] for before, after in pairwise(written.blocks))


def test_a_page_reaches_from_its_first_text_to_its_last() -> None:
    written = WrittenText(100)
    for number, texts in ((1, ["one", "two"]), (2, []), (3, ["three"])):
        written.begin_page(number)
        for text in texts:
            written.write(text)
    assert written.text == "one\n\ntwo\n\nthree"
    assert [(block["label"], block["start"], block["end"]) for block in written.blocks] == [("1", 0, 8), ("3", 10, 15)]


@pytest.mark.parametrize(("wanted", "level"), [(0, 1), (1, 1), (6, 6), (9, 6)])
def test_headings_have_six_levels(wanted: int, level: int) -> None:
    written = WrittenText(100)
    written.heading(" a \n b ", wanted)
    assert written.blocks == [{"kind": "heading", "start": 0, "end": 3, "level": level, "label": "a b"}]


def test_the_limit_is_the_last_length_that_is_written() -> None:
    written = WrittenText(7)
    written.write("abc")
    written.write("de")
    with pytest.raises(TextTooLongError):
        written.write("f")


@pytest.mark.parametrize(
    ("cells", "line"),
    [
        (["a", "b"], "a | b"),
        (["a", "", ""], "a"),
        (["", "b"], " | b"),
        (["a\nb", " c "], "a b | c"),
        (["", " "], ""),
        ([], ""),
    ],
)
def test_a_row_is_a_line(cells: list[str], line: str) -> None:
    assert row_line(cells) == line
