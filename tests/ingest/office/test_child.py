"""What stands in front of a part's first element: no document type, wherever it hides; all else is read."""

from __future__ import annotations

import time

import pytest

from configs.errors import InvalidInputError
from ingest.office.child import PROLOG_WINDOW_BYTES, refuse_declarations
from ingest.office.reader import read_office
from tests.ingest.parsers.office_files import docx, paragraph, zip_of

DECLARED = '<!DOCTYPE w:document [<!ENTITY e "EXPANDED">]>'
LONG = "x" * 70_000
REFUSED = {
    "at once": DECLARED,
    "behind a comment": f"<!-- <w:p> -->{DECLARED}",
    "behind an instruction": f"<?name <w:p> ?>\n{DECLARED}",
    "in small letters": DECLARED.replace("DOCTYPE", "doctype"),
    "behind a long comment": f"<!--{LONG}-->{DECLARED}",
    "behind long white space": " " * 70_000 + DECLARED,
    "behind a long instruction": f"<?name {LONG}?>{DECLARED}",
    "behind many comments": "<!-- x -->" * 7_000 + DECLARED,
    "across the end of the window": " " * (PROLOG_WINDOW_BYTES - 60) + DECLARED,
}


@pytest.mark.parametrize("prolog", REFUSED.values(), ids=REFUSED)
def test_a_text_with_entities_is_refused_and_never_read_without_them(prolog: str) -> None:
    data = docx(paragraph("hello LAUGH"), prolog=prolog, entity=("LAUGH", "&e;"))
    with pytest.raises(InvalidInputError, match="document type") as caught:
        read_office("docx", data)
    assert caught.value.code == "damaged_file"


@pytest.mark.parametrize("prolog", ["", "<!-- <!DOCTYPE x> -->\n", "<?name <!DOCTYPE x> ?>", "<!---->" * 1_000])
def test_comments_and_instructions_hide_no_text(prolog: str) -> None:
    data = docx(paragraph("<!DOCTYPE html> is how pages begin"), paragraph("end " + LONG), prolog=prolog)
    document = read_office("docx", data)
    assert "DOCTYPE html" in document.text
    assert LONG in document.text


def test_every_part_is_looked_at() -> None:
    refuse_declarations(zip_of({"a.xml": b"<a/>", "b.rels": b"", "c.bin": DECLARED.encode()}))
    for name in ("b.xml", "b.rels"):
        with pytest.raises(ValueError, match=f"'{name}' declares a document type"):
            refuse_declarations(zip_of({"a.xml": b"<a/>", name: DECLARED.encode()}))


@pytest.mark.parametrize("unit", [b"<!--", b"<?", b"<!-- -->", b"<??>", b" ", b"-->", b"<!"])
def test_what_is_looked_at_costs_no_quadratic_time(unit: bytes) -> None:
    data = zip_of({"a.xml": unit * 1_000_000})
    begun = time.process_time()
    with pytest.raises(ValueError, match="document type"):
        refuse_declarations(data)
    assert time.process_time() - begun < 2
