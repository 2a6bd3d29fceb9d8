"""The report says what was found, all ten decisions, and nothing that was not measured."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from app.evaluation.economics.advice import ASSUMED, MEASURED, NOT_MEASURABLE
from app.evaluation.report.content import Content, Economy, gather
from app.evaluation.report.decisions import decisions
from app.evaluation.report.html import html_report
from app.evaluation.report.markdown import markdown_report
from app.evaluation.report.personalisation import personalisation_table
from app.evaluation.report.sentences import headline, margin_sentence
from configs.errors import ConflictError
from tests.app.evaluation.experiments.clientele import at_random, plant
from tests.app.evaluation.experiments.laboratory import EVERYTHING, NOTHING, QUESTIONS, Laboratory, both, words
from tests.app.evaluation.world import World, asked

QUOTED = '<img src="http://elsewhere/x.png"> | *bold*'


@pytest.fixture
def laboratory(world: World) -> Laboratory:
    return Laboratory(world)


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Content]:
    """Yield what is said of the usual experiment; no test changes it."""
    world = World(tmp_path_factory.mktemp("report"))
    yield finished(Laboratory(world))
    world.close()


def content_of(laboratory: Laboratory, experiment_id: str, **economy: object) -> Content:
    with laboratory.world.database.read() as session:
        experiment = laboratory.experiment(experiment_id)
        return gather(session, experiment, Economy.model_validate(economy))


def finished(laboratory: Laboratory, **fields: object) -> Content:
    metrics = [{"kind": "recall_at_tokens", "budget_tokens": budget} for budget in (16, 32, 64)]
    some = {"metrics": metrics, "latency_requests": 100, **fields}
    experiment_id = laboratory.create(words(16), words(64), NOTHING, EVERYTHING, **some)
    laboratory.finish(experiment_id)
    return content_of(laboratory, experiment_id)


def test_all_ten_decisions_have_an_answer_a_number_and_a_status(content: Content) -> None:
    rows = decisions(content)
    assert len(rows) == len({row.question for row in rows}) == 10
    for row in rows:
        assert row.answer
        assert row.number
        assert row.flip_point
        assert row.status in (MEASURED, ASSUMED, NOT_MEASURABLE)
    unmeasurable = [row.question for row in rows if row.status == NOT_MEASURABLE]
    assert "Big or small model?" in unmeasurable
    assert "How often is an answer unsupported?" in unmeasurable


def test_personalisation_is_decided_where_users_took_part_and_only_there(
    laboratory: Laboratory, content: Content
) -> None:
    (untested,) = [row for row in decisions(content) if row.question == "Personalise?"]
    assert (untested.status, untested.number) == (NOT_MEASURABLE, "no user took part")
    choice = at_random(1)
    plant(laboratory, choice, choice)
    off = {"personalisation": dict.fromkeys(("profile", "history", "memories", "preferences", "feedback"), False)}
    experiment_id = laboratory.create(
        words(64), {**words(64), "label": "for nobody", "context": off}, question_set="clientele",
        metrics=[{"kind": "mrr", "k": 10}],
    )  # fmt: skip
    (one,) = laboratory.finish(experiment_id).personalisation
    tested = content_of(laboratory, experiment_id)
    (decided,) = [row for row in decisions(tested) if row.question == "Personalise?"]
    assert decided.status == MEASURED
    assert decided.answer == f"{one.sentences[0]} (words 64)"
    gain = one.findings.comparisons.gain.difference
    assert gain is not None
    assert f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] mrr@10, 12 users" in decided.number
    table = personalisation_table(tested)
    (row,) = table.rows
    assert len(row) == len(table.head)
    assert row[0] == "words 64"
    assert row[-1] == one.findings.conclusion_sentence
    for report in (markdown_report(tested), html_report(tested)):
        assert ("## Personalisation" in report) or ("<h2>Personalisation</h2>" in report)
        assert one.findings.conclusion_sentence in report
    assert "Personalisation" not in markdown_report(content)


def test_wins_and_losses_show_what_both_sent(content: Content) -> None:
    assert content.pair is not None
    first, second = content.pair.first, content.pair.second
    metric = content.findings.metric
    assert (content.strategy(first).means[metric] or 0) >= (content.strategy(second).means[metric] or 0)
    assert len(content.wins) <= 5
    for extreme in content.wins:
        assert extreme.difference == extreme.first_score - extreme.second_score > 0
        assert extreme.first_excerpts
        assert all(excerpt for excerpt in extreme.first_excerpts)
    assert [one.difference for one in content.wins] == sorted((one.difference for one in content.wins), reverse=True)
    assert all(one.difference < 0 for one in content.losses)


def test_the_margin_is_said_in_passages(laboratory: Laboratory) -> None:
    content = finished(laboratory, margin=0.35)
    assert "about 2 more of 6 marked passages" in margin_sentence(content)


def test_both_reports_name_every_strategy_and_pair(content: Content) -> None:
    for report in (markdown_report(content), html_report(content)):
        for label in ("words 16", "words 64", "nothing", "everything"):
            assert label in report
        for said in ("Valid until", "no answers were generated", content.experiment.question_set_hash):
            assert said in report


def test_the_page_is_whole_and_asks_nobody(laboratory: Laboratory) -> None:
    laboratory.world.add("nasty", f"What {QUOTED} means is known to few. It is a riddle of the woods.")
    laboratory.world.save("trees2", *QUESTIONS, asked(f"What means {QUOTED}?", {"document_id": "nasty"}))
    page = html_report(finished(laboratory, question_set="trees2", name=f"About {QUOTED}"))
    assert "<img" not in page
    assert "<script" not in page
    opened: list[str] = []
    addresses: list[str | None] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            opened.append(tag)
            addresses.extend(value for name, value in attrs if name in ("src", "href", "srcset", "data", "action"))

    Tags().feed(page)
    assert addresses == []
    assert "url(" not in page
    assert opened.count("svg") == page.count("</svg>") >= 3
    for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ElementTree.fromstring(svg)


def test_markdown_takes_nothing_for_markup(laboratory: Laboratory) -> None:
    laboratory.world.add("nasty", f"What {QUOTED} means is known to few. It is a riddle of the woods.")
    laboratory.world.save("trees2", *QUESTIONS, asked(f"What means {QUOTED}?", {"document_id": "nasty"}))
    report = markdown_report(finished(laboratory, question_set="trees2"))
    assert "<img" not in report.replace("\\<img", "")
    for line in report.splitlines():
        if line.startswith("|"):
            assert line.endswith("|")


def test_tables_stand_only_where_there_is_something_to_show(laboratory: Laboratory) -> None:
    laboratory.world.save("answerable", *QUESTIONS[:3])
    content = finished(laboratory, question_set="answerable")
    for report in (markdown_report(content), html_report(content)):
        assert all(title in report for title in ("Time by stage", "Ingest"))
        assert not any(title in report for title in ("Answer or refuse", "Marked spans and marked documents"))


def test_kinds_of_labels_stand_apart_and_refusing_is_weighed(laboratory: Laboratory) -> None:
    laboratory.world.save("trees2", *QUESTIONS, asked("What is said of oaks?", {"document_id": "oak"}))
    metrics = [{"kind": "mrr", "k": 10}]
    spans = len(QUESTIONS) - 1
    content = finished(laboratory, question_set="trees2", metrics=metrics)
    for one in content.contestants:
        kinds = {kind.kind: kind for kind in one.label_kinds}
        assert {name: kind.questions for name, kind in kinds.items()} == {"documents": 1, "spans": spans}
        parts = [(kind.means["mrr@10"] or 0.0) * kind.questions for kind in kinds.values()]
        assert sum(parts) / (spans + 1) == pytest.approx(one.means["mrr@10"])
        assert [point.unanswerable for point in one.abstention] == [1] * len(one.abstention)
        assert one.abstention[0].false_refusals == 0
    for report in (markdown_report(content), html_report(content)):
        assert "Answer or refuse" in report
        assert "Marked spans and marked documents" in report


def test_stages_add_up_and_ingest_is_charged_in_full(laboratory: Laboratory) -> None:
    experiment_id = laboratory.create(both(16, 64), both(32, 64), latency_requests=100)
    laboratory.finish(experiment_id)
    content = content_of(laboratory, experiment_id)
    for one in content.contestants:
        assert {"embedding", "database", "assembly"} <= set(one.stage_seconds)
        assert one.latency is not None
        assert one.latency.p50 is not None
        assert 0 < sum(one.stage_seconds.values()) < 3 * one.latency.p50.seconds
        assert one.embedded_tokens is not None
        assert one.indexed_tokens is not None
        assert one.embedded_tokens >= one.indexed_tokens
    label = content.contestants[0].label
    dear = content_of(
        laboratory, content.experiment.id, embedding_usd_per_million_tokens=500, reembedded_share_per_month=0.5
    )
    tokens = content.contestants[0].embedded_tokens or 0
    assert dear.ingest_costs[label].usd_once == pytest.approx(tokens * 5e-4)
    assert dear.ingest_costs[label].usd_per_month == pytest.approx(tokens * 2.5e-4)


def test_a_headline_without_a_winner(content: Content) -> None:
    assert "No strategy was shown to be better" in headline(content) or "better than every other" in headline(content)


def test_an_unknown_price_is_said_and_no_amount_is_shown(laboratory: Laboratory) -> None:
    experiment_id = laboratory.create(words(16), words(64))
    laboratory.finish(experiment_id)
    content = content_of(laboratory, experiment_id, model="no-such-model")
    assert content.price is None
    assert "$" not in markdown_report(content)
    assert "price unknown" in markdown_report(content)


def test_an_unfinished_experiment_has_no_report(laboratory: Laboratory) -> None:
    experiment_id = laboratory.create(words(16), words(64))
    with pytest.raises(ConflictError) as caught:
        content_of(laboratory, experiment_id)
    assert caught.value.code == "experiment_unfinished"
