"""The hashing embedder against a plain reading of its definition."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
import subprocess
import sys
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ingest.embedders.hashing import Hashing

words = st.text("abcdé1 ", max_size=60)


def hashing(**fields: Any) -> Hashing:
    return Hashing(kind="hashing", **fields)


def hash_of(feature: str) -> int:
    return int.from_bytes(hashlib.blake2b(feature.encode("utf-8"), digest_size=8).digest(), "little")


def expected_vector(text: str, dimensions: int, *, word_pairs: bool, character_ngrams: int) -> list[float]:
    """Compute the definition feature by feature, without numpy."""
    found = re.findall(r"\w+", text.lower())
    hashes = [hash_of(word) for word in found]
    features = list(hashes)
    if word_pairs:
        features += [(a * 0x9E3779B97F4A7C15 + b) % 2**64 for a, b in itertools.pairwise(hashes)]
    for word in found if character_ngrams else []:
        marked = f"<{word[:64]}>"
        features += [
            hash_of("#" + marked[start : start + character_ngrams])
            for start in range(len(marked) - character_ngrams + 1)
        ]
    vector = [0.0] * dimensions
    for feature, count in Counter(features).items():
        vector[feature % dimensions] += (-1 if feature >= 2**63 else 1) * (1 + math.log(count))
    length = math.sqrt(sum(value * value for value in vector))
    return [value / length for value in vector] if length else vector


@given(text=words, dimensions=st.integers(32, 300), word_pairs=st.booleans(), ngrams=st.sampled_from([0, 3, 4, 5]))
def test_it_is_what_its_definition_says(text: str, dimensions: int, word_pairs: bool, ngrams: int) -> None:
    embedder = hashing(dimensions=dimensions, word_pairs=word_pairs, character_ngrams=ngrams)
    expected = expected_vector(text, dimensions, word_pairs=word_pairs, character_ngrams=ngrams)
    if any(expected) or not embedder.count_tokens([text])[0]:  # cancelled features have a test of their own
        np.testing.assert_allclose(embedder.encode([text])[0], expected, atol=1e-6)


def test_a_single_word_stands_where_blake2b_puts_it() -> None:
    """`printf fox | b2sum -l 64` prints 12e107141a5273b7, little-endian: place 0x12 of 256, highest bit set."""
    vector = hashing().encode_query("Fox")
    assert vector.nonzero()[0].tolist() == [0x12]
    assert vector[0x12] == -1.0


def test_a_repeated_word_counts_less_each_time() -> None:
    once, twice = hashing().encode(["fox dog", "fox fox dog"])
    fox, dog = hash_of("fox") % 256, hash_of("dog") % 256
    assert abs(once[fox] / once[dog]) == pytest.approx(1.0)
    assert abs(twice[fox] / twice[dog]) == pytest.approx(1 + math.log(2), rel=1e-6)


def test_text_without_words_is_all_zeros() -> None:
    vectors = hashing(word_pairs=True, character_ngrams=3).encode(["", " \r\n", "… — !?", "👩\u200d👩"])
    assert vectors.shape == (4, 256)
    assert not vectors.any()


def test_words_that_cancel_each_other_still_give_a_vector_of_unit_length() -> None:
    places: dict[int, str] = {}
    for number in range(500):
        word = f"word{number}"
        place, is_negative = hash_of(word) % 32, hash_of(word) >= 2**63
        other = places.setdefault(place, word)
        if (hash_of(other) >= 2**63) != is_negative:
            vector = hashing(dimensions=32).encode_query(f"{other} {word}")
            assert vector[place] == 1.0
            assert np.linalg.norm(vector) == 1.0
            return
    raise AssertionError("no two of 500 words cancel each other in 32 places")


def test_case_does_not_matter_and_order_matters_only_with_word_pairs() -> None:
    plain, pairs = hashing(), hashing(word_pairs=True)
    np.testing.assert_array_equal(plain.encode_query("Cats CHASE mice"), plain.encode_query("mice chase cats"))
    assert plain.encode_query("cats chase mice") @ plain.encode_query("mice chase cats") == pytest.approx(1.0)
    assert pairs.encode_query("cats chase mice") @ pairs.encode_query("mice chase cats") < 0.8


def test_character_ngrams_bring_forms_of_a_word_together() -> None:
    def similarity(embedder: Hashing) -> float:
        return float(embedder.encode_query("retrieval") @ embedder.encode_query("retrieving"))

    assert similarity(hashing(dimensions=4096)) == 0.0
    assert similarity(hashing(dimensions=4096, character_ngrams=3)) > 0.3


def test_a_long_word_costs_no_more_than_its_beginning() -> None:
    embedder = hashing(character_ngrams=3)
    short, long = embedder.encode(["x" * 64, "x" * 64 + "y" * 100_000])
    assert short @ long == pytest.approx(short @ short, abs=0.2)
    assert embedder.count_tokens(["y" * 100_000]) == [1]


def test_another_process_computes_the_same_bytes() -> None:
    """Python's own hash() changes with every process; a cached vector must not."""
    program = (
        "import sys; from ingest.embedders.hashing import Hashing;"
        "embedder = Hashing(kind='hashing', word_pairs=True, character_ngrams=3);"
        "sys.stdout.write(embedder.encode_query('Stable vectors, naïve café').tobytes().hex())"
    )
    outputs = {
        subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout
        for _ in range(2)
    }
    here = hashing(word_pairs=True, character_ngrams=3).encode_query("Stable vectors, naïve café")
    assert outputs == {here.tobytes().hex()}


def test_it_needs_no_model_and_reads_everything() -> None:
    assert not Hashing.is_remote
    assert hashing().window_tokens is None
    assert hashing(dimensions=64).vector_dimensions == 64


@pytest.mark.parametrize("field", ["dimensions", "word_pairs", "character_ngrams"])
def test_every_setting_is_baked_into_the_fingerprint(field: str) -> None:
    changed = {"dimensions": 512, "word_pairs": True, "character_ngrams": 4}[field]
    assert hashing(**{field: changed}).fingerprint != hashing().fingerprint


@pytest.mark.parametrize("fields", [{"dimensions": 31}, {"dimensions": 4097}, {"character_ngrams": 2}, {"stem": True}])
def test_settings_out_of_range_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        hashing(**fields)
