"""The job that screens strategies without labels; its result is the screening, and nothing else is kept."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from app.context.strategy import SearchSetup
from app.evaluation.experiments.creation import is_stale
from app.evaluation.experiments.pins import Pins, pin_versions, pinned_view, remove_baked
from app.evaluation.experiments.plan import indexed_setups, search_setups
from app.evaluation.experiments.specification import Contestant, Entry, Label, strategies_of
from app.evaluation.finder import Contestant as Screened
from app.evaluation.gold import pinned_gold
from app.evaluation.question_sets import load_question_set
from app.evaluation.questions import Key, Question
from app.evaluation.screening.result import ScreeningSettings
from app.evaluation.screening.screen import RealQuestion, screen
from indexes.access import Principal
from indexes.jobs import Handler, RunningJob, create_job
from indexes.view import IndexView

SCREEN = "screen"


class NewScreening(BaseModel):
    """Which strategies to screen, and on whose documents."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    strategies: tuple[Entry, ...] = Field(min_length=1, max_length=50)
    question_set: Key | None = Field(
        None, description="its labelled questions calibrate, from 10 on; unlabelled ones may be proposed for labelling"
    )
    settings: ScreeningSettings = ScreeningSettings()
    principals: tuple[Label, ...] = Field((), max_length=200, description="on whose behalf strategies search")


class _Arguments(BaseModel):
    """What the job needs, fixed when it is created."""

    contestants: list[Contestant]
    questions: list[Question]
    pins: dict[str, str]
    settings: ScreeningSettings
    principals: list[str]


def create_screening(session: Session, workspace_id: str, asked: NewScreening) -> str:
    """Save the job that screens and return its id; raises what `strategies_of` and `load_question_set` raise."""
    pins = pin_versions(session, workspace_id)
    contestants = strategies_of(session, workspace_id, asked.strategies)
    questions: list[Question] = []
    if asked.question_set is not None:
        questions = load_question_set(session, workspace_id, asked.question_set).parsed()
    arguments = _Arguments(
        contestants=contestants,
        questions=[one for one in questions if not one.unanswerable and not is_stale(one, pins)],
        pins=pins,
        settings=asked.settings,
        principals=list(asked.principals),
    )
    return create_job(session, workspace_id, SCREEN, arguments.model_dump(mode="json", by_alias=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Screener:
    """The handler of screening jobs."""

    data_folder: Path

    def handlers(self) -> dict[str, Handler]:
        """Return the job kind that screens."""
        return {SCREEN: self.run}

    def run(self, job: RunningJob) -> Iterator[None]:
        """Screen; missing indexes are made for the job and removed after it."""
        arguments = _Arguments.model_validate(job.arguments)
        folders = [f"{job.id}-{number}" for number in range(len(arguments.contestants))]
        views = yield from self._views(job, arguments.contestants, arguments.pins, folders)
        with job.database.read() as session:
            gold = pinned_gold(session, arguments.questions, arguments.pins)
        screening = screen(
            job.database,
            [Screened(label=one.label, setup=one.strategy.retrieval) for one in arguments.contestants],
            lambda one: views[one.label],
            arguments.settings,
            principal=Principal.of(arguments.principals),
            questions=[
                RealQuestion(id=one.id, text=one.question, gold=marked if one.evidence else None)
                for one, marked in zip(arguments.questions, gold, strict=True)
            ],
            progress=job.progress,
        )
        remove_baked(self.data_folder, folders)
        job.result = screening.model_dump(mode="json")

    def _views(
        self, job: RunningJob, contestants: Sequence[Contestant], pins: Pins, folders: Sequence[str]
    ) -> Generator[None, None, dict[str, IndexView]]:
        """Return the view that answers each strategy that searches, by label."""
        made: list[tuple[SearchSetup, IndexView]] = []
        for number, setup in enumerate(indexed_setups(search_setups(contestants))):
            made.append((setup, (yield from pinned_view(job, self.data_folder, setup, pins, folders[number]))))
            yield
        return {
            one.label: next(view for other, view in made if one.strategy.retrieval.recipe.is_served_by(other.recipe))
            for one in contestants
            if isinstance(one.strategy.retrieval, SearchSetup)
        }
