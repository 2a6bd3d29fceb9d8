"""Reads an evaluation set in BEIR's layout, and scores runs with ir-measures."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import dataclass
from pathlib import Path

import ir_measures
import pytest

Run = dict[str, dict[str, float]]


@dataclass(frozen=True)
class BeirSet:
    """Documents by id (title, text), questions by id, and judgements: question id → document id → grade."""

    documents: dict[str, tuple[str, str]]
    questions: dict[str, str]
    judgements: dict[str, dict[str, int]]


def data_folder() -> Path:
    """Return the folder of the evaluation data, or skip the test where there is none."""
    folder = os.environ.get("PLAYGROUND_DATA", "")
    if not folder:
        pytest.skip("PLAYGROUND_DATA does not name a folder with evaluation data")
    return Path(folder).resolve()


def load_beir(folder: Path) -> BeirSet:
    """Return the set with the questions that its test split judges."""
    documents: dict[str, tuple[str, str]] = {}
    for line in (folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        documents[row["_id"]] = (row.get("title", ""), row["text"])
    judgements: dict[str, dict[str, int]] = {}
    with (folder / "qrels" / "test.tsv").open(encoding="utf-8", newline="") as stream:
        for judgement in csv.DictReader(stream, delimiter="\t"):
            judged = judgements.setdefault(judgement["query-id"], {})
            judged[judgement["corpus-id"]] = int(judgement["score"])
    questions: dict[str, str] = {}
    for line in (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["_id"] in judgements:
            questions[row["_id"]] = row["text"]
    return BeirSet(documents, questions, judgements)


def measure(beir: BeirSet, run: Run, name: str) -> float:
    """Return the mean of an ir-measures metric, such as `nDCG@10`, over every judged question."""
    measured = ir_measures.calc_aggregate([ir_measures.parse_measure(name)], beir.judgements, run)
    (value,) = measured.values()
    return float(value)
