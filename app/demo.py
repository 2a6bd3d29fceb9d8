"""The demo workspace: this project's own guide, questions with marked answers, and strategies to compare on them.

Its objects have fixed ids, so that every example of the API names something that exists.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

import app
from app.context.aliases.serving import AnsweredAs
from app.context.contexts import Contexts
from app.context.erasure.creation import NewErasure, create_erasure
from app.context.erasure.records import ErasureRow
from app.context.retrieve import Request
from app.context.saved_contexts import ContextRow
from app.context.saved_strategies import ensure_index, save_strategy
from app.context.strategy import SearchSetup, Strategy, load_presets
from app.demo_accounts import plant_accounts
from app.demo_alias import ALIAS, plant_alias
from app.demo_people import NOTES, plant_feedback, plant_people
from app.evaluation.experiments.creation import create_experiment, draft_experiment
from app.evaluation.experiments.records import ExperimentRow
from app.evaluation.experiments.specification import Specification
from app.evaluation.question_sets import QuestionSetRow, save_question_set
from app.evaluation.questions import NewQuestion
from configs.part import JsonObject
from indexes.database.catalog import list_indexes, missing_versions
from indexes.database.engine import Database, now
from indexes.database.tables import IndexRow, Job, Workspace
from indexes.jobs import Handler, RunningJob, create_job
from ingest.builds import BUILD_INDEX
from ingest.parsers import parser_for
from ingest.pipeline import Pipeline
from ingest.uploads import Upload, accept_uploads

WORKSPACE = "demo"
DISPOSABLE = "demo-disposable"
ERASURE = "demo-erasure"
SEED_DEMO = "seed_demo"
SEED_JOB = "demo-ingest"
INDEXES = {"default": "demo-default", "heading_hybrid": "demo-heading", "model_free": "demo-model-free"}
EXPERIMENTS: dict[str, JsonObject] = {
    "demo-experiment": {
        "name": "Meaning, words, or both?",
        "question_set": "demo",
        "strategies": [{"strategy": name} for name in ("default", "dense", "lexical", "no_context", "whole_documents")],
    },
    DISPOSABLE: {
        "name": "To be deleted",
        "question_set": "disposable",
        "strategies": [{"strategy": "default"}, {"strategy": "lexical"}],
        "metrics": [{"kind": "recall_at_tokens", "budget_tokens": 1000}],
        "latency_requests": 0,
    },
}
TOPICS = {
    "deciding-what-the-model-reads": "strategy",
    "cutting-documents-into-chunks": "ingest",
    "embedding-texts": "ingest",
    "searching": "retrieval",
    "assembling-context": "context",
    "personalising-context": "context",
    "comparing-strategies": "evaluation",
    "running-the-service": "operations",
    "finding-out-why": "operations",
    "serving-the-winner": "evaluation",
}
DISPOSABLE_TEXT = "This note exists to be deleted. Deleting it takes it out of every search at once."
DISPOSABLE_STRATEGY = {"retrieval": {"chunker": {"kind": "fixed", "size_tokens": 400}, "stores": [{"kind": "bm25"}]}}


def guide_folder() -> Path:
    """Return the folder of the guide: in an installed package beside this module, in a checkout below `docs`."""
    installed = Path(app.__file__).parent / "demo_guide"
    return installed if installed.is_dir() else Path(app.__file__).parent.parent / "docs" / "guide"


def plant_demo(database: Database) -> bool:
    """Where no workspace exists, create the demo with its documents and the job that makes it ready; tell whether it
    did.
    """
    uploads = _uploads(guide_folder())
    with database.write() as session:
        if session.scalar(select(Workspace.id).limit(1)) is not None:
            return False
        for workspace_id, name in ((WORKSPACE, "Demo: the guide of this service"), (DISPOSABLE, "To be deleted")):
            workspace = Workspace(
                id=workspace_id, name=name, default_strategy="default", generation=0, created_at=now()
            )
            session.add(workspace)
            session.flush()
            for preset in load_presets().values():
                save_strategy(session, workspace_id, preset.name, preset.strategy)
        accept_uploads(session, WORKSPACE, SEED_JOB, uploads)
        plant_people(session)
        plant_accounts(session, WORKSPACE)
        _register_indexes(session)
        create_job(session, WORKSPACE, SEED_DEMO, {"documents": len(uploads)}, SEED_JOB)
        return True


def demo_progress(database: Database) -> str:
    """Return `demo: n of m` parts that are ready, or `off` where there is no demo.

    The parts are indexes, ready once they answer for every document, and experiments, ready once they have findings.
    """
    with database.read() as session:
        indexes = list_indexes(session, WORKSPACE)
        if not indexes:
            return "off"
        ready = sum(
            index.built_at is not None and not missing_versions(session, WORKSPACE, index.id) for index in indexes
        )
        finished = ExperimentRow.id.in_(EXPERIMENTS), ExperimentRow.finished_at.is_not(None)
        ready += session.scalar(select(func.count()).where(*finished)) or 0
        return f"demo: {ready} of {len(indexes) + len(EXPERIMENTS)}"


def seed_handler(pipeline: Pipeline, contexts: Contexts) -> Handler:
    """Return the handler of the job that ingests the guide, then saves questions and a context, then builds the
    rest.
    """

    def seed(job: RunningJob) -> Iterator[None]:
        yield from pipeline.ingest(job)
        with job.write() as session:
            if session.get(QuestionSetRow, (WORKSPACE, "demo")) is None:
                for name in ("demo", "disposable"):
                    save_question_set(session, WORKSPACE, name, _questions(guide_folder()))
            for index in list_indexes(session, WORKSPACE):
                job_id = f"{index.id}-build" if index.id != DISPOSABLE else DISPOSABLE
                if index.built_at is None and session.get(Job, job_id) is None:
                    create_job(session, WORKSPACE, BUILD_INDEX, {"index_id": index.id}, job_id)
            _create_experiments(session)
            plant_alias(session, WORKSPACE)
            if session.get(ErasureRow, ERASURE) is None:
                plant_feedback(session)
                erased = NewErasure(user_id="ann", memory_id="demo-erased-memory")
                create_erasure(session, WORKSPACE, erased, ERASURE, f"{ERASURE}-run")
        yield
        with job.database.read() as session:
            is_saved = session.get(ContextRow, "demo-context") is not None
        if not is_saved:
            _save_context(contexts, "demo-context", None)
            _save_context(contexts, "demo-context-ann", "ann")
            _save_context(contexts, "demo-context-bot", None, ALIAS)

    return seed


def _create_experiments(session: Session) -> None:
    for experiment_id, specification in EXPERIMENTS.items():
        if session.get(ExperimentRow, experiment_id) is None:
            draft = draft_experiment(session, WORKSPACE, Specification.model_validate(specification))
            create_experiment(session, WORKSPACE, draft, experiment_id, f"{experiment_id}-run")


def _save_context(contexts: Contexts, context_id: str, user_id: str | None, alias: str | None = None) -> None:
    strategy = load_presets()["default"].strategy.resolved()
    question = "How large should my chunks be?"
    asker = contexts.askers.of(WORKSPACE, user_id)
    request = Request(workspace_id=WORKSPACE, question=question, principal=asker.principal, limit=100)
    assembled, retrieved = contexts.make(strategy.retrieval, strategy.context, request, asker)
    contexts.save(
        assembled, retrieved, "default version 1", request, context_id=context_id, asker=asker,
        answered_as=None if alias is None else AnsweredAs(alias=alias, role="active", is_findable=True),
    )  # fmt: skip


def _uploads(folder: Path) -> list[Upload]:
    uploads = []
    for position, (stem, topic) in enumerate(TOPICS.items()):
        source = (folder / f"{stem}.md").read_bytes()
        metadata: JsonObject = {"topic": topic, "position": position + 1}
        uploads.append(
            Upload(
                document_id=f"demo-{stem}", external_id=f"{stem}.md", file_name=f"{stem}.md", source=source,
                media_type="text/markdown", tags=["guide"], metadata=metadata,
                parsed=parser_for(f"{stem}.md").parse(source),
            )
        )  # fmt: skip
    for external_id, (principal, title, text) in NOTES.items():
        uploads.append(
            Upload(
                document_id=f"demo-{external_id}", external_id=f"{external_id}.txt", file_name=f"{external_id}.txt",
                source=text.encode(), title=title, tags=["note"], metadata={"topic": "ingest", "position": 0},
                access=[principal], parsed=parser_for(f"{external_id}.txt").parse(text.encode()),
            )
        )  # fmt: skip
    source = DISPOSABLE_TEXT.encode()
    uploads.append(
        Upload(
            document_id=DISPOSABLE, external_id="disposable.txt", file_name="disposable.txt", source=source,
            title="To be deleted", tags=["note"], metadata={"topic": "none", "position": len(TOPICS) + 1},
            parsed=parser_for("disposable.txt").parse(source),
        )
    )  # fmt: skip
    return uploads


def _register_indexes(session: Session) -> None:
    presets = load_presets()
    for name, index_id in INDEXES.items():
        setup = presets[name].strategy.retrieval
        assert isinstance(setup, SearchSetup)
        ensure_index(session, WORKSPACE, setup, maintained=name == "default", index_id=index_id)
    disposable = Strategy.model_validate(DISPOSABLE_STRATEGY)
    save_strategy(session, WORKSPACE, "disposable", disposable)
    assert isinstance(disposable.retrieval, SearchSetup)
    ensure_index(session, WORKSPACE, disposable.retrieval, maintained=False, index_id=DISPOSABLE)
    for index in session.scalars(select(IndexRow).where(IndexRow.workspace_id == WORKSPACE)):
        index.built_at = None


def _questions(folder: Path) -> list[NewQuestion]:
    questions = []
    for path in sorted(folder.glob("questions-*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            value = json.loads(line)
            for evidence in value["evidence"]:
                evidence["document_id"] = f"demo-{Path(evidence.pop('document')).stem}"
            questions.append(NewQuestion.model_validate(value))
    return questions
