"""Diffs of what askers get: each cause planted by itself, and every count that of sets of characters."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest

from app.context.contexts import Contexts
from app.context.explanations.diff import AskerView, Cause, ContextDiff, NamedAsker, StretchView, diff_contexts
from app.context.personal.asker import Asker, nobody
from app.context.policy import ContextPolicy
from app.context.retrieve import Request
from app.context.users.known import KnownUser, Preferences, Turn
from indexes.access import Principal
from indexes.database.engine import now
from tests.app.context.library import prose
from tests.app.evaluation.world import WORKSPACE, World, lexical

QUESTION = "Which bark is white?"
NOBODY = NamedAsker(name="nobody", principal=Principal.of([]), asker=nobody(WORKSPACE))
SETUP = lexical(64)


def user(name: str, banned: Collection[str] = (), groups: tuple[str, ...] = (), turns: int = 0) -> NamedAsker:
    """Return a user who bans sources, with so many turns of a conversation."""
    preferences = Preferences(banned_sources=tuple(banned))
    said = tuple(Turn(id=f"t{n}", role="user", text=f"Turn {n} of us.", created_at=now()) for n in range(turns))
    known = KnownUser(user_id=name, groups=groups, preferences=preferences, turns=said)
    asker = Asker(workspace_id=WORKSPACE, known=known, preferences=preferences)
    return NamedAsker(name=name, principal=asker.principal, asker=asker)


ANN = user("ann")


class Shelf:
    """A world in which one question is asked for several askers."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.contexts = Contexts(world.database, world.retriever)

    def diff(self, *askers: NamedAsker, candidates: int = 20, **policy: object) -> ContextDiff:
        """Return the diff of the question for the askers."""
        setup = self.world.build(SETUP).model_copy(update={"candidates": candidates})
        request = Request(workspace_id=WORKSPACE, question=QUESTION, principal=Principal.of([]))
        return diff_contexts(
            self.world.database, self.contexts, self.world.retriever, setup, ContextPolicy.model_validate(policy),
            request, askers,
        )  # fmt: skip


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    world = World(tmp_path)
    yield Shelf(world)
    world.close()


def characters(spans: Collection[StretchView]) -> set[tuple[str, int]]:
    """Return the characters of the spans."""
    return {(one.version_id, place) for one in spans for place in range(one.start, one.end)}


def sent(view: AskerView) -> set[tuple[str, int]]:
    """Return the characters that an asker got."""
    return {(one.version_id, place) for one in view.sources for place in range(one.start, one.end)}


def causes(view: AskerView) -> dict[str, Cause]:
    """Return why an asker lacks what, by document."""
    return {one.document_id: one.cause for one in view.lacking}


def test_what_may_not_be_read_is_lacking_for_access(shelf: Shelf) -> None:
    shelf.world.add("birch", "The birch has white bark.")
    shelf.world.add("secret", "The secret tree has white bark as well.", access=["user:ann"])
    found = shelf.diff(ANN, user("ben"))
    ann, ben = found.askers
    assert causes(ben) == {"secret": "access"}
    assert causes(ann) == {}
    assert (ann.hidden_documents, ben.hidden_documents) == (0, 1)
    assert ben.lacking[0].got_by == ("ann",)
    assert ben.lacking[0].sentence == "ben may not read the document."
    assert {one.document_id for one in ann.unique} == {"secret"}
    assert ben.sentence.endswith(
        "Of what others got, 1 stretch is missing: 1 for access. 1 document is hidden that others here may read."
    )
    assert not found.are_equal


def test_what_a_user_banned_is_lacking_for_a_preference(shelf: Shelf) -> None:
    shelf.world.add_all({"birch": "The birch has white bark.", "yew": "The yew has red bark."})
    ben, nobodys = shelf.diff(user("ben", banned=["birch"]), NOBODY).askers
    assert causes(ben) == {"birch": "preference"}
    assert ben.lacking[0].sentence == "ben wants nothing from this source or tag."
    assert causes(nobodys) == {}
    assert (ben.hidden_documents, nobodys.hidden_documents) == (0, 0)


def test_what_others_documents_push_from_the_candidates_is_lacking_for_its_rank(shelf: Shelf) -> None:
    shelf.world.add("birch", "The birch has a bark which is rather white in most of the years of its long life.")
    shelf.world.add("secret", "Which bark is white?", access=["user:ann"])
    ann, ben = shelf.diff(ANN, user("ben"), candidates=1).askers
    assert causes(ann) == {"birch": "rank"}
    assert causes(ben) == {"secret": "access"}
    assert ann.lacking[0].sentence == "For ann it is not among the 1 candidates."


def test_what_a_better_candidate_says_as_well_is_lacking_as_a_duplicate(shelf: Shelf) -> None:
    text = "The birch has white bark. Its sap tastes sweet in spring."
    shelf.world.add("a-copy", text, access=["user:ann"])  # of what scores alike the lower id comes first
    shelf.world.add("birch", text)
    ann, ben = shelf.diff(ANN, user("ben")).askers
    assert causes(ann) == {"birch": "duplicate"}
    assert ann.lacking[0].sentence == "For ann candidate 1 says the same (exact_duplicate)."
    assert causes(ben) == {"a-copy": "access"}


def test_what_no_longer_fits_is_lacking_for_the_budget(shelf: Shelf) -> None:
    shelf.world.add("secret", "Which bark is white? " + prose(20), access=["user:ann"])
    shelf.world.add("birch", "Bark of a birch is white. " + prose(20, seed=1))
    alone = shelf.diff(NOBODY, user("ben")).askers[0]
    roomy = {"budget_tokens": alone.tokens + 20, "answer_reserve_tokens": 0}
    ann, ben = shelf.diff(ANN, user("ben"), **roomy).askers
    assert causes(ann) == {"birch": "budget"}
    assert causes(ben) == {"secret": "access"}
    assert ann.lacking[0].sentence.startswith("For ann it is candidate 2; it needs ")


def test_everybody_alike_gets_the_same_and_lacks_nothing(shelf: Shelf) -> None:
    shelf.world.add("birch", "The birch has white bark.")
    found = shelf.diff(NOBODY, user("ben"), user("cleo"))
    assert found.are_equal
    assert found.shared_characters == len("The birch has white bark.")
    for view in found.askers:
        assert (view.unique, view.unique_characters, view.lacking) == ((), 0, ())
        assert view.sentence.endswith("Nothing that others got is missing.")
        assert characters(found.shared) == sent(view)


def test_tokens_are_told_by_section(shelf: Shelf) -> None:
    shelf.world.add("birch", "The birch has white bark.")
    talkative, silent = shelf.diff(user("ben", turns=3), NOBODY).askers
    assert talkative.history_tokens > silent.history_tokens == 0
    assert talkative.document_tokens == silent.document_tokens > 0
    assert talkative.tokens > silent.tokens


Makes = Callable[[], tuple[NamedAsker, ...]]


@pytest.mark.parametrize(
    "makes",
    [
        lambda: (ANN, NOBODY),
        lambda: (ANN, user("ben", groups=("staff",)), NOBODY),
        lambda: (user("ben", banned=["doc1", "doc4"], groups=("staff",)), user("cleo", banned=["doc2"]), ANN, NOBODY),
    ],
)
def test_counts_are_those_of_sets_of_characters(shelf: Shelf, makes: Makes) -> None:
    for third, access in enumerate((None, ["user:ann"], ["group:staff"])):
        numbers = range(third, 8, 3)
        texts = {f"doc{number}": f"White bark number {number}. " + prose(60, seed=number) for number in numbers}
        shelf.world.add_all(texts, access=access)
    found = shelf.diff(*makes(), candidates=9, budget_tokens=900, answer_reserve_tokens=0)
    got = [sent(view) for view in found.askers]
    assert characters(found.shared) == set.intersection(*got)
    assert found.shared_characters == len(set.intersection(*got))
    for number, view in enumerate(found.askers):
        others = set[tuple[str, int]]().union(*(some for place, some in enumerate(got) if place != number))
        assert characters(view.unique) == got[number] - others
        assert view.unique_characters == len(got[number] - others)
        lacked = {(one.version_id, place) for one in view.lacking for place in range(one.start, one.end)}
        assert lacked <= others - got[number]
        for one in view.lacking:
            stretch = {(one.version_id, place) for place in range(one.start, one.end)}
            holders = {other.name for other, some in zip(found.askers, got, strict=True) if some & stretch}
            assert set(one.got_by) == holders
    assert found.are_equal == (len({frozenset(some) for some in got}) == 1)
