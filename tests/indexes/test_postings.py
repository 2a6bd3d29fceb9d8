"""Inverted lists: they say of every text what counting its words says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexes.analysis import ENGLISH_STOP_WORDS, term_maker, words
from indexes.array_file import write_arrays
from indexes.postings import Postings, build_postings

WHOLE = term_maker("none", "english")
TEXTS = st.lists(
    st.one_of(st.text(max_size=30), st.lists(st.sampled_from(["aa", "bb", "the", "ßß", "日本"])).map(" ".join))
)


def counted(texts: list[str]) -> list[Counter[str]]:
    return [Counter(word for word in words(text) if word not in ENGLISH_STOP_WORDS) for text in texts]


def listed(postings: Postings, term: str) -> dict[int, int]:
    places = postings.places(term)
    return dict(zip(postings.rows[places].tolist(), postings.counts[places].tolist(), strict=True))


@given(texts=TEXTS)
def test_postings_are_the_counts_of_the_texts(texts: list[str]) -> None:
    postings, counts = build_postings(texts, WHOLE), counted(texts)
    assert postings.lengths.tolist() == [count.total() for count in counts]
    assert postings.total_tokens == sum(count.total() for count in counts)
    for term in set().union(*counts):
        expected = {row: count[term] for row, count in enumerate(counts) if term in count}
        assert listed(postings, term) == expected
        assert list(listed(postings, term)) == sorted(expected)
    assert len(postings.rows) == sum(map(len, counts))


@given(texts=TEXTS, absent=st.text(max_size=8))
def test_a_term_that_no_text_holds_has_no_places(texts: list[str], absent: str) -> None:
    postings = build_postings(texts, WHOLE)
    if not any(absent in count for count in counted(texts)):
        assert postings.places(absent) == slice(0, 0)


def test_words_of_one_term_are_counted_together() -> None:
    postings = build_postings(["fish fishing", "the fished fishes cat"], term_maker("english", "english"))
    assert listed(postings, "fish") == {0: 2, 1: 2}
    assert listed(postings, "the") == listed(postings, "fishing") == {}
    assert postings.lengths.tolist() == [2, 3]


@pytest.mark.parametrize(
    "texts", [[], [""], ["the", "a"], ["aa bb aa", "", "bb"], ["w" * 100_000 + " " + "v" * 70_000]]
)
def test_what_is_written_is_opened(tmp_path: Path, texts: list[str]) -> None:
    built = build_postings(texts, WHOLE)
    built.write(tmp_path / "postings")
    opened = Postings.open(tmp_path / "postings")
    assert opened.lengths.tolist() == built.lengths.tolist()
    assert opened.total_tokens == built.total_tokens
    for term in {word for text in texts for word in words(text)} | {"zz", ""}:
        assert listed(opened, term) == listed(built, term)


def test_files_do_not_depend_on_the_order_in_which_terms_appear(tmp_path: Path) -> None:
    """The vocabulary is sorted, so that equal contents have equal checksums."""
    for name, text in (("one", "bb aa cc aa"), ("other", "aa aa cc bb")):
        build_postings([text], WHOLE).write(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_another_set_of_arrays_is_refused(tmp_path: Path) -> None:
    write_arrays(tmp_path / "postings", {"lengths": np.arange(3, dtype=np.int32)})
    with pytest.raises(TypeError, match="term_bytes"):
        Postings.open(tmp_path / "postings")


def test_a_count_may_pass_what_two_bytes_hold() -> None:
    postings = build_postings(["aa " * 70_000], WHOLE)
    assert listed(postings, "aa") == {0: 70_000}
