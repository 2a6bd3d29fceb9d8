"""Results for other programs: cells as CSV, ranked documents as TREC run files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence

from app.evaluation.experiments.records import CellRow
from app.evaluation.experiments.specification import Contestant
from app.evaluation.questions import Question
from app.evaluation.trec import JUDGEMENTS, judgement_lines, names_of, run_lines, tag_of, zipped


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


def trec_archive(
    cells: Iterable[CellRow],
    contestants: Sequence[Contestant],
    questions: Sequence[Question],
    external_ids: Mapping[str, str],
) -> bytes:
    """Return a zip of `qrels.txt` and one TREC run file for each strategy that ranks.

    Documents go by external id, else by id; they stand where their best passage does.
    """
    names = names_of(external_ids)
    lines: dict[int, list[str]] = {
        number: [] for number, contestant in enumerate(contestants) if not contestant.is_baseline
    }
    tags = {number: f"{number + 1:02d}-{tag_of(contestants[number].label)}" for number in lines}
    for cell in cells:
        if cell.strategy_number in lines:
            documents = (str(hit[0]) for hit in cell.ranked)
            question, tag = questions[cell.question_number].id, tags[cell.strategy_number]
            lines[cell.strategy_number] += run_lines(question, documents, names, tag)
    runs = {f"{tags[number]}.trec": "".join(some) for number, some in lines.items()}
    return zipped({**runs, JUDGEMENTS: "".join(judgement_lines(questions, names))})
