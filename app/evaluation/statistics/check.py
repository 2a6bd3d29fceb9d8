"""A measured figure beside the bounds that a rule sets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A measured figure and the bounds that a rule sets; one without bounds is there for comparison."""

    rule: int
    what: str
    measured: float
    at_least: float | None = None
    at_most: float | None = None

    def is_met(self, slack: float = 0.0) -> bool:
        """Tell whether the figure keeps its bounds, moved apart by `slack`."""
        return (self.at_least is None or self.measured >= self.at_least - slack) and (
            self.at_most is None or self.measured <= self.at_most + slack
        )
