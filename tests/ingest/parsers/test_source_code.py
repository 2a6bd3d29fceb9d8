"""Source code: the language comes from the extension, the text from the file, and nothing else is guessed."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.errors import InvalidInputError, UnsupportedMediaTypeError
from configs.span import Span
from ingest.document import Block
from ingest.parsers import parser_for, places_of
from ingest.parsers.source_code import EXTENSIONS, Language, SourceCode

PYTHON = "# -*- coding: utf-8 -*-\r\n\r\ndef grüße():\r\n\treturn '🎉'\r\n"


def parser(name: str) -> SourceCode:
    found = parser_for(name)
    assert isinstance(found, SourceCode)
    return found


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("a.py", "python"), ("lib/b.TS", "typescript"), ("c.tsx", "tsx"), ("d.js", "javascript"), ("e.java", "java"),
        ("f.go", "go"), ("g.rs", "rust"), ("h.c", "c"), ("i.h", "c"), ("j.cpp", "cpp"), ("k.rb", "ruby"),
        ("l.sh", "bash"), ("m.sql", "sql"), ("n.min.js", "javascript"), ("o.yml", "yaml"), ("p.kt", "kotlin"),
    ],
)  # fmt: skip
def test_the_extension_names_the_language(name: str, language: str) -> None:
    document = parser(name).parse(b"x = 1\n")
    assert document.blocks == (Block(kind="code", span=Span(0, 5), label=language),)
    assert places_of(name) == ("line",)


def test_every_language_has_an_extension() -> None:
    assert set(EXTENSIONS.values()) | {""} == set(get_args(Language))
    assert all(PurePosixPath(f"file{extension}").suffix == extension for extension in EXTENSIONS)


def test_the_file_is_the_text() -> None:
    document = parser("a.py").parse(PYTHON.encode())
    assert document.text == PYTHON
    assert document.title == ""
    assert document.blocks == (Block(kind="code", span=Span(0, len(PYTHON) - 2), label="python"),)


@given(st.text("ab {}()=\n\r\t#é", min_size=1, max_size=60).filter(lambda text: bool(text.strip())))
def test_the_block_holds_everything_but_outer_white_space(source: str) -> None:
    document = parser("a.c").parse(source.encode())
    assert document.text == source
    (block,) = document.blocks
    assert source[block.span.start : block.span.end] == source.strip()


def test_code_without_a_name_has_no_language() -> None:
    parsed = parser_for("", "text/x-source-code").parse(b"x")
    assert [block.label for block in parsed.blocks] == [""]


@pytest.mark.parametrize("name", ["main.cob", "program.f90", "Makefile", "a.unknown-language"])
def test_a_language_that_is_not_known_is_refused_with_what_is(name: str) -> None:
    with pytest.raises(UnsupportedMediaTypeError) as caught:
        parser_for(name)
    assert ".py" in caught.value.hint
    assert ".txt" in caught.value.hint


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidInputError) as caught:
        parser("a.rs").parse(b"\x7fELF\x02\x01\x01\x00\x00")
    assert caught.value.code == "nul_character"
