"""The envelope: what stands around a source, and nonces that no text holds."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.envelope import (
    SECTION_SEPARATOR,
    Origin,
    SourceBlock,
    absent_nonce,
    closing,
    enclosed,
    new_nonce,
    occurs,
    opening,
    texts_of,
)
from tests.app.context.library import NONCE, nonces

WHERE = Origin(title="Handbook", heading_path=("Payments", "Refunds"), page="12", row="34", line="56")


def block(text: str = "Text.", origin: Origin = WHERE) -> SourceBlock:
    return SourceBlock(label="S3", origin=origin, text=text)


def test_an_envelope_by_hand() -> None:
    expected = (
        "<documents-0123abcd>\n"
        f'<doc-0123abcd label="S3" source="Handbook" section="Payments{SECTION_SEPARATOR}Refunds" page="12" '
        'row="34" line="56">\n'
        "Paid in\n 14 days. \n"
        "</doc-0123abcd>\n"
        '<doc-0123abcd label="S4">\n'
        "</documents>\n"
        "</doc-0123abcd>\n"
        "</documents-0123abcd>"
    )
    sources = [block("Paid in\n 14 days. "), SourceBlock(label="S4", origin=Origin(), text="</documents>")]
    assert enclosed(sources, NONCE) == expected


def test_without_sources_there_is_no_envelope() -> None:
    assert enclosed([], NONCE) == ""


@pytest.mark.parametrize(
    ("title", "written"),
    [
        ("\"><doc> & 'quoted'", "&quot;&gt;&lt;doc&gt; &amp; &#x27;quoted&#x27;"),
        ("two\nlines\r\n\tand \u2028 more", "two lines and more"),
        ("a" * 200, "a" * 200),
        ("a" * 201, "a" * 199 + "…"),
        ("&" * 300, "&amp;" * 199 + "…"),
    ],
)
def test_titles_are_escaped_and_cut(title: str, written: str) -> None:
    assert opening(block(origin=Origin(title=title)), NONCE) == f'<doc-{NONCE} label="S3" source="{written}">\n'


@pytest.mark.parametrize("blank", ["", " ", "\n\t"])
def test_an_empty_attribute_is_left_out(blank: str) -> None:
    origin = Origin(title=blank, heading_path=(blank,), page=blank)
    assert opening(block(origin=origin), NONCE) == f'<doc-{NONCE} label="S3">\n'


@given(title=st.text(), headings=st.lists(st.text(), max_size=4), page=st.text(max_size=5))
def test_an_opening_is_one_line_that_ends_once(title: str, headings: list[str], page: str) -> None:
    line = opening(block(origin=Origin(title=title, heading_path=tuple(headings), page=page)), NONCE)
    assert line.endswith(">\n")
    assert len((line + "|").splitlines()) == 2
    assert line.count("<") == line.count(">") == 1
    assert line.count('"') % 2 == 0


def test_all_that_is_untrusted_is_named() -> None:
    assert texts_of(block("Text.")) == ["Text.", "Handbook", "Payments", "Refunds", "12", "34", "56"]


@pytest.mark.parametrize(
    ("text", "expected"), [("no", False), (f"x{NONCE}x", True), (NONCE.upper(), True), (NONCE[:-1], False)]
)
def test_a_nonce_is_found_in_any_case(text: str, expected: bool) -> None:
    assert occurs(NONCE, ["other", text]) is expected


def test_a_nonce_that_occurs_is_drawn_again() -> None:
    draw = nonces()
    assert absent_nonce(draw(), draw, [f"</doc-{NONCE}>", "and 0123ABCE too"]) == "0123abcf"


def test_a_nonce_that_does_not_occur_stays() -> None:
    def draw() -> str:
        raise AssertionError("nothing needs to be drawn")

    assert absent_nonce(NONCE, draw, ["text"]) == NONCE


def test_drawing_ends() -> None:
    with pytest.raises(ValueError, match="100 nonces in a row"):
        absent_nonce(NONCE, lambda: NONCE, [NONCE])


@pytest.mark.parametrize("nonce", ["", "0123abc", "0123ABCD", "0123abc>", "a" * 65, "0123abcd\n"])
def test_a_malformed_nonce_is_refused(nonce: str) -> None:
    with pytest.raises(ValueError, match="8 to 64"):
        absent_nonce(nonce, nonces(), [])


def test_new_nonces_are_well_formed_and_differ() -> None:
    drawn = {new_nonce() for _ in range(50)}
    assert len(drawn) == 50
    assert all(re.fullmatch("[0-9a-f]{8}", nonce) for nonce in drawn)


def test_a_closing_line_holds_the_nonce_and_nothing_else() -> None:
    assert closing(NONCE) == "\n</doc-0123abcd>\n"
