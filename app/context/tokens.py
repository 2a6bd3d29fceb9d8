"""Token counts for the model a context is made for, and whether they are exact."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.context.remembered import Remembered
from configs.errors import InvalidInputError
from ingest.tokenizers import DEFAULT_TOKENIZER, WINDOW_CHARACTERS, count_many, count_tokens, tokenizer

BYTES_PER_ESTIMATED_TOKEN = 3

FEW_WORDS = 32
REMEMBERED_WORDS = 200_000
LONGEST_REMEMBERED_WORD_CHARACTERS = 64


class WordCounts:
    """Counts tokens of the shipped WordPiece by adding up those of words, which are remembered.

    The tokenizer separates words at white space before it does anything else, so the sum is its count of the whole
    text; reading a text of known words costs a dozenth of encoding it. Thread-safe: what is known is replaced, never
    emptied.
    """

    def __init__(self) -> None:
        self._known: dict[str, int] = {"": 0}

    def count(self, text: str) -> int:
        """Return the same as `count_tokens(text)`."""
        if _has_endless_word(text):
            return count_tokens(text)
        known = self._known
        words = text.replace("\n", " ").replace("\t", " ").replace("\r", " ").split(" ")
        try:
            return sum(map(known.__getitem__, words))
        except KeyError:
            unknown = list(set(words).difference(known))
        counts = dict(zip(unknown, count_words(unknown), strict=True))
        total = sum(counts[word] if word in counts else known[word] for word in words)
        if len(known) + len(counts) > REMEMBERED_WORDS:
            self._known = known = {"": 0}
        known.update(
            {word: tokens for word, tokens in counts.items() if len(word) <= LONGEST_REMEMBERED_WORD_CHARACTERS}
        )
        return total


def count_words(words: Sequence[str]) -> list[int]:
    """Return the tokens of each word; a few are counted without waking the tokenizer's threads."""
    if len(words) > FEW_WORDS:
        return count_many(words)
    encoder = tokenizer(DEFAULT_TOKENIZER)
    return [len(encoder.encode(word, add_special_tokens=False)) for word in words]


_WORD_COUNTS = WordCounts()
_PASSAGE_COUNTS = Remembered(lambda texts: [_WORD_COUNTS.count(text) for text in texts])


class TokenCounter:
    """Counts the tokens of texts for `model`.

    The count is exact where the model's tokenizer is on this machine (the shipped one, or a folder with a
    tokenizer.json). Elsewhere it is the larger of the shipped WordPiece's count and a third of the UTF-8 bytes, rounded
    up, and `is_exact` is False. Raises InvalidInputError (`broken_tokenizer`) for a tokenizer that cannot be read.
    """

    def __init__(self, model: str) -> None:
        self.model = model
        self.is_exact = _is_here(model)
        self.tokenizer = model if self.is_exact else DEFAULT_TOKENIZER
        """Name of the tokenizer that counts."""

    def count(self, text: str) -> int:
        """Return the tokens of `text`."""
        return self._tokens(text) if self.is_exact else max(self._tokens(text), _bytes_share(text))

    def count_passages(self, texts: Sequence[str]) -> list[int]:
        """Return the tokens of each text, for texts that will be counted again."""
        if self.tokenizer != DEFAULT_TOKENIZER:
            return count_many(texts, self.tokenizer)
        counts = _PASSAGE_COUNTS.of(texts)
        return counts if self.is_exact else list(map(max, counts, map(_bytes_share, texts)))

    def measure_of(self, text: str) -> Callable[[str], int]:
        """Return the one measure that decides the count of `text`, by which its parts add up to the whole."""
        by_bytes = not self.is_exact and _bytes_share(text) > self._tokens(text)
        return _bytes_share if by_bytes else self._tokens

    def _tokens(self, text: str) -> int:
        return _WORD_COUNTS.count(text) if self.tokenizer == DEFAULT_TOKENIZER else count_tokens(text, self.tokenizer)


def _has_endless_word(text: str) -> bool:
    """Tell whether `count_tokens` may have to cut inside a word, where no sum of words can follow it."""
    if len(text) <= WINDOW_CHARACTERS:
        return False
    return max(map(len, text.replace("\n", " ").split(" "))) >= WINDOW_CHARACTERS // 2


def _is_here(model: str) -> bool:
    try:
        tokenizer(model)
    except InvalidInputError as error:
        if error.code != "unknown_tokenizer":
            raise
        return False
    return True


def _bytes_share(text: str) -> int:
    return -(-len(text.encode("utf-8")) // BYTES_PER_ESTIMATED_TOKEN)
