"""The ledger: an answer settles what is known, silence leaves both states open, and nothing else passes."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.torture.ledger import Created, DocumentFacts, Ledger

Fate = Literal["acknowledged", "carried out unseen", "never carried out"]
FATES: tuple[Fate, ...] = ("acknowledged", "carried out unseen", "never carried out")


@given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from(FATES)), max_size=12))
def test_the_true_state_of_a_document_is_always_among_the_possible_ones(steps: list[tuple[str | None, Fate]]) -> None:
    facts = DocumentFacts()
    text: str | None = None
    versions = 0
    for number, (kind, fate) in enumerate(steps):
        sent = None if kind is None else f"{kind}{number}"
        if fate != "never carried out":
            text, versions = sent, 0 if sent is None else versions + 1
        facts.wrote(sent, "acknowledged" if fate == "acknowledged" else "unanswered")
        assert text in facts.possible
        assert text is None or facts.versions_acknowledged <= versions <= facts.versions_sent
        if fate == "acknowledged":
            assert facts.possible == {text}


def test_a_text_that_was_replaced_for_certain_is_not_possible_any_more() -> None:
    facts = DocumentFacts()
    facts.wrote("first", "acknowledged")
    facts.wrote("second", "unanswered")
    assert facts.possible == {"first", "second"}
    facts.wrote("third", "acknowledged")
    assert facts.possible == {"third"}


@pytest.mark.parametrize(
    ("there", "wrong"),
    [
        (["a", "b"], 0),
        (["b", "a", "c"], 0),  # the one that was not answered
        (["a"], 1),  # lost
        (["a", "b", "b"], 1),  # doubled
        (["a", "b", "c", "d"], 1),  # one more than was sent
        ([], 2),
    ],
)
def test_things_with_ids_are_neither_lost_nor_doubled(there: list[str], wrong: int) -> None:
    assert len(Created({"a": "", "b": ""}, unanswered=1).check(there)) == wrong


def test_faults_and_operations_are_counted_and_logged() -> None:
    ledger = Ledger()
    ledger.note("upload", "one")
    ledger.note("upload", "two")
    ledger.fault("lost")
    assert ledger.operations == {"upload": 2, "fault": 1}
    assert ledger.faults == ["lost"]
    assert [line.split(maxsplit=1)[1] for line in ledger.log] == ["upload: one", "upload: two", "fault: lost"]
