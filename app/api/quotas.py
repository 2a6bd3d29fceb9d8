"""What a request is counted against."""

from __future__ import annotations

from app.accounts.quotas import Subject, subject_of_key, subject_of_workspace
from app.accounts.roles import Caller


def subjects_of(caller: Caller, workspace_id: str | None) -> list[Subject]:
    """Return the workspace and the key whose quotas hold for a request."""
    subjects = [] if workspace_id is None else [subject_of_workspace(workspace_id)]
    return subjects if caller.key_id is None else [*subjects, subject_of_key(caller.key_id)]
