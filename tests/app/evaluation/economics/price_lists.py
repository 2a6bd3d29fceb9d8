"""Prices and assumptions that tests calculate with; the numbers are round, so that results can be had by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from app.evaluation.economics.assumptions import Assumptions
from app.evaluation.economics.prices import ModelPrice, Rates

MOMENT = datetime(2026, 11, 23, 12, tzinfo=UTC)
"""Listed prices are read as of this moment, so that a dated change in the list alters no test."""


def made_price(**changes: Any) -> ModelPrice:
    """Return a price of 1 USD per million tokens read and 10 written by the model, 1.25 to cache and 0.1 cached."""
    rates = Rates(
        input_usd_per_million=1.0,
        output_usd_per_million=10.0,
        cache_read_usd_per_million=0.1,
        cache_write_usd_per_million=1.25,
        long_cache_write_usd_per_million=2.0,
    )
    values = {"model": "made", "provider": None, "rates": (rates,), "source": "given"} | changes
    return ModelPrice.model_validate(values)


def made_assumptions(**changes: Any) -> Assumptions:
    """Return a corpus of 100,000 tokens of which a request reads 2,000, with 100 requests a day."""
    values = {
        "corpus_tokens": 100_000,
        "retrieved_tokens": 2_000,
        "requests_per_day": 100.0,
        "instruction_tokens": 400,
        "question_tokens": 100,
        "output_tokens": 500,
    }
    return Assumptions.model_validate(values | changes)
