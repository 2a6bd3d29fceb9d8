"""White space is owed, not written, until text follows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from configs.span import Span
from ingest.flowing_text import FlowingText, Gap


def test_the_larger_gap_wins_and_is_owed_once() -> None:
    out = FlowingText()
    for text, gap in [("a", Gap.SPACE), ("b", Gap.LINE), ("c", Gap.BLANK_LINE), ("d", Gap.NOTHING), ("e", Gap.NOTHING)]:
        out.write(text)
        out.owe(gap)
    assert str(out) == "a b\nc\n\nde"
    out.owe(Gap.LINE)
    out.owe(Gap.BLANK_LINE)
    out.owe(Gap.SPACE)
    out.write("f")
    assert str(out) == "a b\nc\n\nde\n\nf"


def test_no_gap_stands_at_the_beginning_or_the_end() -> None:
    out = FlowingText()
    out.owe(Gap.BLANK_LINE)
    out.write_words("  a ")
    out.owe(Gap.LINE)
    assert str(out) == "a"


def test_the_second_line_break_makes_a_blank_line_and_the_third_nothing() -> None:
    out = FlowingText()
    for breaks in (1, 2, 3):
        out.write("x")
        for _ in range(breaks):
            out.owe_line_break()
    out.write("y")
    assert str(out) == "x\nx\n\nx\n\ny"


PIECES = st.lists(st.text(st.sampled_from("ab \t\n\r\f\u00a0ü"), max_size=5), max_size=10)


@given(PIECES)
def test_words_come_out_as_if_they_had_come_in_at_once(pieces: list[str]) -> None:
    out = FlowingText()
    for piece in pieces:
        out.write_words(piece)
    joined = "".join(pieces)
    for character in "\t\n\r\f":
        joined = joined.replace(character, " ")
    assert str(out) == " ".join(word for word in joined.split(" ") if word)
    assert out.length == len(str(out))


def test_separators_stand_for_empty_cells_too() -> None:
    out = FlowingText()
    out.write("row")
    out.owe(Gap.LINE)
    out.owe_separator(" | ")
    out.owe_separator(" | ")
    out.write_words(" x ")
    out.owe_separator(" | ")
    out.settle_separators(are_written=True)
    assert str(out) == "row\n |  | x | "


def test_a_separator_takes_the_place_of_a_space() -> None:
    out = FlowingText()
    out.write_words("a ")
    out.owe_separator(" | ")
    out.write_words(" b")
    assert str(out) == "a | b"


def test_separators_can_be_forgotten() -> None:
    out = FlowingText()
    out.write("a")
    out.owe_separator(" | ")
    out.settle_separators(are_written=False)
    out.owe(Gap.LINE)
    out.write("b")
    assert str(out) == "a\nb"


def test_what_was_written_since_a_mark() -> None:
    out = FlowingText()
    out.write("one")
    out.owe(Gap.BLANK_LINE)
    mark = out.mark()
    assert out.since(mark) == (Span(3, 3), "")
    out.write("  two")
    out.owe(Gap.SPACE)
    out.write("three")
    assert out.since(mark) == (Span(5, 16), "  two three")
    assert str(out)[5:16] == "  two three"


@given(st.lists(st.sampled_from(["a", " ", "\n", " b\n ", "\t", "c "]), max_size=8))
def test_trimming_takes_the_white_space_at_the_end(pieces: list[str]) -> None:
    out = FlowingText()
    out.write("before \n")
    mark = out.mark()
    for piece in pieces:
        out.write(piece)
    out.trim_since(mark)
    assert str(out) == "before \n" + "".join(pieces).rstrip()
    assert out.length == len(str(out))
    out.owe(Gap.LINE)
    out.write("z")
    assert str(out).endswith("\nz")
