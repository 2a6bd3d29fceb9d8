"""Passages: what was found, with its text and where it comes from."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

from sqlalchemy import Integer, Row, String, column, func, select, tuple_, values
from sqlalchemy.orm import Session

from app.context.envelope import Origin
from app.context.passages import described_at
from configs.part import JsonObject
from configs.span import Span
from indexes.database.tables import ChunkRow, Document, Version
from indexes.search import Hit
from ingest.document import ParsedDocument
from ingest.recipe import IndexRecipe
from ingest.text_measures import TextMeasure, measures_of
from ingest.tokenizers import count_many, count_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A hit with its text and where it comes from: headings and page of its first non-space character.

    `title` is the version's own, as it was when indexed; `measure` is None where it was not worked out when the
    document was cut.
    """

    hit: Hit
    text: str
    measure: TextMeasure | None
    external_id: str
    title: str
    file_name: str
    tags: tuple[str, ...]
    heading_path: tuple[str, ...]
    page: str

    @property
    def origin(self) -> Origin:
        """Return what readers are told of where it comes from."""
        return Origin(title=self.title or self.file_name, heading_path=self.heading_path, page=self.page)


@dataclass(frozen=True, slots=True)
class _Outline:
    """What the structure of a version says of its positions."""

    document: ParsedDocument
    pages: list[tuple[int, str]]


def load_passages(session: Session, recipe: IndexRecipe, hits: Sequence[Hit]) -> list[Passage]:
    """Return the hits with the text of their spans, in order; `hits` are chunks of the recipe, or stand for some."""
    if not hits:
        return []
    rows = _chunk_rows(session, recipe.chunking, hits)
    larger = _load_larger(session, recipe, [hit for hit in hits if hit.stands_for])
    outlined = {hit.version_id for hit in hits if hit.stands_for} | {
        row.id for row in rows.values() if row.media_type == "application/pdf"
    }
    outlines = _outlines(session, outlined) if outlined else {}
    passages = []
    for found in hits:
        row = rows.get((found.version_id, found.ordinal))
        if row is None:  # erased since it was found
            continue
        hit, said, path = found, row[3], row.heading_path
        measure = None if row.text_tokens is None else TextMeasure(row.text_tokens, row.text_simhash)
        if found.stands_for:
            hit, said, measure = larger[found.rank]
            if not said.strip() or hit.version_id not in outlines:  # better ones left white space; or erased since
                continue
            path = outlines[hit.version_id].document.heading_path(described_at(hit.span, said))
        pages = outlines[hit.version_id].pages if hit.version_id in outlines else []
        passages.append(
            Passage(
                hit=hit, text=said, measure=measure, external_id=row.external_id, title=row.title,
                file_name=row.file_name, tags=tuple(row.tags), heading_path=tuple(path),
                page=page_at(pages, described_at(hit.span, said)),
            )
        )  # fmt: skip
    return passages


def _chunk_rows(session: Session, chunking: str, hits: Sequence[Hit]) -> dict[tuple[str, int], Row[*tuple[Any, ...]]]:
    """Return what is stored about each chunk and its document, with the chunk's text, by version id and ordinal."""
    text = func.substr(Version.text, ChunkRow.start + 1, ChunkRow.end - ChunkRow.start)
    keys = [(hit.version_id, hit.ordinal) for hit in hits]
    statement = (
        select(
            ChunkRow.version_id, ChunkRow.ordinal, ChunkRow.heading_path, text, Version.title, Document.external_id,
            Version.media_type, Version.id, Version.file_name, Document.tags, ChunkRow.text_tokens,
            ChunkRow.text_simhash,
        )
        .join(Version, Version.id == ChunkRow.version_id)
        .join(Document, Document.id == Version.document_id)
        .where(ChunkRow.chunking == chunking, tuple_(ChunkRow.version_id, ChunkRow.ordinal).in_(keys))
    )  # fmt: skip
    return {(row[0], row[1]): row for row in session.execute(statement)}


def _load_larger(session: Session, recipe: IndexRecipe, hits: Sequence[Hit]) -> dict[int, tuple[Hit, str, TextMeasure]]:
    """Return for the rank of each hit that is no single chunk: the hit with its tokens, its text, and its measure."""
    if not hits:
        return {}
    columns = column("version_id", String), column("start", Integer), column("characters", Integer)
    spans = [(hit.version_id, hit.span.start, len(hit.span)) for hit in hits]
    wanted = values(*columns, name="wanted").data(spans).cte("wanted")
    text = func.substr(Version.text, wanted.c.start + 1, wanted.c.characters)
    statement = select(wanted.c.version_id, wanted.c.start, text).join(Version, Version.id == wanted.c.version_id)
    texts = {(row[0], row[1]): row[2] for row in session.execute(statement)}
    said = [texts.get((hit.version_id, hit.span.start), "") for hit in hits]
    tokens = count_many(said, recipe.chunker.tokenizer)
    return {
        hit.rank: (replace(hit, tokens=count), one, measure)
        for hit, one, count, measure in zip(hits, said, tokens, measures_of(said), strict=True)
    }


def _outlines(session: Session, version_ids: set[str]) -> dict[str, _Outline]:
    statement = select(Version.id, Version.structure).where(Version.id.in_(version_ids))
    return {
        version_id: _Outline(ParsedDocument.from_structure("", "", structure or []), page_starts(structure or []))
        for version_id, structure in session.execute(statement)
    }


def page_starts(structure: Sequence[JsonObject]) -> list[tuple[int, str]]:
    """Return where each page of a version begins, with its label, in order."""
    return [(block["start"], block["label"]) for block in structure if block["kind"] == "page"]


def page_at(pages: Sequence[tuple[int, str]], position: int) -> str:
    """Return the label of the page that holds `position`, "" where there is none."""
    number = bisect.bisect_right(pages, position, key=itemgetter(0))
    return pages[number - 1][1] if number else ""


def whole_passage(rank: int, document: Document, version: Version, text: str) -> Passage:
    """Return a whole document as the passage of that rank."""
    hit = Hit(
        rank=rank, document_id=document.id, version_id=version.id, ordinal=0, span=Span(0, len(text)),
        tokens=count_tokens(text), score=1.0 / rank, stores={},
    )  # fmt: skip
    structure = version.structure or []
    begin = described_at(hit.span, text)
    return Passage(
        hit=hit,
        text=text,
        measure=None,
        external_id=document.external_id,
        title=version.title,
        file_name=version.file_name,
        tags=tuple(document.tags),
        heading_path=ParsedDocument.from_structure("", version.title, structure).heading_path(begin),
        page=page_at(page_starts(structure), begin),
    )
