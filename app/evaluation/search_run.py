"""What one way of searching finds for the questions of a set, as a TREC run file beside its judgements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.context.retrieve import Request, Retriever
from app.context.strategy import BaselineSetup, SearchSetup
from app.evaluation.questions import Question
from app.evaluation.trec import JUDGEMENTS, Names, judgement_lines, run_lines, tag_of
from configs.errors import InvalidInputError


def ranking_of(setup: SearchSetup | BaselineSetup, label: str) -> SearchSetup:
    """Return the setup, or raise InvalidInputError `not_a_ranking` for a baseline."""
    if isinstance(setup, BaselineSetup):
        raise InvalidInputError(
            f"strategy {label!r} is the reference line `{setup.baseline}`, which does not rank by the question",
            hint="name a strategy that searches",
            code="not_a_ranking",
        )
    return setup


def search_run(
    retriever: Retriever, setup: SearchSetup, asked: Request, questions: Sequence[Question], names: Names, label: str
) -> dict[str, str]:
    """Return the run of `setup`, called by `label`, and the judgements of the questions, by file name.

    Each question is asked as `asked` is; its passages are collapsed to documents. Raises what the retriever raises.
    """
    tag = tag_of(label)
    lines: list[str] = []
    for question in questions:
        found = retriever.retrieve(setup, replace(asked, question=question.question))
        documents = (passage.hit.document_id for passage in found.passages)
        lines += run_lines(question.id, documents, names, tag)
    return {f"{tag}.trec": "".join(lines), JUDGEMENTS: "".join(judgement_lines(questions, names))}
