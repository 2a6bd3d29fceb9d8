"""What it takes before a retrieval setup answers: an estimate of chunks, encodings, bytes and time."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.context.saved_strategies import find_index
from app.context.strategy import BaselineSetup, SearchSetup
from indexes.database.catalog import count_served
from indexes.database.tables import ChunkRow, Document, Vector, Version

CHARACTERS_PER_TOKEN = 4.2
"""English prose under WordPiece; only estimates rest on it."""
TOKENS_PER_SECOND = 8_000
"""A careful figure for the default model on two processor cores."""


class ReindexEstimate(BaseModel):
    """What has to be built before a strategy answers, and the call that builds it."""

    reason: str = Field(description="`index_missing`, or `index_empty` where it was registered but never built")
    documents: int = Field(description="documents to index")
    chunks: int = Field(description="chunks: counted where they are cut already, else estimated")
    texts_to_embed: int = Field(description="chunks whose vectors are not cached, 0 without an embedder")
    tokens_to_embed: int = Field(description="estimate of their tokens, by 4.2 characters each")
    embedding_cost_usd: float | None = Field(
        description="of those tokens at the list price; 0 for an embedder on this machine, null where it is unknown"
    )
    seconds: float = Field(description="estimated time on two processor cores")
    build: dict[str, Any] = Field(description="method, path and body of the call that builds it")


def estimate_reindex(session: Session, workspace_id: str, setup: SearchSetup | BaselineSetup) -> ReindexEstimate | None:
    """Return what is missing for the setup, or None where it answers as it is."""
    if isinstance(setup, BaselineSetup):
        return None
    index = find_index(session, workspace_id, setup)
    if index is not None and (index.built_at is not None or count_served(session, index.id)[0]):
        return None
    characters, documents = session.execute(
        select(func.coalesce(func.sum(Version.characters), 0), func.count())
        .join(Document, Document.ready_version_id == Version.id)
        .where(Document.workspace_id == workspace_id, Document.deleted_at.is_(None))
    ).one()
    cut = _cut_chunks(session, workspace_id, setup.recipe.chunking)
    size_tokens = setup.chunker.size_limit_tokens
    text_tokens = int(characters or 0) / CHARACTERS_PER_TOKEN
    guessed = max(int(documents), round(text_tokens / size_tokens * 1.3)) if size_tokens else int(documents)
    chunks = cut or guessed
    to_embed = 0
    if setup.embedder is not None:
        to_embed = max(0, chunks - _cached(session, workspace_id, setup))
    share = to_embed / chunks if chunks else 0.0
    tokens_to_embed = round(text_tokens * share)
    seconds = tokens_to_embed / setup.embedder.tokens_per_second if setup.embedder is not None else 0.0
    return ReindexEstimate(
        reason="index_missing" if index is None else "index_empty",
        documents=int(documents),
        chunks=chunks,
        texts_to_embed=to_embed,
        tokens_to_embed=tokens_to_embed,
        embedding_cost_usd=_cost_usd(tokens_to_embed, setup),
        seconds=round(seconds + chunks / 5_000 + 0.5, 1),
        build=build_call(workspace_id, setup),
    )


def build_call(workspace_id: str, setup: SearchSetup) -> dict[str, Any]:
    """Return method, path and body of the request that builds the setup's index."""
    body = {"setup": setup.model_dump(mode="json")}
    return {"method": "POST", "path": f"/v1/workspaces/{workspace_id}/indexes", "body": body}


def _cost_usd(tokens: int, setup: SearchSetup) -> float | None:
    price = setup.embedder.usd_per_million_tokens if setup.embedder is not None else 0.0
    return None if price is None else tokens * price / 1e6


def _ready_chunks(workspace_id: str, chunking: str) -> Any:
    return (
        select(func.count())
        .select_from(ChunkRow)
        .join(Document, Document.ready_version_id == ChunkRow.version_id)
        .where(Document.workspace_id == workspace_id, Document.deleted_at.is_(None), ChunkRow.chunking == chunking)
    )


def _cut_chunks(session: Session, workspace_id: str, chunking: str) -> int:
    return int(session.scalar(_ready_chunks(workspace_id, chunking)) or 0)


def _cached(session: Session, workspace_id: str, setup: SearchSetup) -> int:
    assert setup.embedder is not None
    statement = _ready_chunks(workspace_id, setup.recipe.chunking).join(
        Vector, (Vector.indexed_sha256 == ChunkRow.indexed_sha256) & (Vector.embedder == setup.embedder.fingerprint)
    )
    return int(session.scalar(statement) or 0)
