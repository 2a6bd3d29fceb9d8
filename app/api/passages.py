"""Passages as answers show them, and what every request for them may say."""

from __future__ import annotations

from pydantic import BaseModel, Field

from app.api.parameters import PRINCIPALS_DESCRIPTION, Principals
from app.context.receipt import StepRecord
from app.context.retrieve import Passage
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
    start: int
    end: int
    tokens: int
    score: float = Field(description="fused score, or the only store's")
    stores: dict[str, StoreScoreView] = Field(description="score and rank per store")
    steps: list[StepRecord] = Field(
        description="what search options did with it, in their order; `rank` of `query_expansion` is the one without it"
    )
    text: str


class Scope(BaseModel):
    """On whose behalf and in which documents to look."""

    principals: Principals = Field(default_factory=list, description=PRINCIPALS_DESCRIPTION)
    filter: Filter | None = Field(None, description="conditions on tags and metadata, applied before scoring")
    require_fresh: bool = Field(False, description="answer 409 instead of from an index that misses documents")


def view_of(passage: Passage) -> PassageView:
    """Return the passage as the API shows it."""
    hit = passage.hit
    return PassageView(
        rank=hit.rank, document_id=hit.document_id, version_id=hit.version_id, external_id=passage.external_id,
        title=passage.title, heading_path=list(passage.heading_path), page=passage.page, start=hit.span.start,
        end=hit.span.end, tokens=hit.tokens, score=hit.score,
        stores={name: StoreScoreView(score=one.score, rank=one.rank) for name, one in hit.stores.items()},
        steps=list(map(StepRecord.of, hit.steps)), text=passage.text,
    )  # fmt: skip
