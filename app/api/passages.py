"""Passages as answers show them, and what every request for them may say."""

from __future__ import annotations

from pydantic import BaseModel, Field

from app.api.parameters import PRINCIPALS_DESCRIPTION, Principals
from app.context.found_passages import Passage
from app.context.receipt import FoundChunkRecord, StepRecord
from indexes.access import Filter


class StoreScoreView(BaseModel):
    """What one store said of a hit."""

    score: float
    rank: int | None = Field(description="rank from 1 in the store's own list; null where the list did not reach it")


class PassageView(BaseModel):
    """A found passage; `text` is the version's text from `start` to `end`."""

    rank: int
    document_id: str
    version_id: str
    external_id: str
    title: str
    heading_path: list[str]
    page: str = Field(description="number of the page it begins on, empty where there are none")
    row: str = Field(description="number of the row it begins in, empty where the file is no table or list of records")
    line: str = Field(description="number of the line it begins in, empty where the file is no source code")
    start: int
    end: int
    tokens: int
    score: float = Field(description="fused score, or the only store's; of the best chunk it stands for")
    stores: dict[str, StoreScoreView] = Field(description="score and rank per store")
    steps: list[StepRecord] = Field(
        description="what search options did with it, in their order; `rank` of `query_expansion` is the one without it"
    )
    stands_for: list[FoundChunkRecord] = Field(
        description="the found chunks whose place it took, best first; empty where it is a chunk itself"
    )
    text: str
    lead: str = Field(
        description="what stands before the text when it is sent: the header of a cut table, the signature of a class"
    )


class Scope(BaseModel):
    """On whose behalf and in which documents to look."""

    principals: Principals = Field(default_factory=list, description=PRINCIPALS_DESCRIPTION)
    filter: Filter | None = Field(None, description="conditions on tags and metadata, applied before scoring")
    require_fresh: bool = Field(False, description="answer 409 instead of from an index that misses documents")


def view_of(passage: Passage) -> PassageView:
    """Return the passage as the API shows it."""
    hit, at = passage.hit, passage.location
    return PassageView(
        rank=hit.rank, document_id=hit.document_id, version_id=hit.version_id, external_id=passage.external_id,
        title=passage.title, heading_path=list(passage.heading_path), page=at.page, row=at.row,
        line=at.line, start=hit.span.start, end=hit.span.end, tokens=hit.tokens, score=hit.score,
        stores={name: StoreScoreView(score=one.score, rank=one.rank) for name, one in hit.stores.items()},
        steps=list(map(StepRecord.of, hit.steps)), stands_for=list(map(FoundChunkRecord.of, hit.stands_for)),
        text=passage.text, lead=passage.lead.text,
    )  # fmt: skip
