"""Log lines as text or JSON, each with the request, workspace and job it belongs to.

The identifiers travel in context variables; whoever hands work to another thread copies the context. Nothing here
carries a text of documents or questions, or a key.
"""

from __future__ import annotations

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
WORKSPACE_ID: ContextVar[str | None] = ContextVar("workspace_id", default=None)
JOB_ID: ContextVar[str | None] = ContextVar("job_id", default=None)
_CONTEXT = {"request_id": REQUEST_ID, "workspace": WORKSPACE_ID, "job_id": JOB_ID}
LINE = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def context_of_line() -> dict[str, str]:
    """Return what is known of the request, workspace and job at this point."""
    found = {name: variable.get() for name, variable in _CONTEXT.items()}
    return {name: value for name, value in found.items() if value is not None}


class TextLines(logging.Formatter):
    """Lines for people; what a line belongs to stands in brackets at the end of its first line."""

    def __init__(self) -> None:
        super().__init__(LINE)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # the name logging calls
        """Return the line, followed by its request, workspace and job."""
        context = " ".join(f"{name}={value}" for name, value in context_of_line().items())
        return super().formatMessage(record) + (f" [{context}]" if context else "")


class JsonLines(logging.Formatter):
    """One JSON object a line, ASCII only: time (UTC), level, logger, message, and a trace where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        line: dict[str, str] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **context_of_line(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line)
