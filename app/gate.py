"""The command `gate`: may an alias's candidate be promoted on an experiment? For the pipelines of other projects."""

from __future__ import annotations

from collections.abc import Iterator

from app.context.aliases.records import load_alias
from app.evaluation.promotion.check import PromotionCheck, check_promotion
from app.evaluation.promotion.material import gather_material
from indexes.database.catalog import load_workspace
from indexes.database.engine import Database

PASSED, FAILED, ERROR = 0, 1, 2
"""What the command returns; an error is an unknown name, an alias without a candidate, or nobody who answers."""


def check_gate(database: Database, workspace_id: str, alias: str, experiment_id: str) -> PromotionCheck:
    """Return the check of the promotion; it changes nothing. Raises NotFoundError, ConflictError (`no_candidate`)."""
    with database.read() as session:
        load_workspace(session, workspace_id)
        row = load_alias(session, workspace_id, alias)
        return check_promotion(session, gather_material(session, row, experiment_id))


def gate_lines(checked: PromotionCheck) -> Iterator[str]:
    """Yield the verdict as people read it, a line for each condition."""
    against = f" instead of {checked.active}" if checked.active is not None else ""
    yield on_one_line(f"{checked.alias}: {checked.candidate}{against}, on experiment {checked.experiment_id}")
    for one in checked.conditions:
        yield on_one_line(f"  {'pass' if one.is_met else 'FAIL'}  {one.name}: {one.detail}")
    yield "PASS: it may be promoted" if checked.is_met else f"FAIL: {len(checked.unmet)} conditions are not met"


def on_one_line(text: str) -> str:
    """Return the text with a blank for each character that a terminal or a pipeline's log could take as a command."""
    return "".join(character if character.isprintable() else " " for character in text)
