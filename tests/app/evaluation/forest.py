"""Two documents, two indexes, and what a comparison of them is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.context.strategy import BaselineSetup, SearchSetup
from app.evaluation.comparison import Comparison, compare
from app.evaluation.finder import Contestant, Plan
from app.evaluation.questions import Question
from indexes.access import Principal
from tests.app.evaluation.world import WORKSPACE, World, asked, lexical, quoted

BEARS = "The bear sleeps . " * 12 + "Bears eat honey and berries in autumn . " + "The bear wakes . " * 12
WOLVES = "A wolf howls . " * 20 + "Wolves hunt at night . " + "The moon shines . " * 5
HONEY = "Bears eat honey and berries in autumn"
HUNT = "Wolves hunt at night"


def forest_in(folder: Path) -> World:
    """Return a world with both documents, indexed in chunks of 16 and of 48 tokens."""
    world = World(folder)
    world.add_all({"bears": BEARS, "wolves": WOLVES})
    world.build(lexical(16))
    world.build(lexical(48))
    return world


def run(world: World, questions: list[Question], *setups: SearchSetup | BaselineSetup, **settings: Any) -> Comparison:
    """Compare setups that are labelled s0, s1, …, at 60 tokens where nothing else is said."""
    contestants = [Contestant(label=f"s{number}", setup=setup) for number, setup in enumerate(setups)]
    values: dict[str, Any] = {"principal": Principal(), "budget_tokens": 60, **settings}
    plan = Plan(workspace_id=WORKSPACE, questions=questions, contestants=contestants, **values)
    return compare(world.retriever, world.database, plan)


def both(world: World) -> list[Question]:
    """Return one question with marked answers and one without."""
    marked = asked("Do bears eat honey?", quoted("bears", HONEY), id="honey", tags=["food"])
    return world.locate(marked, asked("Does the wolf see the moon?", id="moon"))
