"""The examples of question sets and comparisons are valid requests whose answers stand in the guide."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.api.examples_evaluation import COMPARISONS, NEW_QUESTION_SETS, RELOCATIONS
from app.api.routers.comparisons import NewComparison
from app.api.routers.question_sets import NewQuestionSet, Relocation
from app.context.strategy import load_presets
from configs.part import JsonObject
from ingest.parsers import parser_for

GUIDE = Path(__file__).parents[3] / "docs" / "guide"


def evidence_of(value: Any) -> Iterator[JsonObject]:
    """Yield every piece of evidence in an example."""
    for question in value.get("questions", []):
        yield from question.get("evidence", [])


EVIDENCE = [
    one for example in (*NEW_QUESTION_SETS.values(), *COMPARISONS.values()) for one in evidence_of(example["value"])
]


@pytest.mark.parametrize("name", NEW_QUESTION_SETS)
def test_question_set_examples_are_valid(name: str) -> None:
    body = NewQuestionSet.model_validate(NEW_QUESTION_SETS[name]["value"])
    assert body.name.startswith("example-")
    assert any(question.evidence for question in body.questions)


@pytest.mark.parametrize("name", COMPARISONS)
def test_comparison_examples_are_valid(name: str) -> None:
    body = NewComparison.model_validate(COMPARISONS[name]["value"])
    assert len(body.strategies) >= 2
    assert {one.strategy for one in body.strategies if one.strategy} <= set(load_presets())


def test_relocation_examples_are_valid() -> None:
    bodies = [Relocation.model_validate(example["value"]) for example in RELOCATIONS.values()]
    assert {body.drop_stale for body in bodies} == {False, True}


def test_example_sets_do_not_overwrite_each_other() -> None:
    names = [example["value"]["name"] for example in (*NEW_QUESTION_SETS.values(), *RELOCATIONS.values())]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("evidence", EVIDENCE)
def test_evidence_of_an_example_stands_in_the_guide(evidence: JsonObject) -> None:
    if "external_id" in evidence:
        assert (GUIDE / evidence["external_id"]).is_file()
        return
    path = GUIDE / f"{evidence['document_id'].removeprefix('demo-')}.md"
    text = parser_for(path.name).parse(path.read_bytes()).text
    if "quote" in evidence:
        assert text.count(evidence["quote"]) == 1
    else:
        assert text[evidence["start"] : evidence["end"]] == "Searching"


def test_every_way_of_marking_an_answer_is_shown() -> None:
    ways = [set(one) - {"document_id"} for one in EVIDENCE]
    assert {"quote"} in ways
    assert {"external_id"} in ways
    assert {"start", "end"} in ways
