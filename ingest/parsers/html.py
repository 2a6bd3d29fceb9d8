"""HTML files: the text that a reader would see, extracted once."""

from __future__ import annotations

import codecs
import re
from typing import ClassVar, Literal

from configs.errors import InvalidInputError, TooLargeError
from ingest.document import ParsedDocument
from ingest.html_text import HtmlText
from ingest.parsers import Parser, decode

MAX_TAGS = 400_000
"""Each takes ten to twenty microseconds; a book on one page has a tenth of them."""

PRESCAN_BYTES = 1_024
"""The encoding is declared within so many bytes, says the HTML standard."""

_XML_ENCODING = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([\w.:-]+)")
_META_ENCODING = re.compile(rb"<meta[\s/][^>]*?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_XML_DECLARATION = re.compile(r"\s*<\?xml\s")

_ENCODING_NAMES = (
    "utf-8 cp866 cp874 cp932 cp949 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 iso8859-2 iso8859-3 "
    "iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-10 iso8859-13 iso8859-14 iso8859-15 iso8859-16 koi8-r "
    "koi8-u mac-roman mac-cyrillic gb18030 big5hkscs euc_jp iso2022_jp"
)
"""The encodings of the web by their Python names."""

_READ_AS = {
    "ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "iso8859-11": "cp874", "tis-620": "cp874",
    "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949", "big5": "big5hkscs",
    "utf-16": "utf-8", "utf-16-le": "utf-8", "utf-16-be": "utf-8",
}  # fmt: skip
"""Encodings that browsers read as another: a larger one or, as an ASCII declaration could be read, UTF-8."""


class Html(Parser):
    """The visible text, by which all offsets count; it holds no markup.

    Blocks of text are separated by line breaks (paragraphs, headings, lists, tables and code by a blank line),
    white space is collapsed outside `pre`, character references are decoded. Headings and `pre` have blocks (label
    of code: the class `language-...`). A table has one, a line for each row, cells joined with ` | `; spanning
    cells stand once, and in the rows below their places are blank. A table that holds headings, code or tables
    arranges a page: it is read as blocks. Left out are scripts, styles, templates, comments, frames and what is
    hidden by `hidden` or an inline `display: none`; nothing is fetched. The title is `<title>`, else the first
    `h1`. The encoding is told by the byte order mark, else by the file itself, else it is UTF-8.
    """

    extensions: ClassVar[tuple[str, ...]] = (".html", ".htm", ".xhtml")
    media_types: ClassVar[tuple[str, ...]] = ("text/html", "application/xhtml+xml")

    kind: Literal["html"]

    def parse(self, data: bytes) -> ParsedDocument:
        """Return the visible text of `data`."""
        html = read_html(data)
        if not html.text.strip():
            raise InvalidInputError(
                "the page holds no visible text",
                hint="if scripts build the page, save it from a browser after it has loaded",
                code="no_text",
            )
        first_heading = next((block.label for block in html.blocks if block.level == 1), "")
        return ParsedDocument(text=html.text, title=html.title or first_heading, blocks=tuple(html.blocks))


def read_html(data: bytes, *, is_xml: bool = False) -> HtmlText:
    """Return what `data` shows; a page is XML too where it begins with an XML declaration."""
    source = decode(data, _declared_encoding(data)).replace("\r\n", "\n").replace("\r", "\n")
    if source.count("<") > MAX_TAGS:
        raise TooLargeError(
            f"the page has more than {MAX_TAGS} tags", hint="split it, or save it as text", code="too_many_tags"
        )
    return HtmlText(source, is_xml=is_xml or _XML_DECLARATION.match(source) is not None)


def _declared_encoding(data: bytes) -> str:
    """Return the Python name of the encoding that the file declares, UTF-8 where it declares none."""
    start = data[:PRESCAN_BYTES]
    declaration = _XML_ENCODING.match(start.lstrip()) or _META_ENCODING.search(start)
    if declaration is None:
        return "utf-8"
    label = declaration[1].decode("ascii")
    try:
        name = codecs.lookup(label).name
    except LookupError:
        name = label
    name = _READ_AS.get(name, name)
    if name not in _ENCODING_NAMES.split():
        raise InvalidInputError(
            f"the page declares the encoding {label!r}, which is not one of the web's",
            hint="save it as UTF-8 and upload it again",
            code="wrong_encoding",
        )
    return name
