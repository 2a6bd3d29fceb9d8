"""What a receipt's sections said, read again from the rows that it names."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.context.personal.fitting import profile_lines
from app.context.receipt import Receipt
from app.context.saved_contexts import GoneError
from app.context.section_texts import SectionTexts, SpokenTurn
from app.context.users.known import Preferences
from app.context.users.tables import FactRow, MemoryRow, TurnRow


def replayed_sections(session: Session, context_id: str, receipt: Receipt) -> SectionTexts:
    """Return the texts of the receipt's sections.

    Raises GoneError (`content_deleted`) where a fact, turn or memory was deleted since.
    """
    sent = {
        name: {one.id: one.sent_characters for one in receipt.items if one.section == name and one.included}
        for name in ("profile", "history", "memories")
    }
    wishes = {line.id: line.text for line in profile_lines((), Preferences.model_validate(receipt.wishes.model_dump()))}
    facts = {
        row.id: f"{row.key}: {row.value}"
        for row in session.scalars(select(FactRow).where(FactRow.id.in_(sent["profile"]), FactRow.hidden_at.is_(None)))
    }
    turns = {
        row.id: row
        for row in session.scalars(select(TurnRow).where(TurnRow.id.in_(sent["history"]), TurnRow.hidden_at.is_(None)))
    }
    kept = MemoryRow.id.in_(sent["memories"]), MemoryRow.hidden_at.is_(None)
    memories = {row.id: row.text for row in session.scalars(select(MemoryRow).where(*kept))}
    profile = wishes | facts
    there = profile.keys() | turns.keys() | memories.keys()
    if any(name not in there for ids in sent.values() for name in ids):
        raise GoneError(
            f"context {context_id} rests on something known of its user that was deleted",
            hint="assemble it again with POST …/contexts",
            code="content_deleted",
        )
    from_end = receipt.policy.sections.history.kept_side == "tail"
    return SectionTexts(
        workspace_instructions=receipt.workspace_instructions,
        notes=receipt.notes,
        profile=tuple(profile[name] for name in sent["profile"]),
        history=tuple(
            _spoken(turns[name], characters or 0, from_end=from_end) for name, characters in sent["history"].items()
        ),
        memories=tuple(memories[name] for name in sent["memories"]),
    )


def _spoken(turn: TurnRow, characters: int, *, from_end: bool) -> SpokenTurn:
    """Return as much of the turn as was sent."""
    text = turn.text[len(turn.text) - characters :] if from_end else turn.text[:characters]
    return SpokenTurn(role="user" if turn.role == "user" else "assistant", text=text)
