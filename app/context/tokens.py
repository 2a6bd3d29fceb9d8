"""Token counts for the model a context is made for, and whether they are exact."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from configs.errors import InvalidInputError
from ingest.tokenizers import DEFAULT_TOKENIZER, count_many, count_tokens, tokenizer
from ingest.word_counts import WORD_COUNTS

BYTES_PER_ESTIMATED_TOKEN = 3
TEXTS_KEPT = 50_000


class TokenCounter:
    """Counts the tokens of texts for `model`.

    The count is exact where the model's tokenizer is on this machine (the shipped one, or a folder with a
    tokenizer.json). Elsewhere it is the larger of the shipped WordPiece's count and a third of the UTF-8 bytes, rounded
    up, and `is_exact` is False. Raises InvalidInputError (`broken_tokenizer`) for a tokenizer that cannot be read.
    """

    def __init__(self, model: str) -> None:
        self.is_exact = _is_here(model)
        self.tokenizer = model if self.is_exact else DEFAULT_TOKENIZER
        """Name of the tokenizer that counts."""

    @property
    def adds_up(self) -> bool:
        """Tell whether texts that white space separates count as much together as apart."""
        return self.is_exact and self.tokenizer == DEFAULT_TOKENIZER

    def count(self, text: str) -> int:
        """Return the tokens of `text`."""
        return self._tokens(text) if self.is_exact else max(self._tokens(text), _bytes_share(text))

    def count_all(self, texts: Sequence[str]) -> list[int]:
        """Return the tokens of each text, in one go."""
        if self.tokenizer != DEFAULT_TOKENIZER:
            return count_many(texts, self.tokenizer)
        counts = WORD_COUNTS.count_all(texts)
        return counts if self.is_exact else list(map(max, counts, map(_bytes_share, texts)))

    def count_known(self, texts: Sequence[str]) -> list[int]:
        """Return the tokens of short texts that come again, such as facts; they are remembered."""
        if not self.adds_up:
            return self.count_all(texts)
        return [known_tokens(text) for text in texts]

    def count_measured(self, text: str, shipped_tokens: int) -> int:
        """Return the tokens of `text`, of which the shipped WordPiece is known to make `shipped_tokens`."""
        if self.tokenizer != DEFAULT_TOKENIZER:
            return count_tokens(text, self.tokenizer)
        return shipped_tokens if self.is_exact else max(shipped_tokens, _bytes_share(text))

    def measure_of(self, text: str) -> Callable[[str], int]:
        """Return the one measure that decides the count of `text`, by which its parts add up to the whole."""
        by_bytes = not self.is_exact and _bytes_share(text) > self._tokens(text)
        return _bytes_share if by_bytes else self._tokens

    def _tokens(self, text: str) -> int:
        return WORD_COUNTS.count(text) if self.tokenizer == DEFAULT_TOKENIZER else count_tokens(text, self.tokenizer)


@lru_cache(maxsize=TEXTS_KEPT)
def known_tokens(text: str) -> int:
    """Return the tokens of a text by the shipped WordPiece, remembered."""
    return WORD_COUNTS.count(text)


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
