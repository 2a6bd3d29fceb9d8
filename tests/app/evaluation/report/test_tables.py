"""Tables of reports, cell by cell from small findings; unknown values are said and never shown as 0."""

from __future__ import annotations

import pytest

from app.evaluation.economics.break_even import compare_ways
from app.evaluation.economics.ingest_cost import IngestCost
from app.evaluation.economics.prices import PRICE_UNKNOWN
from app.evaluation.economics.sensitivity import Choice, Sensitivity, sensitivities
from app.evaluation.report.content import Economy
from app.evaluation.report.table import Table
from app.evaluation.report.tables import (
    SECTIONS,
    abstention_table,
    ingest_table,
    label_kinds_table,
    pairs_table,
    sensitivity_table,
    stages_table,
    stores_table,
    strategies_table,
    ways_table,
)
from tests.app.evaluation.economics.price_lists import made_assumptions, made_price
from tests.app.evaluation.report.small import METRIC, content, cost, kind, latency, pair, refusing, strategy


def is_whole(table: Table) -> bool:
    """Tell whether every row has a cell of text for each column."""
    return all(len(row) == len(table.head) and all(isinstance(cell, str) for cell in row) for row in table.rows)


def test_strategies_stand_by_their_means_and_reference_lines_last() -> None:
    some = [strategy("b", 0.5), strategy("none", None), strategy("line", 0.9, is_baseline=True), strategy("a", 0.5)]
    table = strategies_table(content(*some, strategy("best", 0.75)))
    assert [row[0] for row in table.rows] == ["best", "a", "b", "none", "line (reference line)"]
    assert [row[1] for row in table.rows] == ["0.750", "0.500", "0.500", "not applicable", "0.900"]
    assert table.head[1] == METRIC
    assert is_whole(table)


def test_a_strategys_row_by_hand() -> None:
    one = strategy("a", latency=latency(0.0421), index_bytes=12_345_678, failures=3, request_tokens=12_345.6)
    (row,) = strategies_table(content(one, costs={"a": cost(0.001234)})).rows
    assert row == ("a", "0.500", "12,346", "42 ms", "$0.00123", "12.3 MB", "3")


def test_what_was_not_measured_is_left_empty_and_an_unknown_price_is_said() -> None:
    (unmeasured,) = strategies_table(content(strategy("a"))).rows
    assert unmeasured == ("a", "0.500", "1,200", "", PRICE_UNKNOWN, "", "0")
    (unpriced,) = strategies_table(content(strategy("a"), costs={"a": cost(None)})).rows
    assert unpriced[4] == PRICE_UNKNOWN


def test_a_pairs_row_by_hand() -> None:
    close = pair(
        verdict="too_close_to_call", reason="smaller_than_margin", difference=-0.004, low=-0.02, high=0.011,
        holm_p=1.0, wins=3, ties=40, losses=5,
    )  # fmt: skip
    table = pairs_table(content(strategy("a"), pairs=[pair(), close]))
    assert [list(row) for row in table.rows] == [
        ["first", "better than", "second", "+0.125 [+0.062, +0.188]", "0.00213", "12 / 30 / 3"],
        [
            "first", "too close to call (smaller than margin)", "second", "-0.004 [-0.020, +0.011]", "1",
            "3 / 40 / 5",
        ],
    ]  # fmt: skip
    assert is_whole(table)


@pytest.mark.parametrize(
    ("verdict", "words"), [("better", "better than"), ("worse", "worse than"), ("equivalent", "equivalent to")]
)
def test_a_verdict_stands_between_both_names(verdict: str, words: str) -> None:
    ((first, said, second, *_),) = pairs_table(content(strategy("a"), pairs=[pair(verdict=verdict)])).rows
    assert (first, said, second) == ("first", words, "second")


def test_without_an_analysis_there_are_no_pairs() -> None:
    assert pairs_table(content(strategy("a"))).rows == []


def test_kinds_of_labels_have_a_row_each_and_reference_lines_none() -> None:
    kinds = [kind("documents", 1, None), kind("spans", 3, 0.625)]
    line = strategy("line", is_baseline=True, label_kinds=kinds)
    table = label_kinds_table(content(strategy("a", label_kinds=kinds), line))
    assert table.head == ("Strategy", "Labels", "Questions", METRIC)
    assert table.rows == [("a", "documents", "1", "not applicable"), ("a", "spans", "3", "0.625")]


def test_refusing_is_shown_by_threshold() -> None:
    points = [refusing(None, 2, 0), refusing(0.123456, 1, 3)]
    table = abstention_table(content(strategy("a", abstention_auroc=0.8125, abstention=points)))
    assert table.rows == [
        ("a", "0.812", "none", "2 of 2", "0 of 8"),
        ("a", "0.812", "0.1235", "1 of 2", "3 of 8"),
    ]
    unknown = abstention_table(content(strategy("a", abstention=points[:1])))
    assert unknown.rows[0][1] == ""
    assert is_whole(table)


def test_stages_are_those_that_any_strategy_has() -> None:
    dense = strategy("a", stage_seconds={"embedding": 0.0123, "search": 0.002})
    words = strategy("b", stage_seconds={"search": 0.00149, "assembly": 0.0})
    table = stages_table(content(dense, words, strategy("c")))
    assert table.head == ("Strategy", "embedding", "search", "assembly")
    assert table.rows == [("a", "12.3 ms", "2.0 ms", ""), ("b", "", "1.5 ms", "0.0 ms")]


def test_ingest_is_charged_by_strategy() -> None:
    built = strategy("a", chunks=1_234, embedded_tokens=567_890)
    lexical = strategy("b", chunks=99, embedded_tokens=0)
    costs = {
        "a": IngestCost(seconds=1_234.4, usd_once=0.0113578, usd_per_month=0.00113578),
        "b": IngestCost(seconds=0.0, usd_once=0.0, usd_per_month=0.0),
        "c": IngestCost(seconds=9.0, usd_once=None, usd_per_month=None),
    }
    some = content(
        built, lexical, strategy("c", chunks=7, embedded_tokens=8), strategy("uncosted", chunks=5),
        strategy("line", is_baseline=True), ingest_costs=costs,
        economy=Economy(reembedded_share_per_month=0.25),
    )  # fmt: skip
    table = ingest_table(some)
    assert table.rows == [
        ("a", "1,234", "567,890", "1,234 s", "$0.0114", "$0.00114"),
        ("b", "99", "0", "0 s", "nothing", "nothing"),
        ("c", "7", "8", "9 s", "price unknown", "price unknown"),
    ]
    assert table.head[-1] == "Each month (25% again)"


def test_ways_are_priced_and_an_unknown_price_is_no_amount() -> None:
    table = ways_table(content(strategy("a")))
    assert [row[0] for row in table.rows] == ["no context", "retrieval", "whole documents"]
    assert {row[1] for row in table.rows} == {"yes"}
    assert table.rows[0][2] == "$0.0055"  # 500 tokens in at $1, 500 out at $10 for a million
    assert table.rows[1][2] == "$0.0075"
    unpriced = ways_table(content(strategy("a"), break_even=compare_ways(None, made_assumptions())))
    assert {cell for row in unpriced.rows for cell in row[2:]} == {PRICE_UNKNOWN}


def test_a_way_that_does_not_fit_is_told_so() -> None:
    small = compare_ways(made_price(), made_assumptions(context_window_tokens=50_000))
    rows = ways_table(content(strategy("a"), break_even=small)).rows
    assert [row[1] for row in rows] == ["yes", "yes", "no"]


def test_assumptions_stand_with_what_half_and_double_do() -> None:
    one = Sensitivity(
        assumption="requests_per_day", value=1_234_567.0, changes_below=None, changes_above=None,
        at_half=Choice(cheapest="retrieval", usd_per_month=1_234.5),
        at_double=Choice(cheapest=None, usd_per_month=None),
    )  # fmt: skip
    (row,) = sensitivity_table(content(strategy("a"), sensitivity=[one])).rows
    assert row == (
        "requests per day", "1.23457e+06", "retrieval, $1,234", f"{PRICE_UNKNOWN}, {PRICE_UNKNOWN}",
    )  # fmt: skip
    every = sensitivities(made_price(), made_assumptions())
    table = sensitivity_table(content(strategy("a"), sensitivity=every))
    assert len(table.rows) == len(every)
    assert not any("_" in row[0] for row in table.rows)
    assert is_whole(table)


def test_a_stores_row_by_hand() -> None:
    figures = {
        "kind": "faiss_ivf", "is_exact": False, "chunks": 12_000, "disk_bytes": 24_000_000, "memory_bytes": 6_000_000,
        "disk_bytes_per_chunk": 2_000.0, "memory_bytes_per_chunk": 500.0, "recall_at_10": 0.98765,
    }  # fmt: skip
    exact = {**figures, "kind": "bm25", "is_exact": True, "memory_bytes_per_chunk": None, "recall_at_10": 1.0}
    table = stores_table(content(strategy("a", stores=[figures, exact]), strategy("line", is_baseline=True)))
    assert list(table.rows) == [
        ("a", "faiss_ivf", "12,000", "500", "6.0 MB", "24.0 MB", "0.988"),
        ("a", "bm25", "12,000", "", "6.0 MB", "24.0 MB", "exact"),
    ]
    assert is_whole(table)


def test_sections_have_nothing_to_show_of_findings_that_hold_nothing() -> None:
    empty = content(strategy("a"), strategy("line", is_baseline=True))
    assert [title for title, make, _ in SECTIONS if make(empty).rows] == []
    assert len({title for title, _, _ in SECTIONS}) == len(SECTIONS)
