"""Trials: a change admits the text with the receipt's nonce and with a costly one, within a number and a time."""

from __future__ import annotations

import hashlib
import math

from hypothesis import given
from hypothesis import strategies as st

from app.context.explanations.asked import Setup
from app.context.explanations.changes import Change, Changes
from app.context.explanations.places import Place
from app.context.explanations.trials import SAMPLED_NONCES, Trials, admits, costly_nonce
from app.context.policy import ContextPolicy
from app.context.tokens import TokenCounter
from configs.errors import PlaygroundError
from configs.span import Span
from tests.app.context.explanations.scripted import PLACE, WANTED, WITH, WITHOUT, WORDS, Rule, Scripted

POLICY = ContextPolicy()
CHANGES = Changes(WORDS, POLICY)
DOUBLED = CHANGES.budget(2 * POLICY.budget_tokens)


def trials(rerun: Scripted, *, most: int = 1_000, seconds: float = 60.0) -> Trials:
    """Return trials of the place that is looked for."""
    return Trials(rerun, PLACE, POLICY.model, most=most, seconds=seconds)


def from_budget(tokens: int) -> Rule:
    """Return the rule by which the place is in every context of so many tokens or more."""
    return lambda _, policy: policy.budget_tokens >= tokens


def is_gone(_setup: Setup, _policy: ContextPolicy) -> bool:
    """Fail as a search does whose index was removed meanwhile."""
    raise PlaygroundError("the index is gone", hint="build it again")


def test_a_change_that_admits_the_text_comes_with_its_context() -> None:
    rerun = Scripted(from_budget(6_000))
    outcome = trials(rerun).attempt(DOUBLED)
    assert outcome is not None
    assert (outcome.change, outcome.assembled) == (DOUBLED, WITH)
    assert rerun.asked_for == ["", costly_nonce(POLICY.model)]


def test_a_change_that_does_not_is_assembled_once() -> None:
    rerun = Scripted(from_budget(6_001))
    tried = trials(rerun)
    assert tried.attempt(DOUBLED) is None
    assert (tried.count, tried.is_over, rerun.asked_for) == (1, False, [""])


def test_what_only_a_cheap_nonce_admits_is_no_outcome() -> None:
    rerun = Scripted(lambda *_: True, costly=lambda *_: False)
    assert trials(rerun).attempt(DOUBLED) is None
    assert len(rerun.asked_for) == 2


def test_a_search_that_fails_admits_nothing_and_ends_nothing() -> None:
    tried = trials(Scripted(is_gone))
    assert tried.attempt(DOUBLED) is None
    assert (tried.count, tried.is_over) == (1, False)


def test_after_the_last_trial_every_one_fails() -> None:
    rerun = Scripted(lambda *_: True)
    tried = trials(rerun, most=2)
    assert [tried.attempt(DOUBLED) is not None for _ in range(4)] == [True, True, False, False]
    assert (tried.count, tried.is_over, len(rerun.asked_for)) == (2, True, 4)


def test_after_the_time_every_trial_fails() -> None:
    rerun = Scripted(lambda *_: True)
    tried = trials(rerun, seconds=-1.0)
    assert tried.attempt(DOUBLED) is None
    assert (tried.count, tried.is_over, rerun.asked_for) == (0, True, [])


@given(failed=st.integers(2_000, 9_000), above=st.integers(1, 5_000), data=st.data())
def test_halving_finds_the_smallest_value_in_as_few_trials_as_it_takes(
    failed: int, above: int, data: st.DataObject
) -> None:
    threshold = data.draw(st.integers(failed + 1, failed + above))
    tried = trials(Scripted(from_budget(threshold)))
    first = tried.attempt(CHANGES.budget(failed + above))
    assert first is not None
    found = tried.smallest(failed, first, failed + above, CHANGES.budget)
    assert found.change.after == threshold
    assert tried.count - 1 <= math.ceil(math.log2(above))


@given(failed=st.integers(3, 60), below=st.integers(1, 50), data=st.data())
def test_halving_goes_downwards_as_well(failed: int, below: int, data: st.DataObject) -> None:
    lowest = max(1, failed - below)
    threshold = data.draw(st.integers(lowest, failed - 1))

    def candidates(count: int) -> Change:
        return CHANGES.candidates(WORDS, count)

    tried = trials(Scripted(lambda setup, _: getattr(setup, "candidates", 0) <= threshold))
    first = tried.attempt(candidates(lowest))
    assert first is not None
    assert tried.smallest(failed, first, lowest, candidates).change.after == threshold


@given(most=st.integers(1, 6))
def test_halving_that_runs_out_of_trials_returns_what_was_admitted(most: int) -> None:
    tried = trials(Scripted(from_budget(3_001)), most=most)
    first = tried.attempt(CHANGES.budget(100_000))
    assert first is not None
    found = tried.smallest(3_000, first, 100_000, CHANGES.budget)
    assert found.change.after >= 3_001
    assert found.assembled is WITH
    assert (tried.count, tried.is_over) == (most, True)


def test_a_span_is_admitted_where_all_of_it_is_sent_and_a_document_where_any_is() -> None:
    assert admits(WITH, PLACE)
    assert not admits(WITHOUT, PLACE)
    longer = Place(
        document=WANTED, version_id="a-1", span=Span(0, 40), text="What is looked for stands here." + " x" * 5
    )
    assert not admits(WITH, longer)
    assert admits(WITH, Place(document=WANTED, version_id="a-0"))
    assert not admits(WITHOUT, Place(document=WANTED, version_id="a-1"))
    other = Place(document=WANTED, version_id="a-0", span=PLACE.span, text=PLACE.text)
    assert not admits(WITH, other)


def test_no_sampled_nonce_costs_more_than_the_costly_one() -> None:
    count = TokenCounter(POLICY.model).count
    costly = costly_nonce(POLICY.model)
    sampled = [hashlib.sha256(str(number).encode()).hexdigest()[: len(costly)] for number in range(SAMPLED_NONCES)]
    assert costly in sampled
    assert count(costly) == max(map(count, sampled)) > min(map(count, sampled))
