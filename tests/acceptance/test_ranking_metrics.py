"""Metrics of documents against ir-measures, question by question, on BM25 over SciFact's test split."""

from __future__ import annotations

import random
from dataclasses import replace

import bm25s
import ir_measures
import numpy as np
import pytest
import Stemmer

from app.evaluation.metrics import Metric
from app.evaluation.outcome import Gold, Label, Outcome, RankedText
from app.evaluation.span_metrics import TokenMeter
from app.evaluation.version_span import VersionSpan
from configs.span import Span
from tests.acceptance.beir import BeirSet, Run, data_folder, load_beir, measure

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(120)]

DEPTH = 100
Rankings = dict[str, list[str]]

COUNTERPARTS: list[tuple[dict[str, object], str]] = [
    ({"kind": "ndcg", "k": 10, "gain": "linear"}, "nDCG@10"),
    ({"kind": "ndcg", "k": 100, "gain": "linear"}, "nDCG@100"),
    ({"kind": "ndcg", "k": 10, "gain": "exponential"}, "nDCG(gains={1:1,2:3,3:7})@10"),
    ({"kind": "mrr", "k": 10}, "RR@10"),
    ({"kind": "map", "k": 100}, "AP@100"),
    ({"kind": "map", "k": 5}, "AP@5"),
    ({"kind": "document_recall", "k": 10}, "R@10"),
    ({"kind": "document_recall", "k": 100}, "R@100"),
    ({"kind": "success", "k": 5}, "Success@5"),
]


@pytest.fixture(scope="module")
def scifact() -> BeirSet:
    return load_beir(data_folder() / "scifact")


@pytest.fixture(scope="module")
def graded(scifact: BeirSet, rankings: Rankings) -> BeirSet:
    """SciFact with invented grades of 1 to 3 for a fifth of each question's first 30 documents as well."""
    draw = random.Random(11)
    judgements = {
        question: {document: draw.randint(1, 3) for document in judged}
        | {document: draw.randint(1, 3) for document in rankings[question][:30] if draw.random() < 0.2}
        for question, judged in scifact.judgements.items()
    }
    return replace(scifact, judgements=judgements)


@pytest.fixture(scope="module")
def rankings(scifact: BeirSet) -> Rankings:
    """The documents that share a word with each question, best first, ties by id, at most 100."""
    identifiers = sorted(scifact.documents)
    texts = [" ".join(scifact.documents[identifier]) for identifier in identifiers]
    stemmer = Stemmer.Stemmer("english")
    index = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    index.index(bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False), show_progress=False)
    ranked: Rankings = {}
    for question, text in scifact.questions.items():
        tokens = bm25s.tokenize([text], stopwords="en", stemmer=stemmer, show_progress=False, return_ids=False)
        scores = index.get_scores(tokens[0])
        order = np.argsort(-scores, kind="stable")[:DEPTH]
        ranked[question] = [identifiers[row] for row in order if scores[row] > 0]
    return ranked


def as_run(rankings: Rankings) -> Run:
    """Return the rankings with falling scores, so that none tie."""
    return {
        question: {document: float(DEPTH - rank) for rank, document in enumerate(documents)}
        for question, documents in rankings.items()
    }


def by_question(beir: BeirSet, run: Run, name: str) -> dict[str, float]:
    """Return what ir-measures makes of each question."""
    scored = ir_measures.iter_calc([ir_measures.parse_measure(name)], beir.judgements, run)
    return {one.query_id: float(one.value) for one in scored}


def outcome_of(documents: list[str]) -> Outcome:
    """Return an outcome with one passage for each document, and a second one further down for every third."""
    repeated = [*documents, *documents[::3]]
    ranked = tuple(
        RankedText(document_id=document, place=VersionSpan(document, Span(0, 1)), text="a", score=-float(rank))
        for rank, document in enumerate(repeated)
    )
    return Outcome(ranked=ranked, contexts={}, is_baseline=False, is_exhausted=True)


def gold_of(beir: BeirSet, question: str) -> Gold:
    """Return the judged documents of grade 1 and above."""
    judged = beir.judgements[question].items()
    return Gold(labels=tuple(Label(document_id=name, place=None, grade=grade) for name, grade in judged if grade))


def largest_difference(beir: BeirSet, rankings: Rankings, metric: Metric, name: str) -> tuple[float, float]:
    """Return the mean of the metric and the largest difference from ir-measures over all questions."""
    expected = by_question(beir, as_run(rankings), name)
    meter = TokenMeter()
    found = {
        question: metric.score(outcome_of(documents), gold_of(beir, question), meter)
        for question, documents in rankings.items()
    }
    assert found.keys() == expected.keys()
    assert len(found) == 300
    scores = {question: score for question, score in found.items() if score is not None}
    assert len(scores) == 300
    return sum(scores.values()) / 300, max(abs(score - expected[question]) for question, score in scores.items())


@pytest.mark.parametrize(("settings", "name"), COUNTERPARTS, ids=[name for _, name in COUNTERPARTS])
def test_every_question_scores_as_ir_measures_says(
    settings: dict[str, object], name: str, scifact: BeirSet, graded: BeirSet, rankings: Rankings
) -> None:
    metric = Metric.members()[str(settings["kind"])].model_validate(settings)
    mean, difference = largest_difference(scifact, rankings, metric, name)
    graded_mean, graded_difference = largest_difference(graded, rankings, metric, name)
    print(
        f"\n{metric.name}: {mean:.5f} ({difference:.1e}); invented grades {graded_mean:.5f} ({graded_difference:.1e})"
    )
    assert difference <= 1e-6
    assert graded_difference <= 1e-6


def test_the_run_is_the_published_one(scifact: BeirSet, rankings: Rankings) -> None:
    run = as_run(rankings)
    assert measure(scifact, run, "nDCG@10") == pytest.approx(0.6791, abs=0.0005)
    assert measure(scifact, run, "R@100") == pytest.approx(0.9127, abs=0.0005)


def test_grades_tell_the_gains_apart(graded: BeirSet, rankings: Rankings) -> None:
    """Otherwise neither gain would be tried by the comparison above."""
    run = as_run(rankings)
    linear, exponential = measure(graded, run, "nDCG@10"), measure(graded, run, "nDCG(gains={1:1,2:3,3:7})@10")
    assert abs(linear - exponential) > 0.01
