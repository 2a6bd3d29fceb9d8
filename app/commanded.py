"""Whose changes those of a command are, for the audit log."""

from __future__ import annotations

from contextlib import AbstractContextManager

from indexes.database.audit import Action, acting

COMMAND_LINE = "command line"


def commanded(command: str, *, workspace_id: str | None = None, **objects: str) -> AbstractContextManager[None]:
    """Let what is changed meanwhile be recorded as the command's; `objects` are the ids that it names."""
    named = objects if workspace_id is None else {"workspace_id": workspace_id, **objects}
    return acting(Action(who=COMMAND_LINE, operation=command, workspace_id=workspace_id, objects=named))
