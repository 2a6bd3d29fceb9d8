"""What a job's calls to embedders on other machines cost, kept with the job."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from configs.errors import PlaygroundError
from indexes.jobs import RunningJob
from ingest.metering import Meter, metered

CHARGED = "embedding_calls"
"""Where a job's result holds it."""


def charge(job: RunningJob, session: Session, meter: Meter) -> None:
    """Add the meter's counts to those of the job, in the caller's unit of work; what earlier attempts paid stays."""
    if not meter.calls:
        return
    before = job.result.get(CHARGED) or Meter().as_dict()
    costs = before["cost_usd"], meter.cost_usd
    total = Meter(
        calls=before["calls"] + meter.calls,
        tokens=before["tokens"] + meter.tokens,
        cost_usd=None if None in costs else sum(costs),
    )
    job.keep(session, **{CHARGED: total.as_dict()})


@contextmanager
def charged_on_failure(job: RunningJob) -> Iterator[Meter]:
    """Yield a meter for calls. After an error what they cost is kept with the job; else that is left to the caller."""
    with metered() as meter:
        try:
            yield meter
        except PlaygroundError:
            with job.write() as session:
                charge(job, session, meter)
            raise
