"""The report as one self-contained HTML page: charts as SVG, no script, no outside request; prints well."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from app.evaluation.report.charts import Interval, Point, curve_chart, interval_chart, scatter_chart, share_chart
from app.evaluation.report.content import Content, Extreme
from app.evaluation.report.decisions import decisions
from app.evaluation.report.sentences import headline, margin_sentence, sample_sentences
from app.evaluation.report.table import Table
from app.evaluation.report.tables import (
    SECTIONS,
    pairs_table,
    sensitivity_table,
    strategies_table,
    ways_table,
)

STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--soft:#5b6570;--rule:#d8dee4;--accent:#0b6bcb;--mark:#b3261e;
--s0:#0b6bcb;--s1:#c2571a;--s2:#2e7d32;--s3:#8e24aa;--s4:#00838f;--s5:#ad1457;--s6:#6d4c41;--s7:#546e7a}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ed;--paper:#14181d;--soft:#9aa5b1;--rule:#333b44;--accent:#62adff;
--mark:#ff8a80;--s0:#62adff;--s1:#ffab70;--s2:#81c784;--s3:#ce93d8;--s4:#4dd0e1;--s5:#f48fb1;--s6:#bcaaa4;--s7:#b0bec5}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;margin:2rem auto;
padding:0 1rem}h1{font-size:1.6rem;line-height:1.2}h2{font-size:1.15rem;margin-top:2.2rem}
p.head{font-size:1.1rem}.soft,small{color:var(--soft)}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;border-bottom:1px solid var(--rule)}
th{color:var(--soft);font-weight:600}td.n{font-variant-numeric:tabular-nums}
svg{width:100%;height:auto;margin:.5rem 0}svg text{fill:var(--ink);font:12px system-ui,sans-serif}
svg .tick{fill:var(--soft);font-size:11px}svg .grid{stroke:var(--rule)}svg .whisker{stroke:var(--accent);stroke-width:2}
svg .dot{fill:var(--accent)}svg .marked{fill:var(--mark)}svg .line{fill:none;stroke-width:2}
blockquote{margin:.3rem 0;padding-left:.8rem;border-left:3px solid var(--rule);color:var(--soft)}
@media print{body{max-width:none;margin:0}h2{break-after:avoid}tr,svg,li{break-inside:avoid}}
""" + "".join(
    f"svg .line.series-{number}{{stroke:var(--s{number})}}svg .fill.series-{number}{{fill:var(--s{number})}}"
    for number in range(8)
)
BUDGET = re.compile(r"recall_at_tokens@(\d+)")


def html_report(content: Content) -> str:
    """Return the whole page."""
    title = escape(content.experiment.name)
    sections = [
        f"<h1>{title}</h1><p class=head>{_strong(headline(content))}</p>",
        _section("Decisions", _decisions(content)),
        _section(f"Strategies by {content.findings.metric}", _scores(content)),
        _section("Recall over the token budget", _curves(content)),
        _section("Quality and tokens", _front(content)),
        _section("Pairs", _laid_out(pairs_table(content)) or "<p>No question could decide.</p>"),
        *_sections(content),
        _section("Where evidence went", _evidence(content)),
        _section("Largest wins and losses", _extremes(content)),
        _section("Assumptions about cost", _laid_out(ways_table(content)) + _laid_out(sensitivity_table(content))),
        _section("The sample", "<ul>" + "".join(f"<li>{escape(one)}" for one in sample_sentences(content)) + "</ul>"),
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head>'
        f"<body>{''.join(sections)}</body></html>\n"
    )


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>" if body else ""


def _decisions(content: Content) -> str:
    rows = [(one.question, one.answer, one.number, one.flip_point, one.status) for one in decisions(content)]
    return _table(("Question", "Answer", "Number", "Turns at", "Status"), rows)


def _scores(content: Content) -> str:
    analysis = content.findings.analysis
    chart = ""
    if analysis is not None:
        order = [one.label for one in content.contestants]
        scores = sorted(analysis.strategies, key=lambda one: order.index(one.label))
        chart = interval_chart(
            f"{content.findings.metric}, mean with 95 % interval",
            [
                Interval(label=one.label, value=one.mean, low=one.low, high=one.high, note=f"{one.mean:.3f}")
                for one in scores
            ],
        )
    margin = f"<p class=soft>{escape(margin_sentence(content))}</p>"
    return chart + _laid_out(strategies_table(content)) + margin


def _sections(content: Content) -> Iterator[str]:
    for title, make, note in SECTIONS:
        table = make(content)
        if table.rows:
            yield _section(title, f"{_laid_out(table)}<p class=soft>{escape(note)}</p>")


def _curves(content: Content) -> str:
    names = {int(match[1]): name for name in content.contestants[0].means if (match := BUDGET.fullmatch(name))}
    budgets = sorted(names)
    if len(budgets) < 2:
        return ""
    curves = {
        one.label: [one.means[names[budget]] or 0.0 for budget in budgets]
        for one in [*content.contestants, *content.baselines]
    }
    return curve_chart("Share of marked text within the first tokens", budgets, curves)


def _front(content: Content) -> str:
    analysis = content.findings.analysis
    if analysis is None:
        return ""
    points = [
        Point(
            label=one.label, across=one.context_tokens, up=one.means[content.findings.metric] or 0.0,
            is_marked=one.label in content.findings.pareto_front,
        )
        for one in content.contestants
    ]  # fmt: skip
    note = "Marked: not dominated in quality, tokens and waiting, uncertainty counted."
    return scatter_chart("Quality over context tokens", "tokens of the context", points) + f"<p class=soft>{note}</p>"


def _evidence(content: Content) -> str:
    everyone = [*content.contestants, *content.baselines]
    note = "Of the marked passages: sent; found, and not packed; cut in two by a border of chunks; not found."
    return share_chart("Fate of marked passages", {one.label: one.evidence for one in everyone}) + (
        f"<p class=soft>{note}</p>"
    )


def _extremes(content: Content) -> str:
    if content.pair is None:
        return ""
    pair = content.pair
    parts = [f"<p>{escape(pair.first)} against {escape(pair.second)}.</p>"]
    for title, some in (("Wins", content.wins), ("Losses", content.losses)):
        items = "".join(_extreme(one, pair.first, pair.second) for one in some)
        parts.append(f"<h3>{title}</h3>" + (f"<ol>{items}</ol>" if items else "<p>None.</p>"))
    return "".join(parts)


def _extreme(one: Extreme, first: str, second: str) -> str:
    sides = ((first, one.first_score, one.first_excerpts), (second, one.second_score, one.second_excerpts))
    body = "".join(
        f"<div><small>{escape(label)}: {score:.2f}</small>"
        + ("".join(f"<blockquote>{escape(text)}</blockquote>" for text in excerpts) or "<p>Nothing was sent.</p>")
        + "</div>"
        for label, score, excerpts in sides
    )
    return f"<li><strong>{escape(one.question.question)}</strong>{body}"


def _laid_out(table: Table) -> str:
    return _table(table.head, table.rows) if table.rows else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(cell)}" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}" for cell in row) for row in rows)
    return f"<div class=wide><table><thead><tr>{top}</thead><tbody>{body}</tbody></table></div>"


def _strong(text: str) -> str:
    return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escape(text))
