"""An alias `bot` in a world with saved strategies, changed in one short call each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.orm import Session

from app.context.aliases.changes import Change, name_candidate, promote, put_alias, roll_back
from app.context.aliases.limits import Limits
from app.context.aliases.records import AliasChangeRow, AliasRow, list_changes, load_alias, previous_of, states_of
from app.context.aliases.serving import serve
from app.context.saved_strategies import save_strategy
from app.context.strategy import RetrievalSetup, Strategy
from configs.part import JsonObject
from tests.app.evaluation.world import NO_CONTEXT, WORKSPACE, World, lexical

BOT = "bot"
BY = Change("tester", "because")
T = TypeVar("T")


class Bots:
    """The alias `bot`; the strategies `small` (versions 1 and 2, indexed), `nothing`, and `large` without an index."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.save("small", lexical(16))
        self.save("small", lexical(16, candidates=50))
        self.save("large", lexical(64))
        self.save("nothing", NO_CONTEXT)
        world.add("oak", "The oak carries acorns.")
        world.build(lexical(16))
        self.do(lambda session: put_alias(session, WORKSPACE, BOT, "", Limits(), BY))

    def save(self, name: str, setup: RetrievalSetup) -> None:
        """Save the next version of a strategy."""
        self.do(lambda session: save_strategy(session, WORKSPACE, name, Strategy(retrieval=setup)))

    def do(self, work: Callable[[Session], T]) -> T:
        """Do something in a write unit of its own."""
        with self.world.database.write() as session:
            return work(session)

    def row(self) -> AliasRow:
        """Return the alias as it is now."""
        with self.world.database.read() as session:
            return load_alias(session, WORKSPACE, BOT)

    def candidate(self, strategy: str, version: int | None = None, percent: int = 0) -> AliasRow:
        """Name the candidate."""
        return self.do(lambda session: name_candidate(session, WORKSPACE, BOT, strategy, version, percent, BY))

    def promote(self, strategy: str, version: int | None = None, evidence: JsonObject | None = None) -> AliasChangeRow:
        """Make a version the candidate and promote it."""
        self.candidate(strategy, version)
        return self.promote_candidate(evidence)

    def promote_candidate(self, evidence: JsonObject | None = None) -> AliasChangeRow:
        """Promote the candidate there is."""

        def work(session: Session) -> AliasChangeRow:
            return promote(session, load_alias(session, WORKSPACE, BOT, to_change=True), BY, evidence or {})

        return self.do(work)

    def roll_back(self) -> AliasChangeRow:
        """Roll the alias back."""
        return self.do(lambda session: roll_back(session, WORKSPACE, BOT, BY))

    def answers(self, user_id: str | None = None) -> tuple[str, str, int]:
        """Return as what, and with which version, the alias answers a user."""
        with self.world.database.read() as session:
            served = serve(session, WORKSPACE, BOT, user_id)
            return served.role, served.saved.name, served.saved.version

    def previous(self) -> tuple[str | None, int | None] | None:
        """Return what a rollback would return to."""
        with self.world.database.read() as session:
            before = previous_of(session, load_alias(session, WORKSPACE, BOT))
            return None if before is None else (before.strategy, before.version)

    def kinds(self) -> list[str]:
        """Return the kinds of all changes, oldest first."""
        with self.world.database.read() as session:
            return [change.kind for change in reversed(list_changes(session, WORKSPACE, BOT, limit=200))]

    def states(self) -> dict[tuple[str, int], tuple[str, bool]]:
        """Return state, and whether it was ever active, by version."""
        with self.world.database.read() as session:
            states = states_of(session, load_alias(session, WORKSPACE, BOT))
            return {(one.strategy, one.version): (one.state, one.was_active) for one in states}
