"""From text to the terms that lexical search compares: words, stop words, stems."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import Stemmer

Stemming = Literal[
    "english",
    "none",
    "danish",
    "dutch",
    "finnish",
    "french",
    "german",
    "italian",
    "norwegian",
    "portuguese",
    "russian",
    "spanish",
    "swedish",
]
"""Languages whose Snowball stemmer reduces words to stems; `none` leaves them whole."""

StopWords = Literal["english", "none"]

_LUCENE_STOP_WORDS = (
    "a an and are as at be but by for if in into is it no not of on or such that the their then there these they this "
    "to was will with"
)
ENGLISH_STOP_WORDS = frozenset(_LUCENE_STOP_WORDS.split())
"""Lucene's list, which bm25s calls `en`; published BM25 figures are made with it."""

_WORD = re.compile(r"(?u)\b\w\w+\b")


def words(text: str) -> list[str]:
    """Return the lower-cased words of two or more word characters, as scikit-learn and bm25s split them."""
    return _WORD.findall(text.lower())


def term_maker(stemming: Stemming, stop_words: StopWords) -> Callable[[str], str | None]:
    """Return a function from a lower-cased word to its term, None for a stop word. One thread at a time may call it.

    Stop words are compared before stemming.
    """
    stopped = ENGLISH_STOP_WORDS if stop_words == "english" else frozenset[str]()
    if stemming == "none":
        return lambda word: None if word in stopped else word
    stem: Callable[[str], str] = Stemmer.Stemmer(stemming, 0).stemWord
    return lambda word: None if word in stopped else stem(word)


def terms_of(text: str, stemming: Stemming, stop_words: StopWords) -> tuple[tuple[str, int], ...]:
    """Return the terms of a text in order of first appearance, each with how often it occurs."""
    make = term_maker(stemming, stop_words)
    return tuple(Counter(term for term in map(make, words(text)) if term is not None).items())


query_terms = lru_cache(maxsize=256)(terms_of)
"""`terms_of` for queries, which come again; texts of documents must not be remembered here."""
