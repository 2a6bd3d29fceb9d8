"""Sentences lie where readers see them, and passages are consecutive ones."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.screening import sources
from app.evaluation.screening.sources import Source, cut_passages, draw_sources, make_source
from configs.part import JsonObject
from tests.app.evaluation.screening.library import sources_of
from tests.app.evaluation.world import World

PIECES = ["One bear.", "Dr. Who ate 3.5 pies!", "what now?", "\n\n", "\n", "- item", "退款。", "x" * 1_001, "  ", "End"]


def source_of(text: str, *blocks: JsonObject) -> Source:
    """Return a source with the structure."""
    return make_source(document_id="d", version_id="v", title="", text=text, blocks=blocks)


def said(source: Source) -> list[list[str]]:
    """Return the texts of the sentences, run by run."""
    return [[source.text_of(sentence) for sentence in run] for run in source.runs]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One bear. Two wolves!  Three?", ["One bear.", "Two wolves!", "Three?"]),
        ("Dr. Who paid 3.5 coins. He left.", ["Dr. Who paid 3.5 coins.", "He left."]),
        ('"Stop." He stopped.', ['"Stop."', "He stopped."]),
        ("A line that\nwraps here. Next.", ["A line that\nwraps here.", "Next."]),
        ("First paragraph\n\nSecond paragraph", ["First paragraph", "Second paragraph"]),
        ("退款将支付。返金は行われます。", ["退款将支付。", "返金は行われます。"]),
        ("- one item\n- another item", ["- one item", "- another item"]),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert said(source_of(text)) == [expected]


def test_headings_tables_and_code_are_no_sentences_and_end_a_run() -> None:
    text = "Before. Too.\n# Head\nAfter. Last."
    heading = {"kind": "heading", "start": 13, "end": 19, "level": 1, "label": "Head"}
    page = {"kind": "page", "start": 0, "end": len(text), "level": 0, "label": "1"}
    assert said(source_of(text, page, heading)) == [["Before.", "Too."], ["After.", "Last."]]


def test_no_passage_reaches_across_an_endless_sentence() -> None:
    text = f"One. Two. {'X' * 1_001}. Three. Four."
    assert said(source_of(text)) == [["One.", "Two."], ["Three.", "Four."]]


def test_a_text_without_words_has_no_sentences() -> None:
    assert source_of(" \n\n ").runs == ()


@given(st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join))
def test_sentences_cover_every_character_that_is_no_space(text: str) -> None:
    source = source_of(text)
    spans = [sentence for run in source.runs for sentence in run]
    assert spans == sorted(spans)
    assert all(first.end <= second.start for first, second in pairwise(spans))
    assert all(source.text_of(span) == source.text_of(span).strip() for span in spans)
    covered = "".join("".join(source.text_of(span).split()) for span in spans)
    if "x" * 1_001 not in text:
        assert covered == "".join(text.split())


@given(st.integers(0, 30), st.integers(0, 5))
def test_passages_are_three_to_five_sentences_in_a_row(count: int, seed: int) -> None:
    (source,) = sources_of({"d": " ".join(f"Sentence {number}." for number in range(count))})
    passages = cut_passages([source], np.random.default_rng(seed))
    used = [sentence for passage in passages for sentence in passage.sentences]
    assert used == [sentence for run in source.runs for sentence in run][: len(used)]
    assert count - len(used) <= 2
    assert all(3 <= len(passage.sentences) <= 5 for passage in passages)
    assert all(passage.text == source.text_of(passage.span) for passage in passages)


def test_sources_are_the_versions_that_were_served(world: World) -> None:
    world.add_all({"bears": "One bear. Two bears.", "wolves": "A wolf."})
    served = {name: world.version_of(name) for name in ("bears", "wolves")}
    world.add("bears", "Another text.")
    with world.database.read() as session:
        drawn = draw_sources(session, {**served, "gone": "nowhere"}, 1)
    assert [(one.document_id, one.text) for one in drawn] == [("bears", "One bear. Two bears."), ("wolves", "A wolf.")]


def test_documents_are_drawn_until_there_is_text_enough(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MOST_CHARACTERS", 25)
    texts = {f"d{number}": "Ten signs." for number in range(8)}
    world.add_all(texts)
    served = {name: world.version_of(name) for name in texts}
    with world.database.read() as session:
        draws = [[one.document_id for one in draw_sources(session, served, seed)] for seed in (1, 1, 2)]
    assert [len(draw) for draw in draws] == [3, 3, 3]
    assert draws[0] == draws[1] != draws[2]
