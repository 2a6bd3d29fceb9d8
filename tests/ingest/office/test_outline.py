"""From the parts of a document to its text: every part that holds words is written, in order, once."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.office.outline import first_heading, grid_rows, write_outline
from ingest.office.written_text import WrittenText

Part = tuple[dict[str, Any], int | None, int | None]


def part(node_type: str, *, parent: int | None = None, page: int | None = None, **said: Any) -> Part:
    return {"node_type": node_type, **said}, parent, page


def written(*parts: Part) -> WrittenText:
    text = WrittenText(10_000)
    write_outline(parts, text)
    return text


def test_paragraphs_are_separated_by_blank_lines_and_lists_are_not() -> None:
    text = written(
        part("group", heading_level=1, heading_text="Top"),
        part("heading", level=1, text="Top", parent=0),
        part("paragraph", text="before", parent=0),
        part("list", ordered=False),
        part("list_item", text="one", parent=3),
        part("list", ordered=False, parent=3),
        part("list_item", text="inner", parent=5),
        part("list_item", text="two", parent=3),
        part("paragraph", text="after"),
    ).text
    assert text == "Top\n\nbefore\n\n- one\n  - inner\n- two\n\nafter"


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (part("code", text="x = 1", language="python"), "x = 1"),
        (part("metadata_block", entries=[{"key": "To", "value": "a"}, {"key": "Cc", "value": "b"}]), "To: a\nCc: b"),
        (part("definition_item", term="a", definition="b"), "a: b"),
        (part("footnote", text="small"), "small"),
        (part("formula", text="E = m"), "E = m"),
        (part("image", description="a cat", src="cat.png"), "a cat"),
        (part("raw_block", format="html", content="<b>"), "<b>"),
        (part("admonition", kind="note", title="Mind"), "Mind"),
        (part("something_new", text="words"), "words"),
        (part("image", description=None), ""),
        (part("page_break"), ""),
        (part("list_item", text=" "), ""),
    ],
)  # fmt: skip
def test_whatever_holds_words_is_written(said: Part, text: str) -> None:
    assert written(said).text == text


def test_code_and_tables_are_blocks() -> None:
    cells = [{"row": row, "col": column, "content": f"{row}{column}"} for row in (0, 1) for column in (1, 0)]
    made = written(part("code", text="x", language=None), part("table", grid={"cells": cells}))
    assert made.text == "x\n\n00 | 01\n10 | 11"
    assert [(block["kind"], block["start"], block["end"]) for block in made.blocks] == [
        ("code", 0, 1),
        ("table", 3, 18),
    ]


def test_rows_without_cells_are_no_rows() -> None:
    assert grid_rows({"cells": [{"row": 4, "col": 0, "content": "a"}, {"row": 2, "col": 1, "content": "b"}]}) == [
        ["b"],
        ["a"],
    ]


def test_a_single_page_is_none_unless_pages_are_certain() -> None:
    parts = [part("paragraph", text="one", page=1), part("paragraph", text="two", page=1)]
    assert written(*parts).blocks == []


def test_pages_are_those_of_the_parts() -> None:
    parts = [part("paragraph", text=str(page), page=page) for page in (1, 1, 3, 4)]
    made = written(*parts, part("paragraph", text="of no page"))
    assert [(block["label"], made.text[block["start"] : block["end"]]) for block in made.blocks] == [
        ("1", "1\n\n1"),
        ("3", "3"),
        ("4", "4\n\nof no page"),
    ]


def test_the_first_heading_is_one_of_the_highest_level() -> None:
    made = written(part("heading", level=2, text="small"), part("heading", level=1, text="large"))
    assert first_heading(made.blocks) == "large"
    assert first_heading([]) == ""
