"""What is known of a user, made up in memory: facts, memories, turns and feedback with foreseeable ids."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from app.context.personal.asker import Asker, RankedMemory
from app.context.personal.material import PersonalMaterial
from app.context.policy import ContextPolicy
from app.context.users.known import Fact, Feedback, KnownUser, Memory, Preferences, Signal, Turn

MOMENT = datetime(2026, 5, 4, 12, tzinfo=UTC)


def policy(kind: str = "text", **settings: Any) -> ContextPolicy:
    """Return a policy of 4,000 tokens without a reserve."""
    content = {"budget_tokens": 4_000, "answer_reserve_tokens": 0, "renderer": {"kind": kind}, **settings}
    return ContextPolicy.model_validate(content)


def fact(number: int, value: str, confidence: float = 1.0) -> Fact:
    """Return the fact `fact-<number>` under the key `key<number>`."""
    return Fact(
        id=f"fact-{number}", key=f"key{number}", value=value, source="api", confidence=confidence,
        valid_from=MOMENT, valid_to=None, recorded_at=MOMENT,
    )  # fmt: skip


def memory(number: int, text: str) -> RankedMemory:
    """Return the memory `memory-<number>`, ranked at one place after its number."""
    known = Memory(
        id=f"memory-{number}", kind="semantic", text=text, importance=5, valid_from=MOMENT, valid_to=None,
        recorded_at=MOMENT, last_used_at=MOMENT, supersedes=None,
    )  # fmt: skip
    return RankedMemory(memory=known, rank=number + 1, score=0.75, recency=1.0, importance=0.5, relevance=0.25)


def turn(number: int, text: str) -> Turn:
    """Return the turn `turn-<number>`; the user speaks first, then the assistant."""
    role: Any = "assistant" if number % 2 else "user"
    return Turn(id=f"turn-{number}", role=role, text=text, created_at=MOMENT + timedelta(seconds=number))


def feedback(document_id: str, signal: Signal = "thumb_up", number: int = 0) -> Feedback:
    """Return fresh feedback on a document."""
    return Feedback(
        id=f"feedback-{document_id}-{number}", document_id=document_id, signal=signal, rank=None, context_id=None,
        created_at=MOMENT,
    )  # fmt: skip


def asker(**known: Any) -> Asker:
    """Return Ann, of whom `known` is known, with the preferences among it as the ones that hold."""
    user = KnownUser(user_id="ann", **known)
    return Asker(
        workspace_id="w", known=user, preferences=user.preferences, workspace_instructions="Be kind.",
        notes="Tools: none.", moment=MOMENT,
    )  # fmt: skip


def material(
    facts: Sequence[str] = (), memories: Sequence[str] = (), turns: Sequence[str] = (), **more: Any
) -> PersonalMaterial:
    """Return material with one fact, memory or turn for each text."""
    return PersonalMaterial(
        facts=tuple(fact(number, text) for number, text in enumerate(facts)),
        memories=tuple(memory(number, text) for number, text in enumerate(memories)),
        turns=tuple(turn(number, text) for number, text in enumerate(turns)),
        **more,
    )


def materials(said: st.SearchStrategy[str], most: int = 5) -> st.SearchStrategy[PersonalMaterial]:
    """Draw material that says nothing but texts of `said`."""
    some = st.lists(said, max_size=most)
    wishes = st.builds(
        Preferences, language=st.sampled_from([None, "German"]), verbosity=st.sampled_from([None, "brief"])
    )
    return st.builds(material, some, some, some, preferences=wishes)
