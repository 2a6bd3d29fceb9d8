"""What a request is counted against, and what its calls to embedders on other machines count as."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response

from app.accounts.quotas import Subject, charge, check_left, subject_of_key, subject_of_workspace
from app.accounts.roles import Caller
from app.api.service import Service
from ingest.metering import metered

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def subjects_of(caller: Caller, workspace_id: str | None) -> list[Subject]:
    """Return the workspace and the key whose quotas hold for a request."""
    subjects = [] if workspace_id is None else [subject_of_workspace(workspace_id)]
    return subjects if caller.key_id is None else [*subjects, subject_of_key(caller.key_id)]


def counted(service: Service, subjects: list[Subject], handle: Handler) -> Handler:
    """Return the handler, whose calls to embedders on other machines count in the day's tokens.

    QuotaExceededError comes before a call where none are left. What was sent is counted whatever becomes of the answer.
    """

    async def handle_counted(request: Request) -> Response:
        is_counted = False

        def check() -> None:
            nonlocal is_counted
            with service.database.read() as session:
                is_counted = check_left(session, subjects, "tokens_per_day")

        def count() -> None:
            with service.database.write() as session:
                charge(session, subjects, {"tokens_per_day": meter.tokens}, strictly=False)

        with metered(check) as meter:
            try:
                return await handle(request)
            finally:
                if is_counted and meter.tokens:
                    await service.run(count)

    return handle_counted
