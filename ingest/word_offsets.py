"""Token offsets put together word by word: a text of known words costs a tenth of encoding it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

REMEMBERED_WORDS = 100_000
LONGEST_REMEMBERED_WORD_CHARACTERS = 64

LONGEST_TOKEN_CHARACTERS = 32
CHARACTERS_PER_UNKNOWN_TOKEN = 3
"""WordPiece makes a single token of a whole unknown word, however long (a line of base64, a Thai sentence). When a text
is cut, a token over more than 32 characters (the longest known piece has 18) counts as one token for every 3."""

IDEOGRAPHS = (
    r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    r"\U00020000-\U0002a6df\U0002a700-\U0002b73f\U0002b740-\U0002b81f\U0002b920-\U0002ceaf\U0002f800-\U0002fa1f"
)
"""Those that BERT's tokenizers put spaces around, as the library `tokenizers` has them."""
IDEOGRAPH = re.compile(f"[{IDEOGRAPHS}]")
WORD = re.compile(f"[{IDEOGRAPHS}]|[^ {IDEOGRAPHS}]+")

Offsets = npt.NDArray[np.int32]


def separates_words(encoder: Tokenizer) -> bool:
    """Tell whether no token, and nothing that decides on one, reaches over white space: true of BERT's tokenizers."""
    is_berts = isinstance(encoder.normalizer, BertNormalizer) and isinstance(encoder.pre_tokenizer, BertPreTokenizer)
    added = encoder.get_added_tokens_decoder().values()
    return is_berts and not any(token.lstrip or token.rstrip or len(token.content.split()) != 1 for token in added)


def encoded_offsets(encoder: Tokenizer, text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each token of `text`; overlong ones count as several (see the constants above)."""
    for start, end in encoder.encode(text, add_special_tokens=False).offsets:
        if 0 < end - start <= LONGEST_TOKEN_CHARACTERS:
            yield start, end
            continue
        for position in range(start, end, CHARACTERS_PER_UNKNOWN_TOKEN):
            yield position, min(position + CHARACTERS_PER_UNKNOWN_TOKEN, end)


class WordOffsets:
    """The offsets of a tokenizer that separates words, each of which is encoded once and remembered.

    Thread-safe: what is known is replaced, never emptied.
    """

    def __init__(self, encoder: Tokenizer) -> None:
        self._encoder = encoder
        self._parts_ideographs = encoder.normalizer.handle_chinese_chars
        self._known: dict[str, tuple[int, ...]] = {"": ()}
        """Of each word, the start and the end of its tokens in turn, counted from its first character."""

    def of(self, text: str) -> Offsets:
        """Return int32 [2 x tokens], the start and the end of each token in turn, as `encoded_offsets` has them."""
        words, starts = self._words(text.replace("\n", " ").replace("\t", " ").replace("\r", " "))
        known = self._known
        try:
            offsets = list(map(known.__getitem__, words))
        except KeyError:
            known = self._learnt(known, set(words).difference(known))
            offsets = list(map(known.__getitem__, words))
        sizes = np.fromiter(map(len, offsets), dtype=np.int32, count=len(offsets))
        within = np.fromiter(chain.from_iterable(offsets), dtype=np.int32, count=int(sizes.sum()))
        return within + np.repeat(starts, sizes)

    def _words(self, text: str) -> tuple[list[str], Offsets]:
        """Return the words between spaces, an ideograph being one of its own, and where each starts."""
        if self._parts_ideographs and IDEOGRAPH.search(text):
            found = list(WORD.finditer(text))
            return [one[0] for one in found], np.fromiter((one.start() for one in found), np.int32, len(found))
        words = text.split(" ")
        lengths = np.fromiter(map(len, words), dtype=np.int32, count=len(words)) + 1
        return words, np.cumsum(lengths, dtype=np.int32) - lengths

    def _learnt(self, known: dict[str, tuple[int, ...]], words: Iterable[str]) -> dict[str, tuple[int, ...]]:
        """Return the offsets of `words` and of all that is `known`; short ones are remembered as far as there is room.

        Another thread may have put something else in the place of `known` meanwhile.
        """
        new = self._encoded(list(words))
        remembered = {word: offsets for word, offsets in new.items() if len(word) <= LONGEST_REMEMBERED_WORD_CHARACTERS}
        if len(known) + len(remembered) > REMEMBERED_WORDS:
            self._known = {"": (), **remembered}
        else:
            known.update(remembered)
        return known if new.keys() <= known.keys() else {**known, **new}

    def _encoded(self, words: list[str]) -> dict[str, tuple[int, ...]]:
        """Return the offsets of each word; all are encoded as one text, which takes half the time of one by one."""
        found: dict[str, list[int]] = {word: [] for word in words}
        left = iter(found.items())
        base, end, own = 0, -1, found.get("", [])
        for start, stop in encoded_offsets(self._encoder, " ".join(words)):
            while start > end:
                base = end + 1
                word, own = next(left)
                end = base + len(word)
            own += (start - base, stop - base)
        return {word: tuple(offsets) for word, offsets in found.items()}
