"""The report as Markdown, to be pasted where decisions are written down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.evaluation.economics.prices import PRICE_UNKNOWN, shown_usd
from app.evaluation.report.content import Content, Extreme
from app.evaluation.report.decisions import decisions
from app.evaluation.report.sentences import headline, margin_sentence, sample_sentences, verdict_words

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
        _strategies(content),
        margin_sentence(content),
        "## Pairs",
        _pairs(content),
        "## Where evidence went",
        _evidence(content),
        "## Largest wins and losses",
        _extremes(content),
        "## Assumptions about cost",
        _sensitivity(content),
        "## The sample",
        "\n".join(f"- {sentence}" for sentence in sample_sentences(content)),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _strategies(content: Content) -> str:
    metric = content.findings.metric
    rows = []
    for one in [*content.contestants, *content.baselines]:
        latency = one.latency
        p95 = "" if latency is None or latency.p95 is None else f"{latency.p95.seconds * 1e3:.0f} ms"
        cost = content.costs.get(one.label)
        value = one.means[metric]
        rows.append(
            (
                one.label + (" (reference line)" if one.is_baseline else ""),
                "not applicable" if value is None else f"{value:.3f}",
                f"{one.request_tokens:,.0f}",
                p95,
                PRICE_UNKNOWN if cost is None else shown_usd(cost.usd_per_request),
                "" if one.index_bytes is None else f"{one.index_bytes / 1e6:.1f} MB",
                str(one.failures),
            )
        )
    head = ("Strategy", metric, "Tokens per request", "p95", "Per request", "Index", "Failed")
    return _table(head, rows)


def _pairs(content: Content) -> str:
    analysis = content.findings.analysis
    if analysis is None:
        return "No question could decide."
    rows = [
        (
            pair.first,
            verdict_words(pair),
            pair.second,
            f"{pair.difference:+.3f} [{pair.low:+.3f}, {pair.high:+.3f}]",
            f"{pair.holm_p:.3g}",
            f"{pair.wins} / {pair.ties} / {pair.losses}",
        )
        for pair in analysis.pairs
    ]
    return _table(("First", "is", "Second", "Difference, 95 % interval", "p (Holm)", "Wins / ties / losses"), rows)


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


def _sensitivity(content: Content) -> str:
    rows = [
        (
            one.assumption.replace("_", " "),
            f"{one.value:,.6g}",
            f"{one.at_half.cheapest or PRICE_UNKNOWN}, {shown_usd(one.at_half.usd_per_month)}",
            f"{one.at_double.cheapest or PRICE_UNKNOWN}, {shown_usd(one.at_double.usd_per_month)}",
        )
        for one in content.sensitivity
    ]
    head = ("Assumption", "Value", "At half: cheapest, per month", "At double: cheapest, per month")
    return _table(head, rows)


def _table(head: Row, rows: Iterable[Row]) -> str:
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _inline(text: str) -> str:
    """Return the text on one line, with what Markdown would read as markup taken literally."""
    line = " ".join(text.split())
    return "".join(f"\\{character}" if character in r"\`*_{}[]<>#|!" else character for character in line)
