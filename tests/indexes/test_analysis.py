"""From text to terms: words, stop words and stems, as bm25s makes them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import get_args

import bm25s
import pytest
import Stemmer
from bm25s.stopwords import STOPWORDS_EN
from hypothesis import given
from hypothesis import strategies as st

from indexes.analysis import ENGLISH_STOP_WORDS, Stemming, query_terms, term_maker, words

LANGUAGES = [language for language in get_args(Stemming) if language != "none"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Cat's 2 mats, e.g. no. 42!", ["the", "cat", "mats", "no", "42"]),
        ("naïve ÜBER-groß snake_case", ["naïve", "über", "groß", "snake_case"]),
        ("日本語 I/O x86-64", ["日本語", "x86", "64"]),
        (" a . ,\r\n", []),
        ("", []),
    ],
)
def test_words_have_two_or_more_characters_and_no_capitals(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(text=st.text())
def test_words_are_those_of_bm25s(text: str) -> None:
    assert words(text) == bm25s.tokenize([text], stopwords=[], return_ids=False, show_progress=False)[0]


def test_the_stop_words_are_those_of_published_figures() -> None:
    assert frozenset(STOPWORDS_EN) == ENGLISH_STOP_WORDS
    assert len(ENGLISH_STOP_WORDS) == 33


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_a_stemmer(language: Stemming) -> None:
    assert language in Stemmer.algorithms()
    make = term_maker(language, "none")
    assert [make(word) for word in ("national", "the", "42")] == Stemmer.Stemmer(language).stemWords(
        ["national", "the", "42"]
    )


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("english", "connections", "connected"),
        ("german", "häuser", "haus"),
        ("french", "continuellement", "continuelle"),
        ("spanish", "gatos", "gato"),
        ("swedish", "flickorna", "flicka"),
    ],
)
def test_forms_of_a_word_meet_in_their_language(language: Stemming, one: str, other: str) -> None:
    make = term_maker(language, "none")
    assert make(one) == make(other)
    whole = term_maker("none", "none")
    assert (whole(one), whole(other)) == (one, other)


def test_stop_words_are_compared_before_stemming() -> None:
    make = term_maker("english", "english")
    assert make("be") is None
    assert make("being") == "be"  # its stem is a stop word, the word is not
    assert term_maker("english", "none")("be") == "be"


def test_the_terms_of_a_query_keep_order_and_count() -> None:
    assert query_terms("Fish and the fishing of a CAT: fished", "english", "english") == (("fish", 3), ("cat", 1))
    assert query_terms("Fish and fishing", "none", "none") == (("fish", 1), ("and", 1), ("fishing", 1))
    assert query_terms("?!", "english", "english") == ()


def test_threads_do_not_share_a_stemmer() -> None:
    texts = [f"nationalities{number} connecting running{number} flies" for number in range(300)]
    alone = [query_terms.__wrapped__(text, "english", "none") for text in texts]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda text: query_terms(text, "english", "none"), texts))
    assert together == alone
