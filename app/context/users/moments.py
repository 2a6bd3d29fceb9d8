"""Moments: those in requests have a time zone and are kept as UTC; those of records follow each other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies outside the years 1 to 9999 in UTC") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment with its time zone, such as 2026-03-01T09:00:00Z."""


def later_than(last: datetime | None, moment: datetime) -> datetime:
    """Return `moment`, or the first after `last` where a clock stood still or went back: records keep their order."""
    return moment if last is None or moment > last else last + timedelta(microseconds=1)
