"""Searches for the questions of a set as a TREC run file, for programs that score rankings."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Response
from pydantic import Field

from app.api.authentication import needs
from app.api.chosen import Choice, choose
from app.api.examples_evaluation import TREC_RUNS
from app.api.idempotency import PlaygroundRoute
from app.api.parameters import Name, WorkspaceId
from app.api.passages import Scope
from app.api.service import CurrentService
from app.context.retrieve import Request
from app.context.strategy import MAX_CANDIDATES
from app.evaluation.question_sets import MOST_QUESTIONS, QuestionSetRow, load_question_set
from app.evaluation.questions import Question
from app.evaluation.search_run import ranking_of, search_run
from app.evaluation.stale_labels import refuse_stale
from app.evaluation.trec import names_of, zipped
from configs.errors import InvalidInputError
from indexes.access import Principal
from indexes.database.catalog import external_ids_of
from indexes.database.engine import now

MOST_AT_ONCE = 100
MOST_PASSAGES = 20_000

router = APIRouter(
    prefix="/v1/workspaces/{workspace_id}/searches/trec-runs", tags=["searches"], route_class=PlaygroundRoute
)


class NewTrecRun(Choice, Scope):
    """Questions of a saved set, and how to search for them."""

    question_set: Name = Field(description="name of a saved question set")
    skip: int = Field(0, ge=0, le=MOST_QUESTIONS, description="leave out so many questions at the set's beginning")
    limit: int | None = Field(None, ge=1, le=MOST_AT_ONCE, description="then search for so many; default: for all")
    k: int = Field(
        100, ge=1, le=MAX_CANDIDATES, description="most passages found for each question; documents are fewer"
    )


@router.post(
    "",
    summary="Search for a question set, as a TREC run file",
    response_class=Response,
    responses={200: {"content": {"application/zip": {}}}},
)
@needs("viewer")
async def export_trec_run(
    service: CurrentService, workspace_id: WorkspaceId, body: Annotated[NewTrecRun, Body(openapi_examples=TREC_RUNS)]
) -> Response:
    """Download a zip of a run file and `qrels.txt`, which `trec_eval`, `ir_measures` and `ranx` read.

    A line of the run is `question Q0 document rank score tag`; documents go by external id and stand where their best
    passage does. All questions are asked with the request's principals and filter, whoever asks in the set. 409 where
    a label does not hold for its document any more; 422 for a strategy that does not rank. A set of more than 100
    questions is taken in parts with `skip` and `limit`; the parts' lines may be joined.
    """

    def work() -> Response:
        with service.database.read() as session:
            chosen = choose(session, workspace_id, body)
            setup = ranking_of(chosen.strategy.retrieval, chosen.label)
            row = load_question_set(session, workspace_id, body.question_set)
            questions = _questions(row, body)
            refuse_stale(session, workspace_id, row.name, questions)
            names = names_of(external_ids_of(session, workspace_id))
        asked = Request(
            workspace_id=workspace_id, question="", principal=Principal.of(body.principals), restriction=body.filter,
            limit=body.k, require_fresh=body.require_fresh, moment=now(),
        )  # fmt: skip
        files = search_run(service.retriever, setup, asked, questions, names, chosen.label)
        headers = {"Content-Disposition": f'attachment; filename="{row.name}-trec.zip"'}
        return Response(zipped(files), media_type="application/zip", headers=headers)

    return await service.run(work)


def _questions(row: QuestionSetRow, body: NewTrecRun) -> list[Question]:
    """Return the questions to search for, or raise InvalidInputError."""
    questions = row.parsed()[body.skip :]
    if not questions:
        raise InvalidInputError(
            f"question set {row.name!r} has {row.question_count} questions; `skip` {body.skip} leaves none",
            hint="lower `skip`",
            code="no_questions_left",
        )
    if body.limit is None and len(questions) > MOST_AT_ONCE:
        raise InvalidInputError(
            f"{len(questions)} questions of set {row.name!r} are left; one run takes {MOST_AT_ONCE}",
            hint="take the set in parts with `skip` and `limit`, and join the lines",
            code="too_many_questions",
        )
    questions = questions[: body.limit]
    if len(questions) * body.k > MOST_PASSAGES:
        raise InvalidInputError(
            f"{len(questions)} questions x k = {body.k} are more than {MOST_PASSAGES:,} passages",
            hint="lower `k`, or take fewer questions at once",
            code="run_too_large",
        )
    return questions
