"""The alias of the demo: it answers with the default strategy, and a candidate waits beside it."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.context.aliases.changes import Change, name_candidate, put_alias
from app.context.aliases.limits import Limits
from app.context.aliases.records import AliasRow
from app.evaluation.promotion.check import promote_with_evidence

ALIAS = "demo-bot"
DISPOSABLE = "demo-disposable"
BY = Change("demo", "to begin with")


def plant_alias(session: Session, workspace_id: str) -> None:
    """Where the demo has no alias yet, make it, and one that is there to be deleted; the default's index is built."""
    if session.get(AliasRow, (workspace_id, ALIAS)) is not None:
        return
    put_alias(session, workspace_id, ALIAS, "what the demo's help desk calls", Limits(), BY)
    name_candidate(session, workspace_id, ALIAS, "default", None, 0, BY)
    promote_with_evidence(session, workspace_id, ALIAS, None, BY, "the demo has no experiment yet")
    name_candidate(session, workspace_id, ALIAS, "dense", None, 0, BY)
    put_alias(session, workspace_id, DISPOSABLE, "to be deleted", Limits(), BY)
