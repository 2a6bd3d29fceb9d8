"""The report as Markdown, to be pasted where decisions are written down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

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

Row = Sequence[str]


def markdown_report(content: Content) -> str:
    """Return the whole report."""
    sections = [
        f"# {content.experiment.name}",
        headline(content),
        _table(
            ("Question", "Answer", "Number", "Turns at", "Status"),
            [(one.question, one.answer, one.number, one.flip_point, one.status) for one in decisions(content)],
        ),
        "## Strategies",
        _laid_out(strategies_table(content)),
        margin_sentence(content),
        "## Pairs",
        _laid_out(pairs_table(content)) or "No question could decide.",
        *_sections(content),
        "## Where evidence went",
        _evidence(content),
        "## Largest wins and losses",
        _extremes(content),
        "## Assumptions about cost",
        _laid_out(ways_table(content)),
        _laid_out(sensitivity_table(content)),
        "## The sample",
        "\n".join(f"- {sentence}" for sentence in sample_sentences(content)),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _sections(content: Content) -> Iterator[str]:
    for title, make, note in SECTIONS:
        table = make(content)
        if table.rows:
            yield from (f"## {title}", _laid_out(table), note)


def _laid_out(table: Table) -> str:
    return _table(table.head, table.rows) if table.rows else ""


def _evidence(content: Content) -> str:
    rows = [
        (one.label, *(str(count) for count in one.evidence.values()))
        for one in [*content.contestants, *content.baselines]
    ]
    kinds = list(content.findings.strategies[0].evidence)
    return _table(("Strategy", *(kind.replace("_", " ") for kind in kinds)), rows)


def _extremes(content: Content) -> str:
    if content.pair is None:
        return ""
    lines = [f"{content.pair.first} against {content.pair.second}."]
    for title, some in (("Wins", content.wins), ("Losses", content.losses)):
        lines.append(f"\n**{title}**\n" if some else f"\n**{title}**: none")
        lines += [_extreme(content, one) for one in some]
    return "\n".join(lines)


def _extreme(content: Content, one: Extreme) -> str:
    assert content.pair is not None
    parts = [f"- **{_inline(one.question.question)}** ({one.first_score:.2f} against {one.second_score:.2f})"]
    for label, excerpts in ((content.pair.first, one.first_excerpts), (content.pair.second, one.second_excerpts)):
        parts.append(f"  - {label}: " + (" … ".join(f"“{_inline(text)}”" for text in excerpts) or "nothing was sent"))
    return "\n".join(parts)


def _table(head: Row, rows: Iterable[Row]) -> str:
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _inline(text: str) -> str:
    """Return the text on one line, with what Markdown would read as markup taken literally."""
    line = " ".join(text.split())
    return "".join(f"\\{character}" if character in r"\`*_{}[]<>#|!" else character for character in line)
