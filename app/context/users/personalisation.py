"""What a workspace says to every context, its default preferences, and what it does with users it does not know."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy.orm import Session

from app.context.users.known import Preferences
from app.context.users.tables import PersonalisationRow, new_revision
from configs.text import Text
from indexes.database.engine import now

LongText = Annotated[Text, StringConstraints(max_length=20_000)]
UnknownUsers = Literal["create", "refuse"]


class Personalisation(BaseModel):
    """The personalisation of a workspace.

    Where levels differ, the request's preference holds before the user's, and that before the workspace's; groups have
    no preferences.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    workspace_instructions: LongText = Field("", description="instructions in every context of the workspace")
    notes: LongText = Field("", description="notes in every context, such as examples or what tools there are")
    preferences: Preferences = Field(
        default_factory=Preferences, description="for who says nothing else; the request and the user come first"
    )
    unknown_users: UnknownUsers = Field(
        "refuse", description="what a request for a user who does not exist does: create the user, or answer 404"
    )


def load_personalisation(session: Session, workspace_id: str) -> Personalisation:
    """Return the workspace's personalisation, the default one where none was saved."""
    row = session.get(PersonalisationRow, workspace_id)
    source = row or Personalisation()
    return Personalisation.model_validate({name: getattr(source, name) for name in Personalisation.model_fields})


def save_personalisation(
    session: Session, workspace_id: str, personalisation: Personalisation, *, at: datetime | None = None
) -> None:
    """Replace the workspace's personalisation."""
    session.merge(
        PersonalisationRow(
            workspace_id=workspace_id,
            workspace_instructions=personalisation.workspace_instructions,
            notes=personalisation.notes,
            preferences=personalisation.preferences.model_dump(mode="json", exclude_unset=True),
            unknown_users=personalisation.unknown_users,
            updated_at=at or now(),
            revision=new_revision(),
        )
    )
    session.flush()
