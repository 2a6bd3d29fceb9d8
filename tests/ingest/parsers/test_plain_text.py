"""Plain text is taken as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.errors import InvalidInputError
from ingest.document import ParsedDocument
from ingest.parsers.plain_text import PlainText

PARSER = PlainText(kind="plain_text")
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\ufeff"), min_size=1).filter(str.strip)


@given(TEXTS)
def test_the_text_is_the_file(text: str) -> None:
    assert PARSER.parse(text.encode()) == ParsedDocument(text=text)


@pytest.mark.parametrize(
    "text", ["# no heading\r\n\r\n", "  indented\n", "a\rb", "<p>no tag</p>", '{"a": 1}', "a,b\n1,2"]
)
def test_nothing_in_it_has_a_meaning(text: str) -> None:
    document = PARSER.parse(text.encode())
    assert (document.text, document.title, document.blocks) == (text, "", ())


def test_a_program_named_txt_is_refused() -> None:
    with pytest.raises(InvalidInputError) as caught:
        PARSER.parse(b"\x7fELF\x02\x01\x01\x00\x00")
    assert caught.value.code == "nul_character"
    assert "extension of its real type" in caught.value.hint
