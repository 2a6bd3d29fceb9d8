"""A deleted workspace leaves no row: every table that belongs to workspaces is emptied of it, except the audit log."""

from __future__ import annotations

from sqlalchemy import Table, func, select

from indexes.database.engine import Base
from tests.app.api.conftest import app_of
from tests.app.api.playground import Workspace, wait_for

KEPT = {"audit"}
"""What was done stays told; a workspace that gets the id later does not see it."""


def belonging() -> list[Table]:
    """Return every table that says in a column of its own which workspace a row belongs to."""
    return [table for table in Base.metadata.sorted_tables if "workspace_id" in table.c]


def falling_with_workspaces() -> set[str]:
    """Return the names of the tables whose rows the database deletes with their workspace, at any remove."""
    names: set[str] = {"workspaces"}
    for table in Base.metadata.sorted_tables:
        cascading = (key for key in table.foreign_key_constraints if key.ondelete == "CASCADE")
        if any(key.referred_table.name in names for key in cascading):
            names.add(table.name)
    return names


def rows_of(workspace: Workspace) -> dict[str, int]:
    """Return how many rows of the workspace each table holds that has any."""
    with app_of(workspace.client).state.service.database.read() as session:
        counts = {
            table.name: session.scalar(
                select(func.count()).select_from(table).where(table.c.workspace_id == workspace.id)
            )
            for table in belonging()
        }
    return {name: count for name, count in counts.items() if count}


def test_tables_that_do_not_fall_with_workspaces_are_few_and_known() -> None:
    names = {table.name for table in belonging()} - falling_with_workspaces()
    assert names == {"job_counters", "jobs", *KEPT}


def test_purging_leaves_no_row_but_what_was_done(workspace: Workspace) -> None:
    workspace.send({"text": "some words", "external_id": "a"})
    workspace.post("/groups", {"name": "g"}, 201)
    assert workspace.request("PUT", "/users/u", json={"groups": ["g"]}).is_success
    workspace.post("/contexts", {"question": "words?", "user_id": "u"}, 201)
    before = rows_of(workspace)
    assert {"job_counters", "jobs", "contexts", "documents", "user_groups", "users", "versions"} <= set(before)
    assert workspace.request("DELETE").status_code == 204
    wait_for(lambda: set(rows_of(workspace)) <= KEPT)
    assert rows_of(workspace)["audit"] > 0
