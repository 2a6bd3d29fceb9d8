"""Chunks of source code that follow its definitions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from configs.part import BAKE_TIME
from configs.span import Span
from ingest.chunkers import Chunker
from ingest.cutting import Cutting
from ingest.document import Block, ChunkingTools, ParsedDocument, Piece, Tokens
from ingest.grammars import known_language
from ingest.syntax import CodeText, Unit, code_texts

DEEPEST = 32
"""Code nested deeper than this is cut like text."""

MOST_LANGUAGES_NAMED = 10


class Code(Chunker):
    """Cut source code at its definitions: one that fits is never cut, small neighbours are packed up to the size.

    Costs a parse of the code, up to three times the time of `recursive`; pays for questions about definitions.
    A class that is too large is cut between its methods, a function between its statements. In front of a piece stand,
    when it is indexed and when it is sent, the signatures of what encloses it; when it is indexed, title and file
    name too (`context_prefix`). A comment stays with the definition below it where both fit.

    The language of a file follows from its extension, that of fenced code in Markdown from its label: Bash, C, C++, Go,
    Java, JavaScript, PHP, Python, Ruby, Rust, TypeScript. Fenced code that fits stays whole. Code in another
    language, and what is no code, is cut as `recursive` does, at blank lines first; the preview says so.
    """

    names_file: ClassVar[bool] = True
    revision: ClassVar[int] = 2

    kind: Literal["code"]
    size_tokens: int = Field(
        400,
        ge=16,
        le=8192,
        description="largest chunk, in tokens of `tokenizer`, repeated signatures not counted",
        json_schema_extra=BAKE_TIME,
    )

    def split(self, document: ParsedDocument, tools: ChunkingTools) -> Iterator[Piece]:
        """Yield the pieces of `document` in order."""
        text, tokens = document.text, tools.tokens(document.text)
        whole = [block.span for block in document.blocks if block.kind == "code" and self._fits(block.span, tokens)]
        cutting = Cutting(text, tokens, self.size_tokens, whole=whole)
        position = 0
        for block, language in self._parsed(document, tokens):
            yield from (Piece(span=span) for span in cutting.cut(Span(position, block.span.start)))
            for code in code_texts(text, block.span, language):
                yield from _Definitions(code, tokens, cutting, self.size_tokens).pieces()
            position = block.span.end
        yield from (Piece(span=span) for span in cutting.cut(Span(position, len(text))))

    def remarks(self, document: ParsedDocument, tools: ChunkingTools) -> list[str]:
        """Say what is cut without a grammar."""
        blocks = [block for block in document.blocks if block.kind == "code"]
        if not blocks:
            return ["the document has no code: it is cut as by `recursive`"]
        tokens = tools.tokens(document.text)
        labels = {
            block.label or "unlabelled"
            for block in blocks
            if known_language(block.label) is None and not self._fits(block.span, tokens)
        }
        named = ", ".join(sorted(labels)[:MOST_LANGUAGES_NAMED])
        return [f"code without a known grammar is cut at blank lines, as by `recursive`: {named}"] if labels else []

    def _parsed(self, document: ParsedDocument, tokens: Tokens) -> Iterator[tuple[Block, str]]:
        """Yield the blocks that are too large and in a known language, with it; none inside another."""
        position = 0
        for block in document.blocks:
            language = known_language(block.label) if block.kind == "code" else None
            if language is None or block.span.start < position or self._fits(block.span, tokens):
                continue
            yield block, language
            position = block.span.end

    def _fits(self, span: Span, tokens: Tokens) -> bool:
        return tokens.count(span.start, span.end) <= self.size_tokens


class _Definitions:
    """Cuts one stretch of code."""

    def __init__(self, code: CodeText, tokens: Tokens, cutting: Cutting, size_tokens: int) -> None:
        self._code = code
        self._tokens = tokens
        self._cutting = cutting
        self._size = size_tokens

    def pieces(self) -> Iterator[Piece]:
        """Yield the pieces of the stretch in order."""
        units = self._code.units()
        return self._packed(units, (), 0) if units else self._cut(self._code.span, ())

    def _packed(self, units: list[Unit], lead: tuple[Span, ...], depth: int) -> Iterator[Piece]:
        """Yield neighbouring units packed up to the size, and what those that are too large consist of."""
        start = end = units[0].span.start
        is_opening = True
        for unit in units:
            if self._fits(Span(start, unit.span.end)):
                end = unit.span.end
                is_opening = is_opening and unit.node is None
                continue
            if is_opening and unit.node is not None:  # what opens the code begins the first piece, however it is cut
                unit = Unit(Span(start, unit.span.end), unit.node)
            else:
                yield from self._cut(Span(start, end), lead)
            start, end, is_opening = unit.span.start, unit.span.end, False
            if not self._fits(unit.span):
                yield from self._taken_apart(unit, lead, depth)
                start = end
        yield from self._cut(Span(start, end), lead)

    def _taken_apart(self, unit: Unit, lead: tuple[Span, ...], depth: int) -> Iterator[Piece]:
        own = self._code.own_span(unit.node) if unit.node is not None else unit.span
        if len(own) < len(unit.span) and self._fits(own):
            for span in (Span(unit.span.start, own.start), own, Span(own.end, unit.span.end)):
                yield from self._cut(span, lead)
            return
        inside, signature = self._code.inside(unit, after=lead[-1].end if lead else 0, fits=self._fits)
        if not inside or depth == DEEPEST:
            yield from self._cut(unit.span, lead)
            return
        yield from self._packed(inside, lead if signature is None else (*lead, signature), depth + 1)

    def _cut(self, span: Span, lead: tuple[Span, ...]) -> Iterator[Piece]:
        """Yield the span, cut where it is too large, with the signatures that stand before each piece."""
        for one in self._cutting.cut(span):
            yield Piece(span=one, lead=tuple(signature for signature in lead if signature.end <= one.start))

    def _fits(self, span: Span) -> bool:
        return self._tokens.count(span.start, span.end) <= self._size
