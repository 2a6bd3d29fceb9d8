"""What Word and PowerPoint do not show is cut out of the package, and every other byte stays."""

from __future__ import annotations

import zipfile
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.office.reader import read_office
from ingest.office.visible import visible_package, visible_part
from tests.ingest.parsers.office_files import docx, heading, paragraph, pptx, replaced

SPACE = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
STYLES = (
    '<w:style w:type="character" w:styleId="Veil"><w:rPr><w:vanish/></w:rPr></w:style>'
    '<w:style w:type="character" w:styleId="Thin"><w:basedOn w:val="Veil"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="Gone"><w:basedOn w:val="Thin"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="Mark"><w:pPr><w:rPr><w:vanish/></w:rPr></w:pPr></w:style>'
    '<w:style w:type="character" w:styleId="Plain"><w:rPr><w:vanish w:val="0"/></w:rPr></w:style>'
    '<w:style w:type="character" w:styleId="Round"><w:basedOn w:val="Round"/></w:style>'
)


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def inline(*runs: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr>{''.join(runs)}</w:p>"


def styled(*body: str) -> bytes:
    made = docx(*body)
    return replaced(made, {"word/styles.xml": f'<w:styles xmlns:w="{SPACE}">{STYLES}</w:styles>'.encode()})


ROW = "<w:tr><w:trPr>{}</w:trPr><w:tc>{}</w:tc></w:tr>"
HIDDEN = {
    "vanish": inline(run("shown"), run("SECRET", "<w:b/><w:vanish/>")),
    "vanish on": inline(run("shown"), run("SECRET", '<w:vanish w:val="true"/>')),
    "by a style": inline(run("shown"), run("SECRET", '<w:rStyle w:val="Veil"/>')),
    "by the base of a style": inline(run("shown"), run("SECRET", '<w:rStyle w:val="Thin"/>')),
    "by the style of a paragraph": paragraph("shown") + inline(run("SECRET"), properties='<w:pStyle w:val="Gone"/>'),
    "moved away": inline(f'<w:moveFrom w:id="1" w:author="A">{run("SECRET")}</w:moveFrom>', run("shown")),
    "row": f"<w:tbl><w:tblPr/>{ROW.format('', paragraph('shown'))}"
    f"{ROW.format('<w:hidden/>', paragraph('SECRET'))}</w:tbl>",
    "inside another": inline(run("shown"), f"<w:moveFrom>{run('SECRET', '<w:vanish/>')}{run('SECRET')}</w:moveFrom>"),
    "drawing": inline(
        run("shown"),
        '<w:r><w:drawing><wp:anchor xmlns:wp="x"><wp:docPr id="1" hidden="1"/><w:txbxContent>'
        f"{paragraph('SECRET')}</w:txbxContent></wp:anchor></w:drawing></w:r>",
    ),
}
SHOWN = {
    "vanish off": inline(run("shown", '<w:vanish w:val="0"/>')),
    "the mark of a paragraph": inline(run("shown"), properties="<w:rPr><w:vanish/></w:rPr>"),
    "before a change": inline(run("shown", "<w:rPrChange><w:rPr><w:vanish/></w:rPr></w:rPrChange>")),
    "moved here": inline(f"<w:moveTo>{run('shown')}</w:moveTo>"),
    "a marker": inline(run("shown"), properties='<w:rPr><w:moveFrom w:id="1"/></w:rPr>'),
    "style off": inline(run("shown", '<w:rStyle w:val="Plain"/>')),
    "a style in a circle": inline(run("shown", '<w:rStyle w:val="Round"/>')),
    "a style whose mark is hidden": inline(run("shown"), properties='<w:pStyle w:val="Mark"/>'),
    "a word": inline(run("shown")).replace("shown", "shown vanish hidden") + "<!-- w:vanish -->",
}


@pytest.mark.parametrize("body", HIDDEN.values(), ids=HIDDEN)
def test_what_is_hidden_is_not_read(body: str) -> None:
    document = read_office("docx", styled(heading("Top"), body, paragraph("end")))
    assert document.text.split() == ["Top", "shown", "end"]


@pytest.mark.parametrize("body", SHOWN.values(), ids=SHOWN)
def test_what_is_shown_stays(body: str) -> None:
    before = f'<w:document xmlns:w="{SPACE}">{body}</w:document>'.encode()
    assert b"shown" in visible_part(before, frozenset({"Veil", "Thin", "Gone"}))
    with zipfile.ZipFile(BytesIO(visible_package(styled(body)))) as archive:
        assert b"shown" in archive.read("word/document.xml")


@pytest.mark.parametrize("name", ["comments.xml", "commentsExtended.xml", "Comments.xml"])
def test_comments_and_their_marks_are_not_read(name: str) -> None:
    comments = f'<w:comments xmlns:w="{SPACE}"><w:comment w:id="0">{paragraph("REMARK")}</w:comment></w:comments>'
    marked = inline(run("anchored"), '<w:r><w:commentReference w:id="0"/></w:r>')
    data = replaced(docx(marked, heading("Later"), paragraph("end")), {f"word/{name}": comments.encode()})
    assert read_office("docx", data).text == "anchored\n\nLater\n\nend"


def test_hidden_shapes_of_a_slide_are_not_read() -> None:
    made = pptx([("Title", ["SECRET"]), ("Next", ["words"])])
    with zipfile.ZipFile(BytesIO(made)) as archive:
        slide = archive.read("ppt/slides/slide1.xml").replace(b'name="shape 3"', b'name="shape 3" hidden="1"')
    assert read_office("pptx", replaced(made, {"ppt/slides/slide1.xml": slide})).text == "Title\n\nNext\n\nwords"


def test_a_package_that_hides_nothing_is_the_same() -> None:
    for data in (docx(heading("Top"), paragraph("words")), pptx([("Title", ["words"])]), styled(paragraph("words"))):
        assert visible_package(data) is data


PIECES = st.lists(st.tuples(st.text("ab <&é🎉", max_size=4), st.booleans(), st.booleans()), max_size=8)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@given(pieces=PIECES)
def test_only_what_is_hidden_is_cut_and_every_other_byte_stays(
    encoding: str, pieces: list[tuple[str, bool, bool]]
) -> None:
    def part(which: list[tuple[str, bool, bool]]) -> bytes:
        inside = "".join(
            f"<!-- {len(text)} --><w:r><w:rPr>{'<w:vanish/>' if is_hidden else ''}</w:rPr><w:t a='>'><![CDATA[{text}]]>"
            f"</w:t></w:r>{'<x/>' if has_tail else ''}"
            if not is_hidden or not which_is_cut
            else f"<!-- {len(text)} -->{'<x/>' if has_tail else ''}"
            for text, is_hidden, has_tail in which
        )
        return f'<w:d xmlns:w="{SPACE}">{inside}</w:d>'.encode(encoding)

    which_is_cut = False
    whole = part(pieces)
    which_is_cut = True
    assert visible_part(whole) == part(pieces)
