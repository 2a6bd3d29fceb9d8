"""What building and keeping an index costs: embedding, and bytes."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from app.context.estimate import TOKENS_PER_SECOND

Precision = Literal["float32", "bfloat16", "float16", "int8"]

BYTES_PER_NUMBER: dict[Precision, int] = {"float32": 4, "bfloat16": 2, "float16": 2, "int8": 1}
POSTING_BYTES = 8
"""A row and a count, 32 bits each."""
ROW_BYTES = 4
TERM_BYTES = 16
"""Two offsets of 64 bits, beside the term itself."""
MEAN_TERM_LETTERS = 7
TEXT_BYTES_PER_CHARACTER = 1.2


def ingest_cost_usd(
    embedded_tokens: int, usd_per_million: float, reembedded_share_per_month: float, months: float
) -> float:
    """Return what embedding costs over `months`: the first ingest, and what is embedded again each month.

    `embedded_tokens` are those of all chunks, overlap and prefixes included. Every strategy is charged in full,
    whatever vectors it shares with others.
    """
    return embedded_tokens * usd_per_million / 1e6 * (1 + reembedded_share_per_month * months)


class IngestCost(BaseModel):
    """What building an index takes, and embedding again what changes; estimated, on two processor cores."""

    model_config = ConfigDict(frozen=True)

    seconds: float
    usd_once: float
    usd_per_month: float


def ingest_cost(embedded_tokens: int, usd_per_million: float, reembedded_share_per_month: float) -> IngestCost:
    """Return the cost of embedding so many tokens once, and of each month after."""
    once = ingest_cost_usd(embedded_tokens, usd_per_million, 0.0, 0.0)
    first_month = ingest_cost_usd(embedded_tokens, usd_per_million, reembedded_share_per_month, 1.0)
    seconds = embedded_tokens / TOKENS_PER_SECOND
    return IngestCost(seconds=seconds, usd_once=once, usd_per_month=first_month - once)


def flat_index_bytes(rows: int, dimensions: int, precision: Precision = "float32") -> int:
    """Return the size of the vectors of an exact dense index, on disk and mapped into memory."""
    return rows * dimensions * BYTES_PER_NUMBER[precision]


def lexical_index_bytes(rows: int, postings: int, terms: int) -> int:
    """Return the predicted size of a BM25 index; a posting is one distinct term of one row.

    Exact but for the letters of the terms, of which English has about seven each.
    """
    return postings * POSTING_BYTES + rows * ROW_BYTES + terms * (TERM_BYTES + MEAN_TERM_LETTERS)


def stored_text_bytes(characters: int) -> int:
    """Return the predicted size of text and metadata in the database."""
    return round(characters * TEXT_BYTES_PER_CHARACTER)
