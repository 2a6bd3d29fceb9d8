"""What it takes before a retrieval setup answers: an estimate of chunks, encodings, bytes and time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.context.saved_strategies import find_index
from app.context.strategy import BaselineSetup, SearchSetup
from indexes.database.catalog import count_served
from indexes.database.tables import ChunkRow, Document, Vector, Version
from ingest.embedders import Embedder
from ingest.vector_cache import renewals_of

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
    tokens_to_cut: int = Field(
        description="estimate of the tokens that cutting itself encodes, as `semantic` does; else 0"
    )
    embedding_cost_usd: float | None = Field(
        description="of all those tokens at list prices; 0 for embedders on this machine, null where one is unknown"
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
    text_tokens = int(characters or 0) / CHARACTERS_PER_TOKEN
    piece_tokens = text_tokens * setup.chunker.repetition
    usual_tokens = setup.chunker.usual_tokens
    chunks = cut or max(int(documents), round(piece_tokens / usual_tokens) if usual_tokens else 0)
    to_embed = 0
    if setup.embedder is not None:
        to_embed = max(0, chunks - _cached(session, workspace_id, setup))
    share = to_embed / chunks if chunks else 0.0
    to_encode = [
        (setup.embedder, round(piece_tokens * share)),
        (setup.chunker.encoder, 0 if cut else round(text_tokens * setup.chunker.encoded_per_token)),
    ]
    seconds = sum(tokens / embedder.tokens_per_second for embedder, tokens in to_encode if embedder is not None)
    return ReindexEstimate(
        reason="index_missing" if index is None else "index_empty",
        documents=int(documents),
        chunks=chunks,
        texts_to_embed=to_embed,
        tokens_to_embed=to_encode[0][1],
        tokens_to_cut=to_encode[1][1],
        embedding_cost_usd=_cost_usd(to_encode),
        seconds=round(seconds + chunks / 5_000 + 0.5, 1),
        build=build_call(workspace_id, setup),
    )


def build_call(workspace_id: str, setup: SearchSetup) -> dict[str, Any]:
    """Return method, path and body of the request that builds the setup's index."""
    body = {"setup": setup.model_dump(mode="json")}
    return {"method": "POST", "path": f"/v1/workspaces/{workspace_id}/indexes", "body": body}


def _cost_usd(to_encode: Sequence[tuple[Embedder | None, int]]) -> float | None:
    total = 0.0
    for embedder, tokens in to_encode:
        price = embedder.usd_per_million_tokens if embedder is not None and tokens else 0.0
        if price is None:
            return None
        total += tokens * price / 1e6
    return total


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
    embedder = setup.embedder.fingerprint
    is_present = (Vector.embedder == embedder) & (Vector.renewal >= renewals_of(session, embedder))
    statement = _ready_chunks(workspace_id, setup.recipe.chunking).join(
        Vector, (Vector.indexed_sha256 == ChunkRow.indexed_sha256) & is_present
    )
    return int(session.scalar(statement) or 0)
