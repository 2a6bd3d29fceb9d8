"""Experiments from creation to findings: what is shared is made once, and nothing that happens meanwhile matters."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import func, select

from app.evaluation.comparison import compare
from app.evaluation.experiments import run
from app.evaluation.experiments.cells import CellMaker
from app.evaluation.experiments.records import CellRow, ExperimentRow
from app.evaluation.finder import Contestant, Plan
from app.evaluation.metrics.context_recall import ContextRecall
from configs.errors import UnavailableError
from indexes.access import Principal
from indexes.database.tables import Vector
from ingest.embedders.hashing import Hashing
from tests.app.evaluation.experiments.laboratory import (
    EVERYTHING,
    NOTHING,
    QUESTIONS,
    TREES,
    Laboratory,
    both,
    words,
)
from tests.app.evaluation.world import WORKSPACE

RECALL = {"kind": "recall_at_tokens", "budget_tokens": 16}


def test_every_cell_is_there_and_baselines_stay_outside(laboratory: Laboratory) -> None:
    experiment_id = laboratory.create(words(16), words(64), NOTHING, EVERYTHING)
    findings = laboratory.finish(experiment_id)
    cells = laboratory.cells(experiment_id)
    assert len(cells) == 4 * len(QUESTIONS)
    assert all(cell.error is None for cell in cells)
    assert findings.analysis is not None
    assert [score.label for score in findings.analysis.strategies] == ["words 16", "words 64"]
    assert findings.questions.model_dump() == {
        "asked": 7, "decided": 6, "unanswerable": 1, "not_sampled": 0, "not_applicable": 0, "stale": 0,
    }  # fmt: skip
    by_label = {one.label: one for one in findings.strategies}
    assert by_label["everything"].evidence["sent"] == 6
    assert by_label["nothing"].evidence["not_found"] == 6
    assert by_label["nothing"].means["mrr@10"] is None
    assert by_label["nothing"].means["recall_at_tokens@1000"] == 0
    assert by_label["words 16"].chunks == sum(cell.strategy_number == 0 for cell in cells) + len(TREES) - 2


def test_cells_keep_what_a_cap_dropped(laboratory: Laboratory) -> None:
    capped = {**words(16, max_per_source={"hits": 1}), "label": "capped"}
    experiment_id = laboratory.create(words(16), capped)
    findings = laboratory.finish(experiment_id)
    free, bound = (one.evidence for one in findings.strategies)
    assert free["capped_by_source"] == 0
    assert sum(free.values()) == sum(bound.values()) == 6
    cells = laboratory.cells(experiment_id)
    assert {cell.strategy_number for cell in cells if "capped" in cell.sent["request"]} == {1}
    for cell in cells:
        dropped = [tuple(hit[:4]) for hit in cell.sent["request"].get("capped", [])]
        assert not {tuple(hit[:4]) for hit in cell.ranked} & set(dropped)
        assert {hit[0] for hit in dropped} <= {hit[0] for hit in cell.ranked}, "the best hit of each document stayed"


def test_the_score_is_that_of_a_comparison_at_the_same_budget(laboratory: Laboratory) -> None:
    findings = laboratory.run(words(16), words(64), metrics=[RECALL])
    specification = laboratory.specification(words(16), words(64))
    setups = [laboratory.world.build(entry.setup) for entry in specification.strategies]  # type: ignore[arg-type]  # both search
    questions = laboratory.world.locate(*QUESTIONS)
    compared = compare(
        laboratory.world.retriever,
        laboratory.world.database,
        Plan(
            workspace_id=WORKSPACE, questions=[one for one in questions if one.evidence], principal=Principal.of([]),
            contestants=[Contestant(label=str(n), setup=setup) for n, setup in enumerate(setups)], budget_tokens=16,
        ),
    )  # fmt: skip
    expected = [one.span_recall for one in compared.strategies]
    assert [one.means["recall_at_tokens@16"] for one in findings.strategies] == pytest.approx(expected)
    assert len(set(expected)) == 2


def test_shared_stages_are_made_once(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: Counter[tuple[int, str]] = Counter()
    encode = Hashing.encode

    def counted(self: Hashing, texts: Any) -> Any:
        encoded.update((self.dimensions, text) for text in texts)
        return encode(self, texts)

    monkeypatch.setattr(Hashing, "encode", counted)
    entries = [
        both(size, dimensions, weight)
        for size in (16, 32, 64)
        for dimensions in (64, 128)
        for weight in (0.2, 0.4, 0.6, 0.8)
    ]
    experiment_id = laboratory.create(*entries, metrics=[RECALL])
    plan = laboratory.experiment(experiment_id).plan
    assert (plan["strategies"], plan["chunkings"], plan["encodings"], plan["indexes"]) == (24, 3, 6, 6)
    laboratory.finish(experiment_id)
    assert set(encoded.values()) == {1}
    with laboratory.world.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Vector)) == len(encoded)


def test_what_was_finished_is_not_computed_again(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "QUESTIONS_PER_BATCH", 2)
    experiment_id = laboratory.create(words(16), words(64))
    steps = laboratory.steps(experiment_id)
    while not laboratory.cells(experiment_id):
        next(steps)
    next(steps)
    finished = {(cell.strategy_number, cell.question_number) for cell in laboratory.cells(experiment_id)}
    assert 0 < len(finished) < 2 * len(QUESTIONS)
    made: list[tuple[int, int]] = []
    cells = CellMaker.cells

    def counted(self: CellMaker, *arguments: Any) -> Any:
        rows = cells(self, *arguments)
        made.extend((row["strategy_number"], row["question_number"]) for row in rows)
        return rows

    monkeypatch.setattr(CellMaker, "cells", counted)
    resumed = laboratory.finish(experiment_id)
    assert len(made) == len(set(made)) == 2 * len(QUESTIONS) - len(finished)
    assert not finished & set(made)
    undisturbed = laboratory.run(words(16), words(64))
    assert resumed == undisturbed


def test_documents_that_change_meanwhile_change_nothing(laboratory: Laboratory) -> None:
    expected = laboratory.run(words(16), words(64))
    experiment_id = laboratory.create(words(16), words(64))
    laboratory.world.add("oak", "Nothing of all that is true of the oak any more.")
    laboratory.world.delete("birch")
    laboratory.world.add("elm", "The elm died of a fungus. Ships were built of it as well.")
    assert laboratory.finish(experiment_id) == expected


def test_a_built_index_answers_as_one_baked_for_the_experiment(laboratory: Laboratory) -> None:
    baked = laboratory.run(words(16), both(16, 64))
    specification = laboratory.specification(words(16), both(16, 64))
    for entry in specification.strategies:
        laboratory.world.build(entry.setup)  # type: ignore[arg-type]  # both search
    segments = set((laboratory.world.folder / "segments").glob("*/*"))
    assert laboratory.run(words(16), both(16, 64)) == baked
    assert set((laboratory.world.folder / "segments").glob("*/*")) == segments


def test_what_was_baked_for_an_experiment_goes_with_it(laboratory: Laboratory) -> None:
    laboratory.run(words(16), words(64))
    assert not list((laboratory.world.folder / "segments").glob("*/*"))


def test_a_failed_cell_is_a_value(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    encode_query = Hashing.encode_query

    def fail(self: Hashing, text: str) -> Any:
        if text == "What eases pain?":
            raise UnavailableError("the model is gone", code="model_missing")
        return encode_query(self, text)

    monkeypatch.setattr(Hashing, "encode_query", fail)
    experiment_id = laboratory.create(words(16), both(16, 64))
    findings = laboratory.finish(experiment_id)
    errors = [cell.error["code"] for cell in laboratory.cells(experiment_id) if cell.error is not None]
    assert errors == ["model_missing"]
    failing = findings.strategies[1]
    assert failing.failures == 1
    assert failing.counts["recall_at_tokens@1000"] == 6
    assert findings.analysis is not None
    assert findings.analysis.no_winner_reason is not None
    assert {score.label: score.failures for score in findings.analysis.strategies} == {
        "both 16 64 0.5": 1,
        "words 16": 0,
    }


def test_an_unexpected_error_fails_its_cell_alone(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    measure = ContextRecall.measure
    calls: list[int] = []

    def fail_once(self: ContextRecall, judged: Any) -> float:
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError("secret words")
        return measure(self, judged)

    monkeypatch.setattr(ContextRecall, "measure", fail_once)
    experiment_id = laboratory.create(words(16), words(64))
    laboratory.finish(experiment_id)
    errors = [cell.error for cell in laboratory.cells(experiment_id) if cell.error is not None]
    assert [error["code"] for error in errors] == ["internal_error"]
    assert "secret" not in json.dumps(errors)


def test_results_hold_ids_and_spans_and_no_document_text(laboratory: Laboratory) -> None:
    experiment_id = laboratory.create(words(16), words(64), EVERYTHING)
    laboratory.finish(experiment_id)
    with laboratory.world.database.read() as session:
        row = laboratory.experiment(experiment_id)
        kept = [row.contestants, row.findings, row.plan, row.pins, row.questions]
        cells = session.execute(select(CellRow.__table__)).all()
    said = json.dumps([kept, [list(map(str, cell)) for cell in cells]])
    for text in TREES.values():
        assert all(sentence not in said for sentence in text.split(". "))


def test_pinned_questions_that_are_lost_are_named(laboratory: Laboratory) -> None:
    findings = laboratory.run(words(16), words(64), NOTHING)
    assert findings.pinned_must_pass == {"words 16": [], "words 64": [], "nothing": ["q4"]}


def test_slices_are_described(laboratory: Laboratory) -> None:
    findings = laboratory.run(words(16), words(64))
    (season,) = findings.strategies[0].slices
    assert (season.tag, season.questions) == ("season", 1)


def test_timing_asks_every_strategy_that_searches(laboratory: Laboratory) -> None:
    findings = laboratory.run(words(16), words(64), NOTHING, latency_requests=100)
    first, second, nothing = findings.strategies
    assert nothing.latency is None
    for one in (first, second):
        assert one.latency is not None
        assert one.latency.requests == 100
        assert one.latency.p95 is not None
        assert one.latency.p99 is None


def test_access_and_filters_hold(laboratory: Laboratory) -> None:
    laboratory.world.add("secret", "The oak hides a treasure of gold.", access=["user:ann"])
    anonymous = laboratory.create(words(16), words(64))
    laboratory.finish(anonymous)
    found = {hit[0] for cell in laboratory.cells(anonymous) for hit in cell.ranked}
    assert "secret" not in found
    for_ann = laboratory.create(words(16), words(64), principals=["user:ann"])
    laboratory.finish(for_ann)
    assert "secret" in {hit[0] for cell in laboratory.cells(for_ann) for hit in cell.ranked}


def test_deep_metrics_reach_beyond_the_candidates_and_contexts_do_not(laboratory: Laboratory) -> None:
    experiment_id = laboratory.create(
        words(16, candidates=2), words(64), metrics=[{"kind": "precision_omega"}, {"kind": "document_recall", "k": 5}]
    )
    laboratory.finish(experiment_id)
    oak = laboratory.cells(experiment_id)[0]
    assert len(oak.ranked) > 2
    assert len(oak.sent["request"]["spans"]) <= 2


def test_the_row_says_what_made_it(laboratory: Laboratory) -> None:
    row: ExperimentRow = laboratory.experiment(laboratory.create(words(16), words(64)))
    assert row.pins.keys() == TREES.keys()
    assert row.code_version
    assert row.question_set_hash == laboratory.world.save("trees", *QUESTIONS)[0]
    assert len({one["fingerprint"] for one in row.contestants}) == 2
