"""What embedding costs where a provider charges for it: tokens and calls, counted where the work is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from configs.part import JsonObject


@dataclass(slots=True)
class Meter:
    """Counts of calls to embedders on other machines. `cost_usd` is None as soon as one call's price is unknown."""

    calls: int = 0
    tokens: int = 0
    cost_usd: float | None = 0.0
    """Of the providers' list prices; never 0 for what nobody knows."""
    before_calls: Callable[[], None] | None = None
    """Is called before anything is sent, and may raise a PlaygroundError instead."""

    def add(self, *, tokens: int, usd_per_million_tokens: float | None, calls: int = 1) -> None:
        """Count a call of so many tokens."""
        self.calls += calls
        self.tokens += tokens
        if self.cost_usd is None or usd_per_million_tokens is None:
            self.cost_usd = None
        else:
            self.cost_usd += tokens * usd_per_million_tokens / 1e6

    def as_dict(self) -> JsonObject:
        """Return the counts as a job shows them."""
        price = "price unknown" if self.cost_usd is None else "list price"
        return {"calls": self.calls, "tokens": self.tokens, "cost_usd": self.cost_usd, "price": price}


_meters: ContextVar[tuple[Meter, ...]] = ContextVar("meters", default=())


@contextmanager
def metered(before_calls: Callable[[], None] | None = None) -> Iterator[Meter]:
    """Yield a meter that counts every remote call of this thread until the end of the block; meters may nest."""
    meter = Meter(before_calls=before_calls)
    token = _meters.set((*_meters.get(), meter))
    try:
        yield meter
    finally:
        _meters.reset(token)


def announce_calls() -> None:
    """Let every meter that is open in this thread raise before anything is sent."""
    for meter in _meters.get():
        if meter.before_calls is not None:
            meter.before_calls()


def count_call(*, tokens: int, usd_per_million_tokens: float | None) -> None:
    """Count a call on every meter that is open in this thread."""
    for meter in _meters.get():
        meter.add(tokens=tokens, usd_per_million_tokens=usd_per_million_tokens)
