"""Whether the candidate's embedder still computes the vectors that its index holds."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.context.aliases.serving_index import index_of
from app.evaluation.promotion.condition import Condition, condition
from app.evaluation.promotion.material import Material
from indexes.database.alerts import AlertRow
from ingest.serving import outdated_segments, target_of


def embedder(session: Session, material: Material) -> Iterator[Condition]:
    """Yield whether no alert says that the model changed, and no segment holds vectors of before it was accepted."""
    index = index_of(session, material.alias.workspace_id, material.candidate)
    target = None if index is None else target_of(index)
    if target is None or target.recipe.embedder is None:
        return
    fingerprint = target.recipe.embedder.fingerprint
    about = AlertRow.kind == "embedder_changed", AlertRow.subject == fingerprint, AlertRow.acknowledged_at.is_(None)
    alerts = list(session.scalars(select(AlertRow.id).where(*about)))
    outdated = len(outdated_segments(session, target))
    if alerts:
        detail = f"its model has changed: bring it back, or accept it with POST /v1/alerts/{alerts[0]}/accept"
    else:
        detail = f"{outdated} segments of index {target.index_id} hold vectors of before the model was accepted"
    is_met = not alerts and not outdated
    yield condition("embedder", is_met, detail, measured=len(alerts) + outdated, limit=0, items=alerts)
