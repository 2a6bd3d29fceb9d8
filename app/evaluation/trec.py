"""Rankings and judgements as lines of TREC files, which trec_eval and its kin read."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote

from app.evaluation.gold import gold_of
from app.evaluation.questions import Question

JUDGEMENTS = "qrels.txt"
_NO_WORD = re.compile(r"[^A-Za-z0-9_.=-]+")
_BLANK = re.compile(r"[\s%]")

Names = Mapping[str, str]
"""What documents are called in the files, by id."""


def names_of(external_ids: Mapping[str, str]) -> Names:
    """Return the external ids with blanks, which end a field of these files, written as %20 and the like."""
    return {document: _BLANK.sub(lambda found: quote(found[0]), name) for document, name in external_ids.items()}


def tag_of(label: str) -> str:
    """Return a name of a run without blanks."""
    return _NO_WORD.sub("-", label).strip("-")[:60]


def run_lines(question_id: str, document_ids: Iterable[str], names: Names, tag: str) -> Iterator[str]:
    """Yield `question Q0 document rank score tag` for each document, at the place of its best passage.

    The score is 1 / rank: it falls strictly, so that a program that sorts by score, and breaks ties in its own way,
    keeps the order of the service.
    """
    for rank, document in enumerate(dict.fromkeys(document_ids), start=1):
        yield f"{question_id} Q0 {names.get(document, document)} {rank} {1 / rank:.6f} {tag}\n"


def judgement_lines(questions: Sequence[Question], names: Names) -> Iterator[str]:
    """Yield `question 0 document grade` for each marked document; a marked span marks its document."""
    for question in questions:
        for document, grade in gold_of(question).document_grades.items():
            yield f"{question.id} 0 {names.get(document, document)} {grade}\n"


def zipped(files: Mapping[str, str]) -> bytes:
    """Return the files as one zip archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()
