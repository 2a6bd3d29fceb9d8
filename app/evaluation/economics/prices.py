"""What models cost: list prices from the snapshot that genai-prices carries, under the values that the caller gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType

import genai_prices
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, StartDateConstraint, TieredPrices
from genai_prices.types import ModelPrice as ListedPrice
from pydantic import BaseModel, ConfigDict, Field

from configs.errors import InvalidInputError

PRICE_UNKNOWN = "price unknown"
GIVEN = "given"
SNAPSHOT = f"genai-prices {genai_prices.__version__}"
_MILLION = 1e6

_KEYS = {
    "input_usd_per_million": "input_mtok",
    "output_usd_per_million": "output_mtok",
    "cache_read_usd_per_million": "cache_read_mtok",
    "cache_write_usd_per_million": "cache_write_mtok",
    "long_cache_write_usd_per_million": "cache_write_1h_mtok",
}


class GivenPrice(BaseModel):
    """Rates in USD per million tokens that the caller knows better; what is left out is taken from the list."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    input_usd_per_million: float | None = Field(None, ge=0, description="tokens read that no cache holds")
    output_usd_per_million: float | None = Field(None, ge=0, description="tokens written by the model")
    cache_read_usd_per_million: float | None = Field(None, ge=0, description="tokens read from the prompt cache")
    cache_write_usd_per_million: float | None = Field(None, ge=0, description="tokens written to the prompt cache")
    long_cache_write_usd_per_million: float | None = Field(
        None, ge=0, description="tokens written to the prompt cache to be kept for an hour"
    )


class Rates(BaseModel):
    """USD per million tokens for requests of more than `above_input_tokens`; null where none is listed.

    Cached tokens without a rate of their own cost what other input does.
    """

    model_config = ConfigDict(frozen=True)

    above_input_tokens: int = Field(0, description="0: from the first token on")
    input_usd_per_million: float
    output_usd_per_million: float | None = None
    cache_read_usd_per_million: float | None = None
    cache_write_usd_per_million: float | None = None
    long_cache_write_usd_per_million: float | None = None


class ModelPrice(BaseModel):
    """The price of one model. `rates` ascend by `above_input_tokens`; the one that holds prices the whole request."""

    model_config = ConfigDict(frozen=True)

    model: str
    provider: str | None
    rates: tuple[Rates, ...] = Field(min_length=1)
    request_usd: float = Field(0.0, description="charged for each request beside its tokens")
    context_window_tokens: int | None = Field(None, description="null where the list does not say")
    source: str = Field(description=f"`genai-prices` with its version, `{GIVEN}`, or both")

    def rates_for(self, input_tokens: float) -> Rates:
        """Return the rates of a request of so many input tokens, cached ones included."""
        holding = [rates for rates in self.rates if input_tokens > rates.above_input_tokens]
        return holding[-1] if holding else self.rates[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The tokens of one request. `input_tokens` is the total: cached tokens, read or written, are part of it."""

    input_tokens: float
    output_tokens: float = 0
    cache_read_tokens: float = 0
    cache_write_tokens: float = 0

    def __post_init__(self) -> None:
        cached = self.cache_read_tokens + self.cache_write_tokens
        smallest = min(self.input_tokens, self.output_tokens, self.cache_read_tokens, self.cache_write_tokens)
        if not (smallest >= 0 and cached <= self.input_tokens):
            raise InvalidInputError(
                f"{cached:g} cached tokens of {self.input_tokens:g} input tokens and {self.output_tokens:g} output "
                "tokens is no usage",
                hint="no count is negative, and the input tokens include those read from and written to the cache",
                code="invalid_usage",
            )


def price_of(
    model: str,
    provider: str | None = None,
    *,
    given: Mapping[str, GivenPrice] = MappingProxyType({}),
    at: datetime | None = None,
) -> ModelPrice | None:
    """Return the price of a model at a moment (default: now), None where it is unknown; no network is used.

    Without `provider` the list's rule for the model's name picks one. `given` holds values by model name; they win over
    the list at every prompt length. A model that is not listed needs at least a given input rate.
    """
    listed = _listed(model, provider, at or datetime.now(tz=UTC))
    own = given.get(model)
    if own is None:
        return listed
    values = own.model_dump(exclude_none=True)
    if listed is None:
        if own.input_usd_per_million is None:
            return None
        return ModelPrice(model=model, provider=provider, rates=(Rates(**values),), source=GIVEN)
    rates = tuple(one.model_copy(update=values) for one in listed.rates)
    return listed.model_copy(update={"rates": rates, "source": f"{SNAPSHOT}, {GIVEN}" if values else SNAPSHOT})


def cost_usd(price: ModelPrice | None, usage: Usage) -> float | None:
    """Return what a request costs, None where the price is unknown; every input token is counted once."""
    if price is None:
        return None
    rates = price.rates_for(usage.input_tokens)
    if usage.output_tokens and rates.output_usd_per_million is None:
        return None
    read, write = rates.cache_read_usd_per_million, rates.cache_write_usd_per_million
    fresh_tokens = usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens
    total = fresh_tokens * rates.input_usd_per_million
    total += usage.cache_read_tokens * (rates.input_usd_per_million if read is None else read)
    total += usage.cache_write_tokens * (rates.input_usd_per_million if write is None else write)
    total += usage.output_tokens * (rates.output_usd_per_million or 0.0)
    return total / _MILLION + price.request_usd


def shown_usd(value_usd: float | None) -> str:
    """Return an amount as people read it, with three significant digits; an unknown one says so."""
    if value_usd is None:
        return PRICE_UNKNOWN
    if value_usd == 0 or abs(value_usd) >= 100:
        return f"${value_usd:,.0f}"
    return f"${Decimal(f'{value_usd:.3g}'):f}"


def newest_price_change(at: datetime | None = None) -> date:
    """Return the last date, up to a moment (default: now), on which the snapshot knows a price to have changed.

    The snapshot does not say when it was made; it is no older than this.
    """
    today = (at or datetime.now(tz=UTC)).date()
    return max(
        entry.constraint.start_date
        for provider in get_snapshot().providers
        for model in provider.models
        for entry in (model.prices if isinstance(model.prices, list) else ())
        if isinstance(entry.constraint, StartDateConstraint) and entry.constraint.start_date <= today
    )


def _listed(model: str, provider: str | None, at: datetime) -> ModelPrice | None:
    try:
        found, information = get_snapshot().find_provider_model(model, None, provider, None)
    except LookupError:
        return None
    rates = _rates(information.get_prices(at))
    if not rates:
        return None
    return ModelPrice(
        model=information.id,
        provider=found.id,
        rates=rates,
        request_usd=_request_usd(information, at),
        context_window_tokens=information.context_window,
        source=SNAPSHOT,
    )


def _rates(listed: ListedPrice) -> tuple[Rates, ...]:
    """Return the rates by prompt length; none for a model that is not priced by input tokens."""
    prices = {name: getattr(listed, key) for name, key in _KEYS.items()}
    if prices["input_usd_per_million"] is None:
        return ()
    tiered = [price for price in prices.values() if isinstance(price, TieredPrices)]
    starts = sorted({0} | {tier.start for price in tiered for tier in price.tiers})
    return tuple(
        Rates.model_validate(
            {"above_input_tokens": start, **{name: _at(price, start) for name, price in prices.items()}}
        )
        for start in starts
    )


def _at(price: Decimal | TieredPrices | None, start: int) -> float | None:
    if isinstance(price, TieredPrices):
        price = next((tier.price for tier in reversed(price.tiers) if tier.start <= start), price.base)
    return None if price is None else float(price)


def _request_usd(information: ModelInfo, at: datetime) -> float:
    thousand_requests = information.get_prices(at).requests_kcount
    return (_at(thousand_requests, 0) or 0.0) / 1_000
