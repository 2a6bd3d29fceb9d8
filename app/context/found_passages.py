"""Passages: what was found, with its text and where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Integer, Row, String, bindparam, column, func, select, tuple_, values
from sqlalchemy.orm import Session

from app.context.envelope import Origin
from app.context.locations import Location, Locator, page_at, page_starts
from app.context.passages import described_at
from configs.span import NO_LEAD, Lead, Span
from indexes.database.tables import ChunkRow, Document, Version
from indexes.search import Hit
from ingest.document import ParsedDocument
from ingest.leads import stored_lead
from ingest.recipe import IndexRecipe
from ingest.text_measures import TextMeasure, measures_of
from ingest.tokenizers import count_many, count_tokens

_CHUNK_ROWS = (
    select(
        ChunkRow.version_id, ChunkRow.ordinal, ChunkRow.heading_path,
        func.substr(Version.text, ChunkRow.start + 1, ChunkRow.end - ChunkRow.start), Version.title,
        Document.external_id, Version.media_type, Version.id, Version.file_name, Document.tags, ChunkRow.text_tokens,
        ChunkRow.text_simhash, ChunkRow.prefix, ChunkRow.lead,
    )
    .join(Version, Version.id == ChunkRow.version_id)
    .join(Document, Document.id == Version.document_id)
    .where(
        ChunkRow.chunking == bindparam("chunking"),
        tuple_(ChunkRow.version_id, ChunkRow.ordinal).in_(bindparam("keys", expanding=True)),
    )
)  # fmt: skip
"""Made once: to put it together takes longer than to run it, and every search does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A hit with its text and where it comes from: headings and location of its first non-space character.

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
    location: Location
    lead: Lead = NO_LEAD

    @property
    def origin(self) -> Origin:
        """Return what readers are told of where it comes from."""
        at = self.location
        return Origin(
            title=self.title or self.file_name, heading_path=self.heading_path, page=at.page, row=at.row, line=at.line
        )


def load_passages(session: Session, recipe: IndexRecipe, hits: Sequence[Hit]) -> list[Passage]:
    """Return the hits with the text of their spans, in order; `hits` are chunks of the recipe, or stand for some."""
    if not hits:
        return []
    rows = _chunk_rows(session, recipe.chunking, hits)
    larger = _load_larger(session, recipe, [hit for hit in hits if hit.stands_for])
    locator = Locator(session, {(row.id, row.file_name, row.media_type) for row in rows.values()})
    passages = []
    for found in hits:
        row = rows.get((found.version_id, found.ordinal))
        if row is None:  # erased since it was found
            continue
        hit, said, path, lead = found, row[3], row.heading_path, stored_lead(row.prefix, row.lead)
        measure = None if row.text_tokens is None else TextMeasure(row.text_tokens, row.text_simhash)
        if found.stands_for:
            one = larger.get(found.rank)
            if one is None:  # better ones left white space; or erased since
                continue
            hit, said, measure, path, lead = one.hit, one.text, one.measure, one.heading_path, one.lead
        passages.append(
            Passage(
                hit=hit, text=said, measure=measure, external_id=row.external_id, title=row.title,
                file_name=row.file_name, tags=tuple(row.tags), heading_path=tuple(path), lead=lead,
                location=locator.at(hit.version_id, described_at(hit.span, said)),
            )
        )  # fmt: skip
    return passages


def _chunk_rows(session: Session, chunking: str, hits: Sequence[Hit]) -> dict[tuple[str, int], Row[*tuple[Any, ...]]]:
    """Return what is stored about each chunk and its document, with the chunk's text, by version id and ordinal."""
    keys = [(hit.version_id, hit.ordinal) for hit in hits]
    found = session.execute(_CHUNK_ROWS, {"chunking": chunking, "keys": keys})
    return {(row[0], row[1]): row for row in found}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Larger:
    """A hit that is no single chunk, with its tokens; it has the lead of the chunk that it begins with."""

    hit: Hit
    text: str
    measure: TextMeasure
    heading_path: tuple[str, ...]
    lead: Lead


def _load_larger(session: Session, recipe: IndexRecipe, hits: Sequence[Hit]) -> dict[int, _Larger]:
    """Return by its rank what each hit that is no single chunk says; those that say nothing are left out."""
    if not hits:
        return {}
    columns = column("version_id", String), column("start", Integer), column("characters", Integer)
    spans = [(hit.version_id, hit.span.start, len(hit.span)) for hit in hits]
    wanted = values(*columns, name="wanted").data(spans).cte("wanted")
    text = func.substr(Version.text, wanted.c.start + 1, wanted.c.characters)
    statement = select(wanted.c.version_id, wanted.c.start, text).join(Version, Version.id == wanted.c.version_id)
    texts = {(row[0], row[1]): row[2] for row in session.execute(statement)}
    leads, outlines = _leads(session, recipe.chunking, hits), _outlines(session, {hit.version_id for hit in hits})
    said = [texts.get((hit.version_id, hit.span.start), "") for hit in hits]
    tokens = count_many(said, recipe.chunker.tokenizer)
    return {
        hit.rank: _Larger(
            hit=replace(hit, tokens=count), text=one, measure=measure,
            heading_path=outlines[hit.version_id].heading_path(described_at(hit.span, one)),
            lead=leads.get((hit.version_id, hit.span.start), NO_LEAD),
        )
        for hit, one, count, measure in zip(hits, said, tokens, measures_of(said), strict=True)
        if one.strip() and hit.version_id in outlines
    }  # fmt: skip


def _leads(session: Session, chunking: str, hits: Sequence[Hit]) -> dict[tuple[str, int], Lead]:
    """Return the leads of the chunks that the hits begin with, by version id and start."""
    begins = [(hit.version_id, hit.span.start) for hit in hits]
    statement = select(ChunkRow.version_id, ChunkRow.start, ChunkRow.prefix, ChunkRow.lead).where(
        ChunkRow.version_id.in_({hit.version_id for hit in hits}), ChunkRow.chunking == chunking,
        tuple_(ChunkRow.version_id, ChunkRow.start).in_(begins),
    )  # fmt: skip
    return {(row.version_id, row.start): stored_lead(row.prefix, row.lead) for row in session.execute(statement)}


def _outlines(session: Session, version_ids: set[str]) -> dict[str, ParsedDocument]:
    statement = select(Version.id, Version.structure).where(Version.id.in_(version_ids))
    return {
        version_id: ParsedDocument.from_structure("", "", structure or [])
        for version_id, structure in session.execute(statement)
    }


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
        location=Location(page=page_at(page_starts(structure), begin)),
    )
