"""The tags and the text of an HTML file, in one pass and in linear time, by the tokenisation of the HTML standard.

Python's own `html.parser` takes quadratic time on unclosed tags and differs between Python versions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import NamedTuple

from configs.errors import InvalidInputError

_SPACE = r" \t\n\f"
_TAG_NAME = re.compile(rf"</?([a-zA-Z][^{_SPACE}/>]*)")
_ATTRIBUTE = re.compile(
    rf"""[{_SPACE}/]*([^{_SPACE}/>][^{_SPACE}/>=]*)"""
    rf"""(?:[{_SPACE}]*=[{_SPACE}]*("[^"]*"?|'[^']*'?|[^{_SPACE}>"'][^{_SPACE}>]*)?)?"""
)
_TAG_REST = re.compile(rf"[{_SPACE}/]*")
_COMMENT_END = re.compile(r"--!?>")
_LONG_REFERENCE = re.compile(r"&#[0-9]{1000,};?")

_RAW = {
    "script": False,
    "style": False,
    "iframe": False,
    "noembed": False,
    "noframes": False,
    "title": True,
    "textarea": True,
}
"""Elements that hold no tags, and whether what they hold is text."""

_RAW_END = {name: re.compile(rf"</{name}(?=[{_SPACE}/>])", re.IGNORECASE | re.ASCII) for name in _RAW}


class StartTag(NamedTuple):
    """`name` and the names of `attributes` are in lower case; of a repeated attribute the first counts."""

    name: str
    attributes: dict[str, str]
    is_self_closing: bool


class EndTag(NamedTuple):
    """`name` is in lower case."""

    name: str


Token = str | StartTag | EndTag
"""A string is text with its character references decoded; a longer text may come in several."""


def html_tokens(text: str, *, is_xml: bool) -> Iterator[Token]:
    """Yield the tokens of `text`, whose line ends are LF; comments, declarations and scripts are left out.

    `is_xml` decides whether `<![CDATA[...]]>` is text and `<script/>` is closed. Raises InvalidInputError
    (`truncated_file`) where the text ends inside a tag, a comment, a script or a title, all of which would swallow
    the rest in silence.
    """
    position = 0
    while position < len(text):
        start = text.find("<", position)
        if start < 0:
            yield _characters(text[position:])
            return
        if start > position:
            yield _characters(text[position:start])
        name = _TAG_NAME.match(text, start)
        if name is None:
            content, position = _other_markup(text, start, is_xml)
            if content:
                yield content
            continue
        tag, position = _tag(text, name)
        yield tag
        if isinstance(tag, StartTag) and tag.name in _RAW and not (is_xml and tag.is_self_closing):
            end = _RAW_END[tag.name].search(text, position)
            if end is None:
                raise _truncated(f"the element <{tag.name}>", start)
            if _RAW[tag.name]:
                yield _characters(text[position : end.start()])
            position = end.start()


def _characters(text: str) -> str:
    if "&" not in text:
        return text
    return unescape(_LONG_REFERENCE.sub("\ufffd", text))  # int() refuses thousands of digits


def _other_markup(text: str, start: int, is_xml: bool) -> tuple[str, int]:
    """Return the text of the markup at `start` that is no tag (mostly none), and where it ends."""
    if text.startswith("<!--", start):
        comment_end = _COMMENT_END.search(text, start + 2)  # <!--> is a whole comment
        if comment_end is None:
            raise _truncated("a comment", start)
        return "", comment_end.end()
    if is_xml and text.startswith("<![CDATA[", start):
        content_end = _end_of(text, "]]>", start, "a CDATA section")
        return text[start + len("<![CDATA[") : content_end - len("]]>")], content_end
    if text.startswith(("<!", "<?", "</"), start):
        return "", _end_of(text, ">", start, "a declaration")
    return "<", start + 1


def _end_of(text: str, ending: str, start: int, what: str) -> int:
    position = text.find(ending, start)
    if position < 0:
        raise _truncated(what, start)
    return position + len(ending)


def _tag(text: str, name: re.Match[str]) -> tuple[StartTag | EndTag, int]:
    """Return the tag that begins with `name`, and where it ends."""
    attributes: dict[str, str] = {}
    position = name.end()
    while attribute := _ATTRIBUTE.match(text, position):
        value = attribute[2] or ""
        if value[:1] in ("'", '"'):
            if len(value) == 1 or value[-1] != value[0]:
                raise _truncated("an attribute of a tag", name.start())
            value = value[1:-1]
        attributes.setdefault(attribute[1].lower(), _characters(value))
        position = attribute.end()
    rest = _TAG_REST.match(text, position)
    end = position if rest is None else rest.end()
    if end == len(text):
        raise _truncated("a tag", name.start())
    is_self_closing = text[position:end].endswith("/")
    tag_name = name[1].lower()
    return (EndTag(tag_name) if name[0][1] == "/" else StartTag(tag_name, attributes, is_self_closing)), end + 1


def _truncated(what: str, start: int) -> InvalidInputError:
    return InvalidInputError(
        f"the file ends inside {what} that begins at character {start}",
        hint="upload the whole file; write a `<` that is no markup as &lt;",
        code="truncated_file",
    )
