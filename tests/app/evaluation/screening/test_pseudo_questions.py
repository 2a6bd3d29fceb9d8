"""Questions are made of the passage's words, their gold is the passage without what is left out, and seeds repeat."""

from __future__ import annotations

from functools import lru_cache

import pytest

from app.evaluation.screening.material import content_words
from app.evaluation.screening.pseudo_questions import (
    FAMILIES,
    KEYPHRASE_WORDS,
    KINDS,
    OVERLAP_WORDS,
    Kind,
    Made,
    PseudoQuestion,
    make_questions,
    title_spans,
)
from app.evaluation.screening.sources import Source
from app.evaluation.version_span import VersionSpan
from configs.span import Span
from tests.app.evaluation.screening.library import sources_of, title_of, topic_texts

TEXTS = topic_texts(documents=40)
TITLES = {name: title_of(text) for name, text in TEXTS.items()}


@lru_cache
def made_with(seed: int = 1, overlap: float = 0.5) -> Made:
    return make_questions(sources_of(TEXTS, TITLES), per_kind=20, overlap=overlap, seed=seed)


def gold_texts(question: PseudoQuestion) -> list[str]:
    """Return the marked texts."""
    places = [label.place for label in question.gold.labels]
    return [TEXTS[place.version_id[:-2]][place.span.start : place.span.end] for place in places if place is not None]


def test_families_hold_every_kind_once() -> None:
    assert sorted(kind for kinds in FAMILIES.values() for kind in kinds) == sorted(KINDS)
    assert FAMILIES["lookup"] == ("passage_keyphrases", "overlap_matched_passage")


def test_every_kind_gives_as_many_questions_as_asked_for_with_unique_ids() -> None:
    made = made_with()
    assert {kind: len(questions) for kind, questions in made.questions.items()} == dict.fromkeys(KINDS, 20)
    assert made.not_available == {}
    ids = [question.id for questions in made.questions.values() for question in questions]
    assert len(set(ids)) == len(ids)


def test_the_same_seed_gives_the_same_questions_and_another_others() -> None:
    again = make_questions(sources_of(TEXTS, TITLES), per_kind=20, overlap=0.5, seed=1)
    assert again == made_with()
    for kind in KINDS:
        other = {question.text for question in made_with(seed=2).questions[kind]}
        assert other != {question.text for question in made_with().questions[kind]}


def test_keyphrases_stand_in_the_passage_in_that_order() -> None:
    for question in made_with().questions["passage_keyphrases"]:
        (text,) = gold_texts(question)
        asked, found = question.text.split(), list(dict.fromkeys(content_words(text)))
        assert [word for word in found if word in asked] == asked
        assert len(asked) == KEYPHRASE_WORDS
        assert text.count(".") in (3, 4, 5)


def test_keyphrases_are_the_frequent_and_rare_words() -> None:
    common = "The garden grows slowly today indeed."
    texts = {
        f"d{number}": f"Zebra{number} zebra{number} sings. {common} Quagga{number} and quagga{number} rest. {common}"
        for number in range(12)
    }
    questions = make_questions(sources_of(texts), per_kind=12, overlap=0.5, seed=1).questions["passage_keyphrases"]
    for question in questions:
        words = question.text.split()
        assert {word.rstrip("0123456789") for word in words} >= {"zebra", "quagga", "garden"}


@pytest.mark.parametrize("overlap", [0.25, 0.5, 1.0])
def test_overlap_matched_questions_share_exactly_that_much_with_their_passage(overlap: float) -> None:
    for question in made_with(overlap=overlap).questions["overlap_matched_passage"]:
        words = set(content_words(gold_texts(question)[0]))
        assert sum(word in words for word in question.text.split()) == overlap * OVERLAP_WORDS
        assert len(question.text.split()) == OVERLAP_WORDS


@pytest.mark.parametrize("kind", ["sentence_left_out", "overlap_matched_left_out"])
def test_gold_is_the_passage_around_the_sentence_left_out(kind: Kind) -> None:
    for question in made_with().questions[kind]:
        left_out = question.left_out
        assert left_out is not None
        assert left_out.title == ""
        (sentence,) = left_out.spans
        places = [label.place.span for label in question.gold.labels if label.place is not None]
        assert 1 <= len(places) <= 2
        assert all(not place.overlap(sentence) for place in places)
        assert all(min(abs(p.end - sentence.start), abs(sentence.end - p.start)) == 1 for p in places)
        said = TEXTS[left_out.document_id][sentence.start : sentence.end]
        assert sum(text.count(".") for text in gold_texts(question)) in (2, 3, 4)
        if kind == "sentence_left_out":
            assert question.text == said
        else:
            assert sum(word in content_words(said) for word in question.text.split()) == OVERLAP_WORDS / 2


def test_a_title_asks_for_a_passage_of_its_document() -> None:
    questions = made_with().questions["title_left_out"]
    assert len({question.text for question in questions}) == 20
    for question in questions:
        assert question.left_out is not None
        assert question.text == question.left_out.title == TITLES[question.left_out.document_id]
        assert [label.document_id for label in question.gold.labels] == [question.left_out.document_id]


def test_titles_take_thirty_documents_that_have_one_of_their_own() -> None:
    few = {name: title if int(name[-2:]) < 29 else "Notes" for name, title in TITLES.items()}
    made = make_questions(sources_of(TEXTS, few), per_kind=20, overlap=0.5, seed=1)
    assert "title_left_out" not in made.questions
    assert made.not_available == {"title_left_out": "29 documents have a title of their own; 30 are needed"}


def test_without_passages_no_kind_is_available() -> None:
    made = make_questions(sources_of({"d": "One sentence. And two."}), per_kind=20, overlap=0.5, seed=1)
    assert made.questions == {}
    assert set(made.not_available) == set(KINDS)
    assert made.not_available["sentence_left_out"] == "the documents give 0 such questions; 10 are needed"


def test_text_that_stands_elsewhere_counts_as_found_and_is_never_left_out() -> None:
    texts = {**topic_texts(documents=6), "copy": "Preface before all. " + topic_texts(documents=6)["doc-00"]}
    sources: dict[str, Source] = {source.document_id: source for source in sources_of(texts)}
    made = make_questions(list(sources.values()), per_kind=100, overlap=0.5, seed=1)
    in_copied = [
        label
        for question in made.questions["passage_keyphrases"]
        for label in question.gold.labels
        if label.document_id == "doc-00"
    ]
    assert in_copied
    for label in in_copied:
        assert label.place is not None
        shift = len("Preface before all. ")
        span = Span(label.place.span.start + shift, label.place.span.end + shift)
        assert label.copies == (VersionSpan("copy-v", span),)
    for question in made.questions["sentence_left_out"]:
        assert question.left_out is not None
        assert question.left_out.document_id not in ("doc-00", "copy")


def test_a_title_is_left_out_where_it_makes_up_a_line() -> None:
    text = "# Refund  policy #\n\nThe refund policy is short.\nREFUND POLICY\nRefund policy of old"
    spans = list(title_spans(text, "Refund policy"))
    assert [text[span.start : span.end] for span in spans] == ["Refund  policy", "REFUND POLICY"]
    assert list(title_spans(text, "(a+)+")) == []
