"""What every writer of question files needs beside the questions: what their labels' documents are called and say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.evaluation.labelled_documents import documents_by_id, excerpts
from app.evaluation.questions import LONGEST_QUOTE, Evidence, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelText:
    """The external id of a label's document, and the marked text; None for a whole document."""

    external_id: str
    text: str | None

    @property
    def quote(self) -> str | None:
        """Return the marked text where it is short enough to be sent as a quote."""
        return self.text if self.text is not None and len(self.text) <= LONGEST_QUOTE else None


def label_texts(session: Session, workspace_id: str, questions: Sequence[Question]) -> dict[Evidence, LabelText]:
    """Return what belongs to each label of the questions; their documents must be there."""
    labels = {evidence for question in questions for evidence in question.evidence}
    documents = documents_by_id(session, workspace_id, (one.document_id for one in labels))
    texts = excerpts(session, {one.place for one in labels if one.place is not None})
    return {
        one: LabelText(
            external_id=documents[one.document_id].external_id,
            text=texts[one.place] if one.place is not None else None,
        )
        for one in labels
    }
