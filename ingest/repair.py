"""What happens to a segment that must not answer: it is set aside, and a job makes anew what it held."""

from __future__ import annotations

import logging
from collections.abc import Collection

from sqlalchemy.orm import Session

from configs.errors import PlaygroundError
from indexes.database.alerts import raise_alert
from indexes.database.engine import Database
from indexes.segments import quarantine
from ingest.builds import queue_build

logger = logging.getLogger("playground.repair")


def start_repair(session: Session, workspace_id: str, index_id: str, segment_ids: Collection[str]) -> str | None:
    """Quarantine the segments and return the id of the job that rebuilds what they held from SQL and the vector cache,
    all in the caller's unit of work; None where none of them is in use any more.
    """
    if not quarantine(session, workspace_id, segment_ids):
        return None
    raise_alert(
        session, "index_damaged", index_id,
        f"{len(segment_ids)} segments of an index are not as they were written; they are set aside and rebuilt",
        workspace_id=workspace_id, segments=sorted(segment_ids),
    )  # fmt: skip
    return queue_build(session, workspace_id, index_id)


def repair_found(database: Database, workspace_id: str, index_id: str, segment_ids: Collection[str]) -> None:
    """Start the repair of what a search came upon; the workers' sweep finds its job. A failure to start it, as on a
    read-only disk, is logged: the search answers from what is sound, and the next one tries again.
    """
    try:
        with database.write() as session:
            start_repair(session, workspace_id, index_id, segment_ids)
    except PlaygroundError as error:
        logger.error("index %s: damaged segments could not be set aside: %s", index_id, error.code)
