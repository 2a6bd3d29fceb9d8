"""Charts are well-formed SVG that asks nobody for anything, shows what it was given, and escapes what it was told."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.report.charts import (
    Interval,
    Point,
    curve_chart,
    interval_chart,
    nice_ticks,
    scatter_chart,
    share_chart,
)

NASTY = '<script>alert("x")</script> & more'
SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> ElementTree.Element:
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")
    return ElementTree.fromstring(svg)


def test_intervals_have_a_dot_within_each_whisker() -> None:
    rows = [
        Interval(label=NASTY, value=0.5, low=0.4, high=0.6),
        Interval(label="b", value=0.7, low=0.7, high=0.7, note="+1"),
    ]
    root = parsed(interval_chart(NASTY, rows))
    dots = root.findall(f"{SVG}circle")
    whiskers = [line for line in root.findall(f"{SVG}line") if line.get("class") == "whisker"]
    assert len(dots) == len(whiskers) == 2
    for dot, whisker in zip(dots, whiskers, strict=True):
        assert float(whisker.get("x1", 0)) <= float(dot.get("cx", 0)) <= float(whisker.get("x2", 0))
    assert root.get("aria-label") == NASTY


def test_curves_rise_where_values_rise() -> None:
    root = parsed(curve_chart("Recall", [500, 1000, 2000], {"a": [0.1, 0.5, 0.9], NASTY: [0.2, 0.2, 0.2]}))
    first, second = (line.get("points", "").split() for line in root.findall(f"{SVG}polyline"))
    heights = [float(point.split(",")[1]) for point in first]
    assert heights == sorted(heights, reverse=True)  # SVG counts downwards
    assert len({point.split(",")[1] for point in second}) == 1
    across = [float(point.split(",")[0]) for point in first]
    assert across[1] - across[0] == pytest.approx(across[2] - across[1], abs=0.2)  # equal ratios, equal steps


def test_marked_points_stand_out() -> None:
    points = [Point(label="a", across=100, up=0.5, is_marked=True), Point(label="b", across=200, up=0.5)]
    dots = parsed(scatter_chart("Front", "tokens", points)).findall(f"{SVG}circle")
    assert [dot.get("class") for dot in dots] == ["dot marked", "dot"]
    assert float(dots[0].get("cx", 0)) < float(dots[1].get("cx", 0))


def test_bars_are_as_wide_as_their_shares() -> None:
    root = parsed(share_chart("Fate", {"a": {"sent": 3, "lost": 1}, "none": {"sent": 0, "lost": 0}}))
    bars = [one for one in root.findall(f"{SVG}rect") if one.find(f"{SVG}title") is not None]
    widths = [float(bar.get("width", 0)) for bar in bars]
    assert widths[0] == pytest.approx(3 * widths[1], rel=1e-3)
    assert widths[2:] == [0, 0]


def test_empty_charts_are_well_formed() -> None:
    for svg in (interval_chart("a", []), scatter_chart("a", "b", []), share_chart("a", {}), curve_chart("a", [1], {})):
        parsed(svg)


@given(low=st.floats(-1e6, 1e6), span=st.floats(0, 1e6))
def test_ticks_enclose_what_they_are_for(low: float, span: float) -> None:
    ticks = nice_ticks(low, low + span)
    assert 2 <= len(ticks) <= 9
    assert ticks == sorted(set(ticks))
    slack = 1e-6 * max(1.0, abs(low), span)
    assert ticks[0] <= low + slack
    assert ticks[-1] >= low + span - slack
