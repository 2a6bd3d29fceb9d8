"""Charts as SVG text: no script, no outside request; colours come from the page's style, light or dark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 720
LABEL_WIDTH = 230
ROW_HEIGHT = 26
PLOT_HEIGHT = 260
SERIES_COLOURS = 8
"""Classes `series-0` to `series-7` of the page's style; more series begin again."""

SMALLEST_SHARE = 1e-6
"""Values that differ by less than this share of their size are drawn as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A value with its interval, for one row of a chart."""

    label: str
    value: float
    low: float
    high: float
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A labelled point of a scatter chart."""

    label: str
    across: float
    up: float
    is_marked: bool = False


def interval_chart(title: str, rows: Sequence[Interval]) -> str:
    """Return a dot with whiskers for each row, on one common scale."""
    low = min([row.low for row in rows], default=0.0)
    high = max([row.high for row in rows], default=1.0)
    ticks = nice_ticks(low, high)
    low, high = min(low, ticks[0]), max(high, ticks[-1])
    height = ROW_HEIGHT * len(rows) + 34

    def across(value: float) -> float:
        return LABEL_WIDTH + (value - low) / (high - low or 1.0) * (WIDTH - LABEL_WIDTH - 60)

    parts = [
        f'<line class="grid" x1="{across(tick):.1f}" x2="{across(tick):.1f}" y1="6" y2="{height - 26}"/>'
        f'<text class="tick" x="{across(tick):.1f}" y="{height - 10}" text-anchor="middle">{_number(tick)}</text>'
        for tick in ticks
    ]
    for number, row in enumerate(rows):
        y = 6 + ROW_HEIGHT * number + ROW_HEIGHT / 2
        parts.append(
            f'<text class="label" x="{LABEL_WIDTH - 10}" y="{y + 4:.1f}" text-anchor="end">{_short(row.label)}</text>'
            f'<line class="whisker" x1="{across(row.low):.1f}" x2="{across(row.high):.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<circle class="dot" cx="{across(row.value):.1f}" cy="{y:.1f}" r="4.5">'
            f"<title>{escape(row.label)}: {_number(row.value)} [{_number(row.low)}, {_number(row.high)}]</title>"
            "</circle>"
            f'<text class="tick" x="{WIDTH - 52}" y="{y + 4:.1f}">{escape(row.note)}</text>'
        )
    return _svg(title, height, parts)


def curve_chart(title: str, budgets: Sequence[int], curves: Mapping[str, Sequence[float]]) -> str:
    """Return a line for each label over budgets on a logarithmic axis; values lie in [0, 1]."""
    left, right, bottom = 50.0, WIDTH - 220.0, PLOT_HEIGHT - 30.0

    def x(budget: float) -> float:
        span = math.log(budgets[-1]) - math.log(budgets[0]) or 1.0
        return left + (math.log(budget) - math.log(budgets[0])) / span * (right - left)

    def y(value: float) -> float:
        return bottom - value * (bottom - 12)

    parts = [
        f'<line class="grid" x1="{left}" x2="{right}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>'
        f'<text class="tick" x="{left - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{_number(tick)}</text>'
        for tick in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    parts += [
        f'<text class="tick" x="{x(budget):.1f}" y="{PLOT_HEIGHT - 10}" text-anchor="middle">{budget:,}</text>'
        for budget in budgets
    ]
    for number, (label, values) in enumerate(curves.items()):
        series = f"series-{number % SERIES_COLOURS}"
        path = " ".join(f"{x(budget):.1f},{y(value):.1f}" for budget, value in zip(budgets, values, strict=True))
        key = 18 + 18 * number
        parts.append(
            f'<polyline class="line {series}" points="{path}"><title>{escape(label)}</title></polyline>'
            f'<line class="line {series}" x1="{right + 16}" x2="{right + 36}" y1="{key}" y2="{key}"/>'
            f'<text class="label" x="{right + 42}" y="{key + 4}">{_short(label, 24)}</text>'
        )
    return _svg(title, max(PLOT_HEIGHT, 18 * len(curves) + 30), parts)


def scatter_chart(title: str, across_name: str, points: Sequence[Point]) -> str:
    """Return the points; marked ones, those of the Pareto front, stand out."""
    left, right, bottom = 50.0, WIDTH - 150.0, PLOT_HEIGHT - 44.0
    x_ticks = nice_ticks(0.0, max([point.across for point in points], default=1.0))
    y_ticks = nice_ticks(min([point.up for point in points], default=0.0), max([p.up for p in points], default=1.0))

    def x(value: float) -> float:
        return left + value / (x_ticks[-1] or 1.0) * (right - left)

    def y(value: float) -> float:
        return bottom - (value - y_ticks[0]) / (y_ticks[-1] - y_ticks[0] or 1.0) * (bottom - 12)

    parts = [
        f'<line class="grid" x1="{left}" x2="{right}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>'
        f'<text class="tick" x="{left - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{_number(tick)}</text>'
        for tick in y_ticks
    ]
    parts += [
        f'<text class="tick" x="{x(tick):.1f}" y="{bottom + 16}" text-anchor="middle">{_number(tick)}</text>'
        for tick in x_ticks
    ]
    parts.append(f'<text class="tick" x="{(left + right) / 2}" y="{PLOT_HEIGHT - 8}" text-anchor="middle">'
                 f"{escape(across_name)}</text>")  # fmt: skip
    parts += [
        f'<circle class="dot{" marked" if point.is_marked else ""}" cx="{x(point.across):.1f}" cy="{y(point.up):.1f}" '
        f'r="5"><title>{escape(point.label)}</title></circle>'
        f'<text class="tick" x="{x(point.across) + 8:.1f}" y="{y(point.up) + 4:.1f}">{_short(point.label, 22)}</text>'
        for point in points
    ]
    return _svg(title, PLOT_HEIGHT, parts)


def share_chart(title: str, rows: Mapping[str, Mapping[str, int]]) -> str:
    """Return one bar for each label, divided by kind in the shares of its counts."""
    kinds = list(next(iter(rows.values()), {}))
    height = ROW_HEIGHT * len(rows) + 30
    parts = []
    for number, (label, counts) in enumerate(rows.items()):
        y = 4 + ROW_HEIGHT * number
        parts.append(
            f'<text class="label" x="{LABEL_WIDTH - 10}" y="{y + 17}" text-anchor="end">{_short(label)}</text>'
        )
        whole, begin = sum(counts.values()) or 1, 0.0
        for position, kind in enumerate(kinds):
            width = counts[kind] / whole * (WIDTH - LABEL_WIDTH - 20)
            parts.append(
                f'<rect class="fill series-{position}" x="{LABEL_WIDTH + begin:.1f}" y="{y}" width="{width:.1f}" '
                f'height="{ROW_HEIGHT - 6}"><title>{escape(kind)}: {counts[kind]} of {whole}</title></rect>'
            )
            begin += width
    for position, kind in enumerate(kinds):
        parts.append(
            f'<rect class="fill series-{position}" x="{LABEL_WIDTH + 120 * position}" y="{height - 20}" width="10" '
            f'height="10"/><text class="tick" x="{LABEL_WIDTH + 120 * position + 14}" y="{height - 11}">'
            f"{escape(kind.replace('_', ' '))}</text>"
        )
    return _svg(title, height, parts)


def nice_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return round numbers that enclose [low, high] in about `most` equal steps of 1, 2 or 5 times a power of ten."""
    span = high - low
    if span <= SMALLEST_SHARE * max(abs(low), abs(high), SMALLEST_SHARE):  # as good as one value
        span = max(abs(low), abs(high)) if max(abs(low), abs(high)) > SMALLEST_SHARE else 1.0
    power = 10 ** math.floor(math.log10(span / most))
    step = next(factor * power for factor in (1, 2, 5, 10) if span / (factor * power) <= most - 1 or factor == 10)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 12) for number in range(first, max(last, first + 1) + 1)]


def _svg(title: str, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg role="img" aria-label="{escape(title)}" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'xmlns="http://www.w3.org/2000/svg"><title>{escape(title)}</title>{"".join(parts)}</svg>'
    )


def _short(label: str, characters: int = 36) -> str:
    return escape(label if len(label) <= characters else label[: characters - 1] + "…")


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
