"""Members, keys that nobody can use, and alerts, for the examples of the demo. They leave the service
open, and the alerts are sent to nobody.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.accounts.keys import create_key
from app.accounts.members import put_role
from app.accounts.tables import Member
from indexes.database.alerts import AlertKind, AlertRow

MEMBERS = {"demo-member": "Demo viewer", "demo-disposable": "Demo member to be removed"}
KEYS = {"demo-key": "to be looked at", "demo-disposable": "to be revoked"}

ALERTS: dict[str, tuple[AlertKind, str]] = {
    "demo-alert": ("index_damaged", "This alert is here for the examples; nothing is damaged."),
    "demo-changed": ("embedder_changed", "This alert is here for the examples; no model has changed."),
}


def plant_accounts(session: Session, workspace_id: str) -> None:
    """Where the demo has no members yet, add a viewer with keys, and a member who is there to be removed."""
    if session.get(Member, "demo-member") is not None:
        return
    for member_id, name in MEMBERS.items():
        session.add(Member(id=member_id, name=name, is_administrator=False))
        session.flush()
        put_role(session, workspace_id, member_id, "viewer")
    viewer = session.get_one(Member, "demo-member")
    for key_id, name in KEYS.items():
        made = create_key(session, viewer, name, at_most="viewer", only_workspaces=[workspace_id])
        made.kept.id = key_id
    for alert_id, (kind, detail) in ALERTS.items():
        session.add(AlertRow(id=alert_id, kind=kind, subject="demo", detail=detail, figures={}))
