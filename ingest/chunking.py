"""From a document to chunks, and the text of a chunk that is embedded and indexed."""

from __future__ import annotations

import bisect
import re

from configs.span import Chunk, Span
from ingest.chunkers import Chunker
from ingest.cutting import next_character
from ingest.document import ChunkingTools, ParsedDocument
from ingest.leads import PREFIX_SHARE, fitting_lead, lead_text
from ingest.tokenizers import TokenizerTools, count_many, count_tokens, token_offsets

SEPARATOR = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "
END = "\n\n"
_WORD = re.compile(r"\S+")


def chunk_document(
    document: ParsedDocument,
    chunker: Chunker,
    *,
    title: str,
    with_prefix: bool,
    file_name: str = "",
    tools: ChunkingTools | None = None,
) -> list[Chunk]:
    """Return the chunks of `document` in order.

    A chunk's heading path is that of its first non-space character: a heading that opens the chunk is part of it. Its
    prefix is title and headings, if asked for, and then the lead that its chunker gives it; a chunker of code puts the
    file's name after the title. Give `tools` to share the tokens of a text among chunkers of one tokenizer.
    """
    text = document.text
    names = (title, file_name if chunker.names_file else "")
    tools = tools if tools is not None else TokenizerTools(chunker.tokenizer)
    tokens = tools.tokens(text)
    prefixes = _Prefixes(text, names if with_prefix else None, chunker)
    chunks = []
    for piece in chunker.split(document, tools):
        span = piece.span
        path = document.heading_path(next_character(text, span.start))
        lead, prefix = prefixes.of(path, piece.lead)
        chunks.append(
            Chunk(
                span=span,
                tokens=tokens.count(span.start, span.end),
                heading_path=path,
                prefix=prefix,
                parent=piece.parent,
                lead=lead,
            )
        )
    return chunks


def indexed_text(text: str, chunk: Chunk) -> str:
    """Return what is embedded and lexically indexed: the prefix, then the chunk's span of the document's `text`."""
    return chunk.prefix + text[chunk.span.start : chunk.span.end]


class _Prefixes:
    """The prefixes of one document's chunks, remembered.

    `names` are title and file name; with None leads stand alone.
    """

    def __init__(self, text: str, names: tuple[str, str] | None, chunker: Chunker) -> None:
        self._text = text
        self._names = names
        self._chunker = chunker
        self._leads: dict[tuple[Span, ...], tuple[Span, ...]] = {}
        self._prefixes: dict[tuple[tuple[str, ...], tuple[Span, ...]], str] = {}

    def of(self, path: tuple[str, ...], wanted: tuple[Span, ...]) -> tuple[tuple[Span, ...], str]:
        """Return as much of the lead as may be sent, and the prefix that ends with it."""
        if wanted not in self._leads:
            size_tokens = self._chunker.size_limit_tokens
            self._leads[wanted] = (
                fitting_lead(self._text, wanted, size_tokens, self._chunker.tokenizer) if size_tokens else wanted
            )
        lead = self._leads[wanted]
        if (path, lead) not in self._prefixes:
            said = lead_text(self._text, lead)
            self._prefixes[path, lead] = self._named(path, said) + said
        return lead, self._prefixes[path, lead]

    def _named(self, path: tuple[str, ...], said: str) -> str:
        if self._names is None:
            return ""
        title, file_name = self._names
        return context_prefix(title, path, self._chunker, file_name=file_name, below=said)


def context_prefix(title: str, path: tuple[str, ...], chunker: Chunker, *, file_name: str = "", below: str = "") -> str:
    """Return title, file name and headings, joined by SEPARATOR, then an empty line; "" where there is none of them.

    White space is collapsed, and a file name or heading equal to the title (apart from case) is left out. With the lead
    `below` it, the prefix has at most a quarter of the chunker's size limit in tokens of its tokenizer: for that the
    outermost headings go first, then a file name between title and heading, then words at the end of what is left.
    """
    names = [name for name in (" ".join(name.split()) for name in (title, file_name)) if name]
    if len(names) == 2 and names[0].casefold() == names[1].casefold():
        del names[1]
    headings = [" ".join(heading.split()) for heading in path]
    headings = [heading for heading in headings if heading and heading.casefold() != "".join(names[:1]).casefold()]
    parts = [*names, *headings]
    if chunker.size_limit_tokens is not None:
        limit_tokens = chunker.size_limit_tokens // PREFIX_SHARE - count_tokens(below, chunker.tokenizer)
        parts = _limited(parts, max(1, len(names)), limit_tokens, chunker.tokenizer)
    return SEPARATOR.join(parts) + END if parts else ""


def _limited(parts: list[str], names: int, limit_tokens: int, tokenizer: str) -> list[str]:
    """Return the parts, fewer or shorter, so that the prefix has at most `limit_tokens` tokens.

    The first of them, and the second where `names` is 2, are no inner headings.
    """

    def size(some: list[str]) -> int:
        return count_tokens(SEPARATOR.join(some) + END, tokenizer)

    parts = list(parts)
    while len(parts) > 2 and size(parts) > limit_tokens:
        del parts[names if len(parts) > names + 1 else 1]
    if not parts or size(parts) <= limit_tokens:
        return parts
    room = limit_tokens - size([""] * len(parts))
    title, headings = parts[0], parts[1:]
    if headings:
        headings = [_leading_words(headings[0], max(room // 2, room - count_tokens(title, tokenizer)), tokenizer)]
    title = _leading_words(title, room - sum(count_many(headings, tokenizer)), tokenizer)
    return [part for part in (title, *headings) if part]


def _leading_words(part: str, limit_tokens: int, tokenizer: str) -> str:
    tokens = token_offsets(part, tokenizer)
    ends = [word.end() for word in _WORD.finditer(part)]
    kept = bisect.bisect_right(ends, limit_tokens, key=lambda end: tokens.count(0, end))
    return part[: ends[kept - 1]] if kept else ""
