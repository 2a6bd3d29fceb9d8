"""BM25: a corpus computed by hand, bm25s as a second opinion, and what each setting does."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import bm25s
import numpy as np
import pytest
import Stemmer
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from configs.errors import ConflictError
from indexes.stores import Query, Searcher, SegmentRows
from indexes.stores.bm25 import Bm25

CORPUS = ["the cat sat", "a cat and a dog: cats", "birds sing"]
"""Terms: cat sat | cat dog cat | bird sing. N = 3, average length 7 / 3."""


def open_corpus(location: Path, texts: list[str], **settings: Any) -> Searcher:
    store = Bm25.model_validate({"kind": "bm25", **settings})
    if not any(location.iterdir()):
        store.build(SegmentRows(texts=texts), location)
    return store.open(location)


def scores_of(searcher: Searcher, text: str) -> list[float]:
    query = Query(text=text)
    return [
        float(score) for score in searcher.scores(query, np.arange(searcher.rows), searcher.statistics(query, None))
    ]


def generated_texts(count: int) -> list[str]:
    """Return texts of 0 to 80 words; the n-th of 400 words is drawn with weight 1 / n, as in natural language."""
    generator = np.random.default_rng(7)
    words = [f"{stem}{ending}" for stem in ("walk", "connect", "fish", "nation") for ending in _endings()]
    weights = 1 / np.arange(1, len(words) + 1)
    lengths = generator.integers(0, 80, count)
    return [" ".join(generator.choice(words, length, p=weights / weights.sum())) for length in lengths]


def _endings() -> list[str]:
    return ["", "s", "ed", "ing", "ality", "ious"] + [f"{letter}{number}" for letter in "abc" for number in range(30)]


def test_a_hand_computed_corpus(tmp_path: Path) -> None:
    searcher = open_corpus(tmp_path, CORPUS)
    idf_of_cat = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    idf_of_sat = math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))
    average = 7 / 3
    norm_of_first = 1.2 * (0.25 + 0.75 * 2 / average)
    norm_of_second = 1.2 * (0.25 + 0.75 * 3 / average)
    first = (idf_of_cat + idf_of_sat) * 1 / (1 + norm_of_first)
    second = idf_of_cat * 2 / (2 + norm_of_second)
    assert scores_of(searcher, "Where has the CAT sat?") == pytest.approx([first, second, 0], abs=1e-6)
    assert [first, second] == pytest.approx([0.700402, 0.271903], abs=1e-6)


def test_statistics_count_terms_of_the_permitted_rows(tmp_path: Path) -> None:
    searcher, query = open_corpus(tmp_path, CORPUS), Query(text="cats sat there singing")
    everything = searcher.statistics(query, None)
    assert (everything.rows, everything.total_tokens) == (3, 7)
    assert everything.document_frequencies == {"cat": 2, "sat": 1, "sing": 1}
    permitted = searcher.statistics(query, np.array([False, True, True]))
    assert (permitted.rows, permitted.total_tokens) == (2, 5)
    assert +permitted.document_frequencies == {"cat": 1, "sing": 1}


def test_only_rows_that_share_a_term_are_found(tmp_path: Path) -> None:
    searcher = open_corpus(tmp_path, CORPUS)
    for text, expected in (("singing cats", [2, 1, 0]), ("the and", []), ("unheard", []), ("", [])):
        query = Query(text=text)
        rows, scores = searcher.search(query, None, 10, searcher.statistics(query, None))
        assert rows.tolist() == expected
        assert (scores > 0).all()


@pytest.mark.parametrize("settings", [{}, {"k1": 0.9, "b": 0.4}, {"k1": 3, "b": 1}, {"k1": 0, "b": 0}])
@pytest.mark.parametrize("stemming", ["english", "none"])
def test_scores_are_those_of_bm25s(tmp_path: Path, settings: dict[str, float], stemming: str) -> None:
    texts = generated_texts(300)
    queries = [" ".join(text.split()[:8]) for text in texts[:40] if text] + ["walking walked nation fish fish fish"]
    stemmer = Stemmer.Stemmer("english") if stemming == "english" else None
    analysis = {"stopwords": "en", "stemmer": stemmer, "show_progress": False}
    oracle = bm25s.BM25(method="lucene", **({"k1": 1.2, "b": 0.75} | settings))
    oracle.index(bm25s.tokenize(texts, **analysis), show_progress=False)
    searcher = open_corpus(tmp_path, texts, stemming=stemming, **settings)
    for query, tokens in zip(queries, bm25s.tokenize(queries, return_ids=False, **analysis), strict=True):
        expected = oracle.get_scores(tokens)
        assert expected.max() > 0.5
        np.testing.assert_allclose(scores_of(searcher, query), expected, atol=1e-4)


def test_a_repeated_word_of_the_query_counts_as_often(tmp_path: Path) -> None:
    searcher = open_corpus(tmp_path, CORPUS)
    once, thrice = scores_of(searcher, "dog"), scores_of(searcher, "dog dogs DOG")
    assert once[1] > 0
    assert thrice == pytest.approx([3 * score for score in once], abs=2e-6)


@given(
    words=st.lists(st.sampled_from(["cat", "sat", "dog", "bird", "absent"]), min_size=1, max_size=6),
    scale=st.floats(0.1, 2),
)
def test_weights_in_proportion_to_the_counts_scale_every_score(
    tmp_path_factory: pytest.TempPathFactory, words: list[str], scale: float
) -> None:
    searcher = open_corpus(tmp_path_factory.mktemp("weights"), CORPUS)
    weights = tuple((term, scale * count) for term, count in Bm25(kind="bm25").terms(" ".join(words)))
    weighted = Query(text="of no account", term_weights=weights)
    statistics = searcher.statistics(weighted, None)
    scores = searcher.scores(weighted, np.arange(searcher.rows), statistics)
    expected = [scale * score for score in scores_of(searcher, " ".join(words))]
    assert scores.tolist() == pytest.approx(expected, abs=1e-5)
    rows, found = searcher.search(weighted, None, 10, statistics)
    assert dict(zip(rows.tolist(), found.tolist(), strict=True)) == {
        row: score for row, score in enumerate(scores.tolist()) if score
    }


def test_k1_of_0_counts_presence_only_and_a_large_one_counts_occurrences(tmp_path: Path) -> None:
    texts = ["apple", "apple apple apple", "pear"]
    assert len(set(scores_of(open_corpus(tmp_path, texts, k1=0), "apple")[:2])) == 1
    one, three, _ = scores_of(open_corpus(tmp_path, texts, k1=10, b=0), "apple")
    assert three / one == pytest.approx(3 * 11 / 13, abs=1e-4)


def test_b_of_0_ignores_length_and_1_discounts_it(tmp_path: Path) -> None:
    texts = ["apple", "apple pear pear pear pear", "pear"]
    assert len(set(scores_of(open_corpus(tmp_path, texts, b=0), "apple")[:2])) == 1
    short, long, _ = scores_of(open_corpus(tmp_path, texts, b=1), "apple")
    average = 7 / 3
    assert short / long == pytest.approx((1 + 1.2 * 5 / average) / (1 + 1.2 / average), abs=1e-4)


@pytest.mark.parametrize(
    ("settings", "finds_other_form", "finds_stop_word"),
    [
        ({}, True, False),
        ({"stemming": "none"}, False, False),
        ({"stop_words": "none"}, True, True),
        ({"stemming": "none", "stop_words": "none"}, False, True),
    ],
)
def test_stemming_and_stop_words(
    tmp_path: Path, settings: dict[str, str], finds_other_form: bool, finds_stop_word: bool
) -> None:
    searcher = open_corpus(tmp_path, CORPUS, **settings)
    assert (scores_of(searcher, "bird")[2] > 0) == finds_other_form
    assert (scores_of(searcher, "the")[0] > 0) == finds_stop_word


def test_baked_settings_are_not_mixed(tmp_path: Path) -> None:
    open_corpus(tmp_path, CORPUS, stemming="english")
    with pytest.raises(ConflictError, match=r"stemming english.*stemming german") as caught:
        open_corpus(tmp_path, CORPUS, stemming="german")
    assert caught.value.code == "segment_format_mismatch"
    with pytest.raises(ConflictError, match=r"stop_words english.*stop_words none"):
        open_corpus(tmp_path, CORPUS, stop_words="none")


def test_adding_a_segment_changes_scores_only_through_statistics(tmp_path: Path) -> None:
    """Another index's rows never count: scores depend on the statistics handed in, and on nothing else."""
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
    ours = open_corpus(tmp_path / "ours", CORPUS)
    before = scores_of(ours, "cat dog")
    theirs = open_corpus(tmp_path / "theirs", ["cat"] * 50)
    assert scores_of(ours, "cat dog") == before
    query = Query(text="cat dog")
    total = ours.statistics(query, None) + theirs.statistics(query, None)
    after = ours.scores(query, np.arange(3), total)
    assert after[0] < before[0]  # cat became common, dog rare
    assert total.document_frequencies == {"cat": 52, "dog": 1}


def test_ties_at_the_end_of_the_list_go_to_the_first_rows(tmp_path: Path) -> None:
    texts = ["pear"] * 3 + ["apple pie"] * 400 + ["apple apple pie"]
    searcher, query = open_corpus(tmp_path, texts), Query(text="apple")
    rows, scores = searcher.search(query, None, 7, searcher.statistics(query, None))
    assert rows.tolist() == [403, 3, 4, 5, 6, 7, 8]
    assert len(set(scores[1:].tolist())) == 1


@pytest.mark.parametrize(
    "setting", [{"k1": -1}, {"k1": 11}, {"k1": math.nan}, {"b": -0.1}, {"b": 1.5}, {"b": math.inf}]
)
def test_settings_out_of_bounds_are_refused(setting: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match=next(iter(setting))):
        Bm25.model_validate({"kind": "bm25", **setting})


def test_live_settings_are_not_part_of_the_fingerprint() -> None:
    default = Bm25(kind="bm25")
    assert default.fingerprint == Bm25(kind="bm25", k1=2, b=0.1).fingerprint
    assert len({default.fingerprint, Bm25(kind="bm25", stemming="none").fingerprint}) == 2
    assert default.fingerprint != Bm25(kind="bm25", stop_words="none").fingerprint
