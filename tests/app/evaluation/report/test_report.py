"""The report says what was found, all ten decisions, and nothing that was not measured."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from app.evaluation.economics.advice import ASSUMED, MEASURED, NOT_MEASURABLE
from app.evaluation.report.content import Content, Economy, gather
from app.evaluation.report.decisions import decisions
from app.evaluation.report.html import html_report
from app.evaluation.report.markdown import markdown_report
from app.evaluation.report.sentences import headline, margin_sentence
from configs.errors import ConflictError
from tests.app.evaluation.experiments.laboratory import EVERYTHING, NOTHING, QUESTIONS, Laboratory, words
from tests.app.evaluation.world import World, asked

QUOTED = '<img src="http://elsewhere/x.png"> | *bold*'


@pytest.fixture
def laboratory(world: World) -> Laboratory:
    return Laboratory(world)


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


def test_all_ten_decisions_have_an_answer_a_number_and_a_status(laboratory: Laboratory) -> None:
    rows = decisions(finished(laboratory))
    assert len(rows) == len({row.question for row in rows}) == 10
    for row in rows:
        assert row.answer
        assert row.number
        assert row.flip_point
        assert row.status in (MEASURED, ASSUMED, NOT_MEASURABLE)
    unmeasurable = [row.question for row in rows if row.status == NOT_MEASURABLE]
    assert "Big or small model?" in unmeasurable
    assert "How often is an answer unsupported?" in unmeasurable


def test_wins_and_losses_show_what_both_sent(laboratory: Laboratory) -> None:
    content = finished(laboratory)
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


def test_both_reports_name_every_strategy_and_pair(laboratory: Laboratory) -> None:
    content = finished(laboratory)
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


def test_a_headline_without_a_winner(laboratory: Laboratory) -> None:
    content = finished(laboratory)
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
