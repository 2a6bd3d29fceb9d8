"""Trying changes on the real code: retrieve and assemble anew, and see whether the text is admitted."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from app.context.assembled import Assembled
from app.context.envelope import NONCE_BYTES
from app.context.explanations.asked import Rerun
from app.context.explanations.changes import Change
from app.context.explanations.places import Place
from app.context.tokens import TokenCounter
from configs.errors import PlaygroundError

SAMPLED_NONCES = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A change that admits the text, with the context that then comes out."""

    change: Change
    assembled: Assembled


class Trials:
    """Tries changes, so many and so long at most; afterwards every trial fails and `is_over` says so.

    A context's tokens vary a little with its nonce, so a change admits the text only if it does with the receipt's
    nonce and with a costly one: whoever applies it later draws a third.
    """

    def __init__(self, rerun: Rerun, place: Place, model: str, *, most: int, seconds: float) -> None:
        self.count = 0
        self.is_over = False
        self._rerun = rerun
        self._place = place
        self._costly = costly_nonce(model)
        self._most = most
        self._deadline = time.monotonic() + seconds

    def attempt(self, change: Change) -> Outcome | None:
        """Return what comes out of the change if the text is then in the context."""
        if self.count >= self._most or time.monotonic() > self._deadline:
            self.is_over = True
            return None
        self.count += 1
        try:
            assembled = self._rerun.assembled(change.setup, change.policy)
            if not admits(assembled, self._place):
                return None
            if not admits(self._rerun.assembled(change.setup, change.policy, self._costly), self._place):
                return None
        except PlaygroundError:  # such as an index that was removed meanwhile
            return None
        return Outcome(change=change, assembled=assembled)

    def smallest(self, failed: int, admitted: Outcome, value: int, make: Callable[[int], Change]) -> Outcome:
        """Return the outcome nearest to `failed` by halving the distance; the value before it was tried and fails."""
        while abs(value - failed) > 1 and not self.is_over:
            middle = (failed + value) // 2
            outcome = self.attempt(make(middle))
            if outcome is not None:
                value, admitted = middle, outcome
            elif not self.is_over:
                failed = middle
        return admitted


def admits(assembled: Assembled, place: Place) -> bool:
    """Tell whether the context holds all of the place; of a whole document, any of it."""
    if place.span is None:
        return any(source.document_id == place.document.id for source in assembled.sources)
    held = [source.span for source in assembled.sources if source.version_id == place.version_id]
    return not place.missing(held)


@lru_cache(maxsize=64)
def costly_nonce(model: str) -> str:
    """Return a nonce that costs as many tokens of the model as hardly any other does."""
    counter = TokenCounter(model)
    digests = (hashlib.sha256(str(number).encode()).hexdigest() for number in range(SAMPLED_NONCES))
    return max((digest[: 2 * NONCE_BYTES] for digest in digests), key=counter.count)
