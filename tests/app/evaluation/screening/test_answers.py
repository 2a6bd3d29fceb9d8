"""What is sent is the ranked text down to the budget, and recall counts identical text."""

from __future__ import annotations

import pytest

from app.evaluation.outcome import Gold, Label
from app.evaluation.screening.answers import Answers, Arm, recall
from app.evaluation.screening.pseudo_questions import LeftOut
from configs.span import Span
from tests.app.evaluation.screening.library import ANYBODY, hybrid, topic_texts, view_of
from tests.app.evaluation.spans import place
from tests.app.evaluation.world import World, lexical


def arms_of(world: World) -> list[Arm]:
    """Return arms of sentences, of longer overlapping chunks and of whole documents."""
    setups = [
        hybrid(),
        hybrid(40, chunker={"kind": "fixed", "size_tokens": 40, "overlap_tokens": 10}),
        lexical(chunker={"kind": "whole_document"}),
    ]
    return [Arm(label=f"s{n}", setup=setup, view=view_of(world, setup)) for n, setup in enumerate(setups)]


def test_every_arm_sends_its_budget_and_the_passage_asked_for(topics: World) -> None:
    text = topic_texts()["doc-07"]
    sentence = text.split(". ")[3] + "."
    start = text.index(sentence)
    gold = place(start, start + len(sentence), topics.version_of("doc-07"))
    for sent in Answers(topics.database, arms_of(topics), ANYBODY, 128).sent(sentence):
        assert sent is not None
        assert recall(Gold(labels=(Label(document_id="doc-07", place=gold),)), sent) == 1
    small = Answers(topics.database, arms_of(topics)[:1], ANYBODY, 24).sent(sentence)[0]
    assert small is not None
    assert [one.overlap(gold) for one in small] == [len(sentence), 0]
    assert 0 < len(small[1]) < len(sentence)


def test_what_is_left_out_is_no_longer_what_is_found(topics: World) -> None:
    text = topic_texts()["doc-07"]
    sentence = text.split(". ")[3] + "."
    span = Span(text.index(sentence), text.index(sentence) + len(sentence))
    version = topics.version_of("doc-07")
    left_out = LeftOut(version_id=version, document_id="doc-07", spans=(span,))
    sent = Answers(topics.database, arms_of(topics), ANYBODY, 64).sent(sentence, left_out)
    assert sent[2] is None
    assert sent[0] is not None
    assert sent[1] is not None
    assert all(one.overlap(place(span.start, span.end, version)) == 0 for one in sent[0])
    assert any(one.version_id == version for one in sent[0])


@pytest.mark.parametrize(("sent", "expected"), [([], 0.0), ([place(0, 5)], 0.5), ([place(0, 5), place(25, 30)], 1.0)])
def test_recall_counts_copies_of_the_marked_text(sent: list[object], expected: float) -> None:
    label = Label(document_id="d", place=place(0, 10), copies=(place(20, 30),))
    assert recall(Gold(labels=(label,)), sent) == expected  # type: ignore[arg-type]  # spans
