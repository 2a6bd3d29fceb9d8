"""Questions as somebody asks them: with what was known of the user before, and with the user's rights."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from app.context.personal.asker import Asker
from app.context.personal.askers import Askers
from app.context.users.registration import UnknownUserError
from app.evaluation.experiments.records import ExperimentRow
from app.evaluation.outcome import Gold
from app.evaluation.questions import Question
from indexes.access import Principal

ASKERS_KEPT = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A question, as whom it is asked, and with whose rights: the real user's, also with another one's profile.

    Feedback on `gold_documents`, which hold what the question asks for, says nothing here.
    """

    text: str
    asker: Asker
    rights: Principal
    gold_documents: frozenset[str] = frozenset()


class AskedQuestions:
    """Makes asks for an experiment; nobody is asked in the name of who opted out, was deleted or erased meanwhile."""

    def __init__(self, askers: Askers, experiment: ExperimentRow) -> None:
        specification = experiment.parsed_specification()
        self._askers = askers
        self._workspace_id = experiment.workspace_id
        self._principal = Principal.of(specification.principals)
        self._created_at = experiment.created_at
        self._documents = {version_id: document_id for document_id, version_id in experiment.pins.items()}
        self._groups = experiment.users or {}
        self._known = lru_cache(maxsize=ASKERS_KEPT)(self._load)

    def own(self, question: Question, gold: Gold) -> Ask:
        """Return the question as its user asked it; as nobody where it names none."""
        return self._ask(question, gold, question.user_id)

    def anonymous(self, question: Question, gold: Gold) -> Ask:
        """Return the question as nobody in particular asks it, with the rights of its user."""
        return self._ask(question, gold, None)

    def borrowed(self, question: Question, gold: Gold, donor: str) -> Ask:
        """Return the question with another user's profile, memories, preferences, history and feedback.

        Others' feedback is then whatever counts as such for the donor, the real user's included.
        """
        return self._ask(question, gold, donor)

    def _ask(self, question: Question, gold: Gold, profile: str | None) -> Ask:
        moment = question.asked_at or self._created_at
        real = self._known(question.user_id, moment)
        hidden = self._holders(gold)
        return Ask(
            text=question.question,
            asker=without_feedback_on(hidden, self._known(profile, moment)),
            rights=Principal.of(self._principal.names | real.principal.names),
            gold_documents=hidden,
        )

    def _holders(self, gold: Gold) -> frozenset[str]:
        """Return the documents that hold a marked answer, copies of its text included."""
        copies = {place.version_id for label in gold.labels for place in label.copies}
        named = {label.document_id for label in gold.labels}
        return frozenset(named | {self._documents[one] for one in copies if one in self._documents})

    def _load(self, user_id: str | None, moment: datetime) -> Asker:
        """Return the asker with the groups that the experiment began with: rights do not change while it runs."""
        try:
            asker = self._askers.of(self._workspace_id, user_id, as_of=moment)
        except UnknownUserError:
            return self._askers.of(self._workspace_id, None, as_of=moment)
        if user_id not in self._groups or asker.known.is_anonymous:
            return asker
        return replace(asker, known=replace(asker.known, groups=tuple(self._groups[user_id])))


def without_feedback_on(documents: Collection[str], asker: Asker) -> Asker:
    """Return the asker as if they had never said anything about the documents."""
    left = tuple(one for one in asker.known.feedback if one.document_id not in documents)
    if len(left) == len(asker.known.feedback):
        return asker
    return replace(asker, known=replace(asker.known, feedback=left))
