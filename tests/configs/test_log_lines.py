"""Log lines: one line a record whatever is in it, with what it belongs to and nothing of other contexts."""

from __future__ import annotations

import contextvars
import json
import logging
import sys
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from configs.log_lines import JOB_ID, REQUEST_ID, WORKSPACE_ID, JsonLines, TextLines


def record(message: str, exc_info: object = None) -> logging.LogRecord:
    return logging.LogRecord("playground.x", logging.WARNING, __file__, 1, message, None, exc_info)  # type: ignore[arg-type]  # what sys.exc_info() returned


@given(st.text(), st.text(min_size=1))
def test_json_is_one_ascii_line_that_reads_back(message: str, job_id: str) -> None:
    def write() -> str:
        JOB_ID.set(job_id)
        return JsonLines().format(record(message))

    line = contextvars.Context().run(write)
    assert line.isascii()
    assert len(line.splitlines()) == 1
    read = json.loads(line)
    assert datetime.fromisoformat(read.pop("time")).utcoffset() is not None
    assert read == {"level": "warning", "logger": "playground.x", "message": message, "job_id": job_id}


def test_a_trace_stays_inside_its_line() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        line = JsonLines().format(record("failed", sys.exc_info()))
    assert len(line.splitlines()) == 1
    assert "ValueError: two\nlines" in json.loads(line)["trace"]


def test_text_names_what_a_line_belongs_to() -> None:
    def write() -> str:
        REQUEST_ID.set("r1")
        WORKSPACE_ID.set("w1")
        return TextLines().format(record("done"))

    assert contextvars.Context().run(write).endswith("WARNING playground.x: done [request_id=r1 workspace=w1]")
    bare = contextvars.Context().run(TextLines().format, record("done"))
    assert bare.endswith("playground.x: done")
