"""The tables of a report; writers only lay them out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.evaluation.economics.prices import PRICE_UNKNOWN, shown_usd
from app.evaluation.report.content import Content
from app.evaluation.report.personalisation import personalisation_table
from app.evaluation.report.sentences import verdict_words
from app.evaluation.report.table import Table


def strategies_table(content: Content) -> Table:
    """Return what each strategy reaches and takes, the best mean first, reference lines last."""
    metric = content.findings.metric
    rows = []
    for one in [*content.contestants, *content.baselines]:
        p95 = one.latency.p95 if one.latency is not None else None
        cost = content.costs.get(one.label)
        rows.append(
            (
                one.label + (" (reference line)" if one.is_baseline else ""),
                _mean(one.means[metric]),
                f"{one.request_tokens:,.0f}",
                "" if p95 is None else f"{p95.seconds * 1e3:.0f} ms",
                PRICE_UNKNOWN if cost is None else shown_usd(cost.usd_per_request),
                "" if one.index_bytes is None else f"{one.index_bytes / 1e6:.1f} MB",
                str(one.failures),
            )
        )
    return Table(("Strategy", metric, "Tokens per request", "p95", "Per request", "Index", "Failed"), rows)


def pairs_table(content: Content) -> Table:
    """Return the verdict on each pair."""
    analysis = content.findings.analysis
    rows = [
        (
            pair.first,
            verdict_words(pair),
            pair.second,
            f"{pair.difference:+.3f} [{pair.low:+.3f}, {pair.high:+.3f}]",
            f"{pair.holm_p:.3g}",
            f"{pair.wins} / {pair.ties} / {pair.losses}",
        )
        for pair in (analysis.pairs if analysis is not None else [])
    ]
    return Table(("First", "is", "Second", "Difference, 95 % interval", "p (Holm)", "Wins / ties / losses"), rows)


def label_kinds_table(content: Content) -> Table:
    """Return the means apart for marked spans and marked documents, where the set mixes them."""
    metrics = list(content.findings.strategies[0].means)
    rows = [
        (one.label, kind.kind, str(kind.questions), *(_mean(kind.means[metric]) for metric in metrics))
        for one in content.contestants
        for kind in one.label_kinds
    ]
    return Table(("Strategy", "Labels", "Questions", *metrics), rows)


def abstention_table(content: Content) -> Table:
    """Return what comes of answering only where the best score reaches a threshold."""
    rows = [
        (
            one.label,
            "" if one.abstention_auroc is None else f"{one.abstention_auroc:.3f}",
            "none" if point.threshold is None else f"{point.threshold:.4g}",
            f"{point.false_answers} of {point.unanswerable}",
            f"{point.false_refusals} of {point.answerable}",
        )
        for one in content.contestants
        for point in one.abstention
    ]
    head = ("Strategy", "AUROC", "Answer from score", "Unanswerable answered", "Answerable refused")
    return Table(head, rows)


def stages_table(content: Content) -> Table:
    """Return the median time of each stage of a request."""
    stages = list(dict.fromkeys(stage for one in content.contestants for stage in one.stage_seconds))
    rows = [
        (one.label, *(_milliseconds(one.stage_seconds.get(stage)) for stage in stages))
        for one in content.contestants
        if one.stage_seconds
    ]
    return Table(("Strategy", *stages), rows)


def ingest_table(content: Content) -> Table:
    """Return what building and keeping each index takes, every strategy charged in full."""
    economy = content.economy
    rows = []
    for one in content.contestants:
        cost = content.ingest_costs.get(one.label)
        if one.chunks is None or cost is None:
            continue
        rows.append(
            (
                one.label,
                f"{one.chunks:,}",
                f"{one.embedded_tokens or 0:,}",
                f"{cost.seconds:,.0f} s",
                _cost(cost.usd_once),
                _cost(cost.usd_per_month),
            )
        )
    again = f"Each month ({economy.reembedded_share_per_month:.0%} again)"
    return Table(("Strategy", "Chunks", "Tokens to embed", "Time, estimated", "Embedding, once", again), rows)


def stores_table(content: Content) -> Table:
    """Return what each store takes and how much of the nearest it finds."""
    rows = [
        (
            one.label,
            store.kind,
            f"{store.chunks:,}",
            "" if store.memory_bytes_per_chunk is None else f"{store.memory_bytes_per_chunk:,.0f}",
            f"{store.memory_bytes / 1e6:,.1f} MB",
            f"{store.disk_bytes / 1e6:,.1f} MB",
            "exact" if store.is_exact else f"{store.recall_at_10:.3f}",
        )
        for one in content.contestants
        for store in one.stores
    ]
    head = ("Strategy", "Store", "Chunks", "Bytes in memory, a chunk", "Memory", "Disk", "Nearest ten found")
    return Table(head, rows)


def ways_table(content: Content) -> Table:
    """Return retrieval, whole documents and nothing by cost."""
    costs = content.break_even
    rows = [
        (
            way.name.replace("_", " "),
            "yes" if way.is_possible else "no",
            shown_usd(way.usd_per_request),
            shown_usd(way.usd_per_month),
        )
        for way in (costs.no_context, costs.retrieval, costs.whole_documents)
    ]
    return Table(("Way", "Possible", "Per request", "Per month"), rows)


def sensitivity_table(content: Content) -> Table:
    """Return each assumption at half and at double."""
    rows = [
        (
            one.assumption.replace("_", " "),
            f"{one.value:,.6g}",
            f"{one.at_half.cheapest or PRICE_UNKNOWN}, {shown_usd(one.at_half.usd_per_month)}",
            f"{one.at_double.cheapest or PRICE_UNKNOWN}, {shown_usd(one.at_double.usd_per_month)}",
        )
        for one in content.sensitivity
    ]
    return Table(("Assumption", "Value", "At half: cheapest, per month", "At double: cheapest, per month"), rows)


SECTIONS: Sequence[tuple[str, Callable[[Content], Table], str]] = (
    (
        "Personalisation",
        personalisation_table,
        "The unit is the user; intervals are 95 %. A wrong user's profile harms and helps by chance as well: only what "
        "the own profile gives beyond it is personal. The wrong user is of the same group where there is one.",
    ),
    (
        "Marked spans and marked documents",
        label_kinds_table,
        "The verdict rests on the first metric over all deciding questions; here each kind of label stands apart.",
    ),
    (
        "Answer or refuse",
        abstention_table,
        "What refusing below a threshold of the best score would do. The thresholds were chosen on these questions, so "
        "others fare a little worse.",
    ),
    (
        "Time by stage",
        stages_table,
        "Medians of the timed requests, one after another with nothing shared.",
    ),
    (
        "Stores",
        stores_table,
        "Memory is what searches read throughout. What an approximate store finds was measured with its own vectors as "
        "questions, beside comparing every one; replaced documents are counted as long as their segment holds them.",
    ),
    (
        "Ingest",
        ingest_table,
        "Every strategy is charged its full stages, whatever it shares with others here.",
    ),
)
"""Title, table and note of what is shown only where there is something to show."""


def _mean(value: float | None) -> str:
    return "not applicable" if value is None else f"{value:.3f}"


def _cost(usd: float | None) -> str:
    return "nothing" if usd == 0 else shown_usd(usd)


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1e3:.1f} ms"
