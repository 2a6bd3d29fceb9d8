"""Results for other programs: cells as CSV, ranked documents as TREC run files."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote

from app.evaluation.experiments.records import CellRow
from app.evaluation.experiments.specification import Contestant
from app.evaluation.gold import gold_of
from app.evaluation.questions import Question

_NO_WORD = re.compile(r"[^A-Za-z0-9_.=-]+")
_BLANK = re.compile(r"[\s%]")


def cells_as_csv(
    cells: Iterable[CellRow], contestants: Sequence[Contestant], questions: Sequence[Question], metrics: Sequence[str]
) -> Iterator[str]:
    """Yield lines: a head, then one line for each cell; an empty field is a metric that does not apply."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["strategy", "question", "failed", "request_tokens", "seconds", *metrics])
    for cell in cells:
        scores = [cell.scores.get(name) for name in metrics]
        writer.writerow(
            [
                contestants[cell.strategy_number].label,
                questions[cell.question_number].id,
                cell.error["code"] if cell.error is not None else "",
                cell.request_tokens,
                f"{cell.seconds:.6f}",
                *("" if score is None else repr(score) for score in scores),
            ]
        )
        yield stream.getvalue()
        stream.seek(0)
        stream.truncate()


def trec_files(
    cells: Iterable[CellRow],
    contestants: Sequence[Contestant],
    questions: Sequence[Question],
    external_ids: Mapping[str, str],
) -> dict[str, str]:
    """Return `qrels.txt` and one TREC run file for each strategy that ranks, by file name: lines are
    `question 0 document grade` and `question Q0 document rank score tag`.

    Documents go by external id, blanks written as %20, else by id; they stand where their best passage does. Scores
    fall strictly, so that sorting by score keeps the order.
    """
    names = {document: _BLANK.sub(lambda found: quote(found[0]), name) for document, name in external_ids.items()}
    lines: dict[int, list[str]] = {
        number: [] for number, contestant in enumerate(contestants) if not contestant.is_baseline
    }
    tags = {number: run_name(number, contestants[number].label) for number in lines}
    for cell in cells:
        if cell.strategy_number not in lines:
            continue
        documents = list(dict.fromkeys(str(hit[0]) for hit in cell.ranked))
        question = questions[cell.question_number].id
        lines[cell.strategy_number] += [
            f"{question} Q0 {names.get(document, document)} {rank} {1 / rank:.6f} {tags[cell.strategy_number]}"
            for rank, document in enumerate(documents, start=1)
        ]
    judged = [
        f"{question.id} 0 {names.get(document, document)} {grade}"
        for question in questions
        for document, grade in gold_of(question).document_grades.items()
    ]
    files = {f"{tags[number]}.trec": "\n".join(some) + "\n" for number, some in lines.items()}
    return {**files, "qrels.txt": "".join(f"{line}\n" for line in judged)}


def zipped(files: dict[str, str]) -> bytes:
    """Return the files as one zip archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def run_name(number: int, label: str) -> str:
    """Return a name of a run without spaces, unique by the strategy's number."""
    return f"{number + 1:02d}-{_NO_WORD.sub('-', label).strip('-')[:60]}"
