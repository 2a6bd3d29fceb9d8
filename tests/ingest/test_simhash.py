"""Simhash against a plain implementation, and what it takes for near duplicates."""

from __future__ import annotations

import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import simhash, text_measures
from ingest.simhash import hamming_distances, simhashes
from ingest.text_measures import measures_of, near_duplicates
from tests.app.context.library import prose, texts

MASK = (1 << 64) - 1
FACTOR = 0x9E3779B97F4A7C15

NOTICE = (
    "All members are informed that the annual meeting of the housing association takes place on {date} in the small "
    "hall of the town house. The agenda was sent by post and is also displayed in the office. Motions reach the board "
    "in writing no later than two weeks before the meeting. Whoever cannot attend may authorise another member in "
    "writing; nobody represents more than two others. The accounts of the past year can be inspected in the office "
    "during opening hours. After the meeting the board invites all members to coffee and cake in the winter garden."
)


def word_hash(word: bytes) -> int:
    return sum(pow(FACTOR, place, MASK + 1) * (byte + 1) for place, byte in enumerate(word)) & MASK


def mixed(three: list[int]) -> int:
    value = ((three[0] * FACTOR + three[1]) * FACTOR + three[2]) & MASK
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & MASK
    value = (value ^ value >> 27) * 0x94D049BB133111EB & MASK
    return value ^ value >> 31


def plain_simhash(text: str) -> int:
    """Return the majority of each bit, by the definition."""
    text = text.lower()
    if len(text) > 16 * (text.count(" ") + text.count("\n") + 1):
        text = " ".join(text)
    words = [word_hash(word) for word in [*text.encode().split(), b"\0", b"\0", b"\0"]]
    hashes = [mixed(words[place : place + 3]) for place in range(len(words) - 2)]
    return sum(1 << bit for bit in range(64) if 2 * sum(value >> bit & 1 for value in hashes) > len(hashes))


def near_pairs(texts: list[str], distance: int) -> dict[int, dict[int, int]]:
    return near_duplicates(measures_of(texts), distance)


@given(some=st.lists(texts, max_size=6))
def test_hashes_are_those_of_the_definition(some: list[str]) -> None:
    assert simhashes(some).tolist() == [plain_simhash(text) for text in some]


@given(some=st.lists(texts, min_size=1, max_size=8), size=st.integers(1, 400))
def test_batches_change_nothing(some: list[str], size: int) -> None:
    expected = np.concatenate([simhashes([text]) for text in some])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simhash, "BATCH_CHARACTERS", size)
        np.testing.assert_array_equal(simhashes(some), expected)


@pytest.mark.parametrize("words", [253, 254, 255, 256, 510, 1_000])
def test_long_texts_do_not_overflow_their_counters(words: int) -> None:
    text = "same " * words
    assert simhashes([text]).tolist() == [plain_simhash(text)]


def test_letter_case_and_the_amount_of_white_space_do_not_matter() -> None:
    assert len(set(simhashes(["Pay within 14 days", "pay  WITHIN\n14\tdays ", "\r\npay within 14 days"]).tolist())) == 1


@given(values=st.lists(st.integers(0, MASK), max_size=8))
def test_distances_count_differing_bits(values: list[int]) -> None:
    distances = hamming_distances(np.array(values, dtype=np.uint64))
    assert distances.tolist() == [[(one ^ other).bit_count() for other in values] for one in values]


def test_a_notice_with_another_date_is_near_and_another_notice_is_not() -> None:
    other = " ".join(random.Random(1).sample(NOTICE.split(), k=len(NOTICE.split())))
    found = near_pairs([NOTICE.format(date="12 March"), other, NOTICE.format(date="3 April")], 8)
    assert list(found) == [2]
    assert list(found[2]) == [0]
    assert near_pairs([NOTICE.format(date="12 March"), NOTICE.format(date="3 April")], 0) == {}


def test_pairs_name_earlier_texts_with_their_distance() -> None:
    one, other = prose(50, seed=1), prose(50, seed=2)
    assert near_pairs([one, other, one.upper(), other, one], 0) == {2: {0: 0}, 3: {1: 0}, 4: {0: 0, 2: 0}}


def test_a_distance_of_sixteen_finds_what_three_does_not() -> None:
    words = prose(60).split()
    changed = " ".join([*words[:20], "another", *words[21:40], "thing", *words[41:]])
    assert near_pairs([" ".join(words), changed], 3) == {}
    assert 3 < near_pairs([" ".join(words), changed], 16)[1][0] <= 16


def test_texts_without_spaces_are_compared_by_characters() -> None:
    text = "退款将在十四天内支付到您的原付款账户并且我们会通过电子邮件通知您处理结果如有疑问请联系客户服务部门" * 2
    assert list(near_pairs([text, text[:-1] + "间"], 6)) == [1]
    assert near_pairs([text, "".join(reversed(text))], 6) == {}


def test_very_long_texts_are_near_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    text = prose(30)
    monkeypatch.setattr(text_measures, "LONGEST_HASHED_CHARACTERS", len(text))
    assert near_pairs([text + "x", text, text + "x", text.upper()], 3) == {3: {1: 0}}


@pytest.mark.parametrize("some", [[], [""], ["", " ", "\n"]])
def test_empty_input(some: list[str]) -> None:
    assert simhashes(some).shape == (len(some),)
    assert set(near_pairs(some, 3)) == set(range(1, len(some)))


def test_another_process_gets_the_same_hash() -> None:
    code = "from ingest.simhash import simhashes; print(simhashes(['Pay within 14 days'])[0])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(result.stdout) == int(simhashes(["Pay within 14 days"])[0])
