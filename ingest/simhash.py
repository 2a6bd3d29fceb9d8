"""Texts that differ in little, found by simhash: 64 bits of which similar texts share most (Charikar, STOC 2002)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

BITS = 64
SHINGLE_WORDS = 3

LONGEST_AVERAGE_WORD_CHARACTERS = 16
"""Texts with longer words on average are written without spaces (Chinese, Japanese, Thai); their characters serve as
words."""

BATCH_CHARACTERS = 40_000
"""So many are hashed at once: fast while the memory it takes is small."""

GROUP_SHINGLES = 255
"""A counter of one byte holds the sum of so many bits."""

Hashes = npt.NDArray[np.uint64]

_FACTOR = 0x9E3779B97F4A7C15
_INVERSE = pow(_FACTOR, -1, 1 << 64)
_END = " \x00" * SHINGLE_WORDS + " "
"""Words behind each text: no shingle reaches into the next text, and an empty one has a shingle too."""

_IS_SPACE = np.isin(np.arange(256, dtype=np.uint8), np.frombuffer(b" \t\n\r\f\v", dtype=np.uint8))
_COUNTERS = np.unpackbits(np.arange(256, dtype=np.uint8)).view(np.uint64)
"""uint64 [256]: the bits of each byte, each widened to a byte, so that one addition adds eight counters."""

_ONES = np.unpackbits(np.arange(1 << 16, dtype=np.uint16).view(np.uint8)).reshape(-1, 16).sum(axis=1, dtype=np.uint8)
"""uint8 [65536]: how many bits of each 16-bit number are set."""


def near_pairs(hashes: Hashes, distance: int) -> dict[int, dict[int, int]]:
    """Return, by number, the earlier hashes that differ in at most `distance` bits, with how many do."""
    distances = hamming_distances(hashes)
    pairs: dict[int, dict[int, int]] = {}
    for later, earlier in np.argwhere(np.tril(distances <= distance, -1)).tolist():
        pairs.setdefault(later, {})[earlier] = int(distances[later, earlier])
    return pairs


def hamming_distances(hashes: Hashes) -> npt.NDArray[np.uint32]:
    """Return uint32 [hashes, hashes]: in how many bits each two differ."""
    differing = hashes[:, np.newaxis] ^ hashes
    four_counts = _ONES[differing.view(np.uint16)].view(np.uint32)
    sums: npt.NDArray[np.uint32] = (four_counts * np.uint32(0x01010101)) >> np.uint32(24)  # of the four bytes
    return sums


def simhashes(texts: Sequence[str]) -> Hashes:
    """Return uint64 [texts]: each bit is the majority among the hashes of the text's word 3-shingles.

    Letter case and the amount of white space do not matter; a text has the same hash in every process.
    """
    return np.concatenate([np.zeros(0, dtype=np.uint64), *map(_batch, _batches(texts))])


def _batch(texts: Sequence[str]) -> Hashes:
    written = [(_with_spaces(text.lower()) + _END).encode("utf-8") for text in texts]
    values, starts = _words(b"".join(written))
    ends = np.searchsorted(starts, np.cumsum([len(text) for text in written]))
    shingles = np.diff(ends, prepend=0) - SHINGLE_WORDS + 1
    before = np.cumsum(shingles) - shingles
    within = np.arange(shingles.sum()) - np.repeat(before, shingles)
    words = within + np.repeat(ends - shingles - SHINGLE_WORDS + 1, shingles)
    counters = _COUNTERS[_mixed(values)[words].view(np.uint8).reshape(-1, 8)]
    groups = np.flatnonzero(within % GROUP_SHINGLES == 0)
    sums = np.add.reduceat(counters, groups, axis=0).view(np.uint8).reshape(-1, BITS)
    ones = np.add.reduceat(sums, np.searchsorted(groups, before), axis=0, dtype=np.int64)
    return np.packbits(2 * ones > shingles[:, np.newaxis], axis=1).view(np.uint64).ravel()


def _batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    start = characters = 0
    for number, text in enumerate(texts):
        characters += len(text)
        if characters >= BATCH_CHARACTERS or number == len(texts) - 1:
            yield texts[start : number + 1]
            start, characters = number + 1, 0


def _with_spaces(text: str) -> str:
    """Return the text with its words apart: its characters where it is written without spaces."""
    words = text.count(" ") + text.count("\n") + 1
    return " ".join(text) if len(text) > LONGEST_AVERAGE_WORD_CHARACTERS * words else text


def _words(text: bytes) -> tuple[Hashes, npt.NDArray[np.int64]]:
    """Return the hash of each word and the byte where it starts.

    The hash is a polynomial of the bytes modulo 2^64, taken for all words at once as differences of a running sum.
    """
    letters = np.frombuffer(text, dtype=np.uint8)
    borders = np.flatnonzero(np.diff(_IS_SPACE[letters], prepend=True, append=True))
    starts, ends = borders[::2], borders[1::2]
    powers = np.cumprod(np.full(len(letters), _FACTOR, dtype=np.uint64))
    inverses = np.cumprod(np.full(len(letters), _INVERSE, dtype=np.uint64))
    sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(powers * (letters + np.uint64(1)))])
    return (sums[ends] - sums[starts]) * inverses[starts], starts


def _mixed(values: Hashes) -> Hashes:
    """Return the hash of each word with the next two, by the finaliser of SplitMix64."""
    factor = np.uint64(_FACTOR)
    mixed = (values[:-2] * factor + values[1:-1]) * factor + values[2:]
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    hashes: Hashes = mixed ^ (mixed >> np.uint64(31))
    return hashes
