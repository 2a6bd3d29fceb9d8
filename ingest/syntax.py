"""Code with the syntax that a grammar gives it: what a stretch consists of, and what encloses it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from tree_sitter import Node

from configs.span import Span
from ingest.grammars import parser

DEFINITION = re.compile(
    r"function|method|class|constructor|interface|trait|impl|enum|struct|union|module|mod_item|namespace|record|type_spec"
)
"""What the types of nodes that define something with a body are called, in one grammar or another."""

SAYS_OF_THE_NEXT = re.compile(r"comment|attribute|annotation|decorator")
"""Types of nodes that say something of the node below them."""

PARSED_CHARACTERS = 128_000
"""Code is parsed in stretches of at most so many characters: of nonsense, a parser makes up to 2,600 bytes per byte."""

MOST_CHILDREN = 200_000
WRAPPER_BYTES = 2_000
"""A node is but the wrapper of its largest child where all the rest of it has at most so many bytes."""

_FENCE = re.compile(r"\s*(?:`{3,}|~{3,})")
_BORDER = re.compile(r"\n[^\S\n]*\n(?=[^\s)\]}])")
"""An empty line before one that begins at the margin: code is cut here if it must be cut before it is parsed."""

_BLANKS = re.compile(r"[ \t]*(?:\r\n?|\n)?")


@dataclass(frozen=True, slots=True)
class Unit:
    """A stretch of code that is best left whole: a definition or statement, with what stands before the next one.

    `node` is None for a stretch in front of the first.
    """

    span: Span
    node: Node | None


def code_texts(text: str, block: Span, language: str) -> Iterator[CodeText]:
    """Yield the code of a block, a fence around it included, in as many stretches as it takes to parse it."""
    inner = _without_fence(text, block)
    start, parsed_from = block.start, inner.start
    while parsed_from < inner.end:
        end = _stretch_end(text, parsed_from, inner.end)
        stretch = Span(start, block.end if end == inner.end else end)
        yield CodeText(text, stretch, Span(parsed_from, end), language)
        start = parsed_from = end


def _stretch_end(text: str, start: int, end: int) -> int:
    if end - start <= PARSED_CHARACTERS:
        return end
    middle, furthest = start + PARSED_CHARACTERS // 2, start + PARSED_CHARACTERS
    borders = [match.end() for match in _BORDER.finditer(text, middle, furthest)]
    return borders[-1] if borders else text.rfind("\n", middle, furthest) + 1 or furthest


class CodeText:
    """A stretch of a document's text whose `inner` part is code in a known language.

    Grammars count bytes; all positions here are code points of the document's text.
    """

    def __init__(self, text: str, span: Span, inner: Span, language: str) -> None:
        self.span = span
        self._text = text
        self._inner = inner
        data = text[self._inner.start : self._inner.end].encode()
        self._offsets: np.ndarray[tuple[int], np.dtype[np.int32]] | None = None
        if len(data) > len(self._inner):
            starts = (np.frombuffer(data, dtype=np.uint8) & 0xC0) != 0x80
            self._offsets = np.cumsum(starts, dtype=np.int32) - starts
        self._root = parser(language).parse(data).root_node

    def units(self) -> list[Unit]:
        """Return the units at the top level, which together are the stretch; none where there is nothing but space."""
        return self._units(_children(self._root), self.span)

    def own_span(self, node: Node) -> Span:
        """Return what the node itself covers, from the start of its line if only blanks stand before it."""
        return Span(self._line_start(self._position(node.start_byte)), self._position(node.end_byte))

    def inside(self, unit: Unit, after: int, fits: Callable[[Span], bool]) -> tuple[list[Unit], Span | None]:
        """Return the units that the unit consists of, and its signature, if it defines something.

        The signature reaches from its line's start, but not from before `after`, to the first unit of the body. What
        merely wraps something that does not fit is passed over.
        """
        if unit.node is None:
            return [], None
        node, definition = unit.node, None
        while (body := node.child_by_field_name("body")) is None:
            wrapped = _wrapped(node)
            if wrapped is None or fits(self.own_span(wrapped)):
                break
            definition = definition or (node if DEFINITION.search(node.type) else None)
            node = wrapped
        if body is not None:
            definition = definition or (node if DEFINITION.search(node.type) else None)
            node = body
        units = self._units(_children(node), unit.span)
        return units, self._signature(definition, node, after) if definition is not None else None

    def _signature(self, node: Node, body: Node, after: int) -> Span | None:
        start = self._position(node.start_byte)
        start = max(after, self._text.rfind("\n", after, start) + 1, self._inner.start)
        end = self._line_start(self._position(body.start_byte))
        if self._text[end : end + 1] == "{":
            end += 1
        blanks = _BLANKS.match(self._text, end, self._inner.end)
        if blanks is not None and blanks.group().endswith(("\r", "\n")):
            end = blanks.end()
        return Span(start, end) if start < end else None

    def _units(self, nodes: Sequence[Node], span: Span) -> list[Unit]:
        starts: list[tuple[int, Node]] = []
        opening: int | None = None
        reached = span.start
        for number, node in enumerate(nodes):
            own = self.own_span(node)
            start = max(reached, own.start) if opening is None else opening
            opening, reached = None, max(reached, own.end)
            if number + 1 < len(nodes) and SAYS_OF_THE_NEXT.search(node.type):
                following = self._position(nodes[number + 1].start_byte)
                if self._text[own.start : following].rstrip(" \t").count("\n") <= self._lines(own):
                    opening = start
                    continue
            starts.append((start, node))
        if not starts:
            return []
        units = []
        if self._text[span.start : starts[0][0]].strip():
            units.append(Unit(Span(span.start, starts[0][0]), None))
        else:
            starts[0] = (span.start, starts[0][1])
        ends = [start for start, _ in starts[1:]] + [span.end]
        units.extend(Unit(Span(start, end), node) for (start, node), end in zip(starts, ends, strict=True))
        return units

    def _lines(self, span: Span) -> int:
        """Return on how many lines the span has characters; some grammars count a line's end to its comment."""
        return self._text[span.start : span.end].rstrip().count("\n") + 1

    def _position(self, byte: int) -> int:
        if self._offsets is None:
            return self._inner.start + byte
        return self._inner.start + int(self._offsets[byte]) if byte < len(self._offsets) else self._inner.end

    def _line_start(self, position: int) -> int:
        start = position
        while start > self._inner.start and self._text[start - 1] in " \t":
            start -= 1
        return start if start == self._inner.start or self._text[start - 1] in "\r\n" else position


def _children(node: Node) -> list[Node]:
    """Return the named children that are not empty; none where there are too many to be held."""
    if node.named_child_count > MOST_CHILDREN:
        return []
    return [child for child in node.named_children if child.start_byte < child.end_byte]


def _wrapped(node: Node) -> Node | None:
    """Return the child that the node is but a wrapper of, if it is."""
    children = _children(node)
    if not children:
        return None
    largest = max(children, key=_size)
    if _size(node) - _size(largest) > min(WRAPPER_BYTES, _size(largest)):
        return None
    return None if any(_defines(child) for child in children if child != largest) else largest


def _size(node: Node) -> int:
    return node.end_byte - node.start_byte


def _defines(node: Node) -> bool:
    """Tell whether the node or one inside it defines something with a body."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if DEFINITION.search(one.type) and one.child_by_field_name("body") is not None:
            return True
        waiting.extend(one.named_children)
    return False


def _without_fence(text: str, span: Span) -> Span:
    """Return the span without the first and the last line, where these are the fence of Markdown."""
    if not _FENCE.match(text, span.start, span.end):
        return span
    first = text.find("\n", span.start, span.end)
    last = text.rfind("\n", span.start, span.end)
    if first < 0:
        return span
    is_closed = last > first and _FENCE.match(text, last, span.end)
    return Span(first + 1, last + 1 if is_closed else span.end)
