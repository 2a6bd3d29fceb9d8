"""The simulations at 400 repetitions, and the page that holds those at 4,000."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.evaluation.statistics.check import Check
from app.evaluation.statistics.verification import GROUPS, commit_of, page, worst_rare_error

REPETITIONS = 400
PAGE = Path(__file__).parents[4] / "docs" / "statistics.md"


def slack(check: Check) -> float:
    """Return four standard errors of a rate at its bound."""
    bound = check.at_most if check.at_least is None else check.at_least
    if bound is None or not 0 < bound < 1:
        return 0.005
    return 4 * math.sqrt(bound * (1 - bound) / REPETITIONS)


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.__name__)
def test_the_simulated_figures_keep_their_bounds(group: Callable[[int, int], Iterator[Check]]) -> None:
    for check in group(REPETITIONS, 11):
        assert check.is_met(slack(check)), check


def test_the_page_holds_every_check_of_the_program() -> None:
    text = PAGE.read_text(encoding="utf-8")
    missing = [check.what for group in GROUPS for check in group(20, 1) if f"| {check.what} |" not in text]
    assert missing == []


def test_the_worst_error_is_counted_out() -> None:
    questions, error = worst_rare_error()
    assert questions == 425
    assert error == pytest.approx(0.0724, abs=1e-4)


@pytest.mark.parametrize(
    ("measured", "at_least", "at_most", "slack", "expected"),
    [
        (0.06, None, 0.05, 0.0, False),
        (0.06, None, 0.05, 0.02, True),
        (0.9, 0.93, 0.97, 0.0, False),
        (0.98, 0.93, 0.97, 0.0, False),
        (0.95, 0.93, 0.97, 0.0, True),
        (0.5, None, None, 0.0, True),
    ],
)
def test_a_check_keeps_its_bounds(
    measured: float, at_least: float | None, at_most: float | None, slack: float, expected: bool
) -> None:
    check = Check(rule=1, what="x", measured=measured, at_least=at_least, at_most=at_most)
    assert check.is_met(slack) == expected


def test_the_page_says_what_is_met_and_what_is_not() -> None:
    checks = [
        Check(rule=3, what="kept", measured=0.01, at_most=0.05),
        Check(rule=4, what="broken", measured=0.5, at_least=0.75, at_most=0.85),
        Check(rule=5, what="compared", measured=0.2),
    ]
    text = page(checks, repetitions=4_000, seed=7, commit="abc")
    assert "| 3 | kept | 0.0100 | at most 0.05 | yes |" in text
    assert "| 4 | broken | 0.5000 | 0.75 to 0.85 | **no** |" in text
    assert "| 5 | compared | 0.2000 | none | - |" in text
    assert "4,000" in text
    assert "seed 7, commit\nabc." in text


def test_a_folder_without_git_has_no_commit(tmp_path: Path) -> None:
    assert commit_of(tmp_path) == "unknown"
