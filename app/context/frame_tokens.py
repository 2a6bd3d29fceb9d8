"""What the frames around sources cost: the same ones come again and again, but for the nonce."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from app.context.envelope import Origin, SourceBlock
from app.context.renderers import Renderer
from app.context.tokens import TokenCounter
from ingest.tokenizers import DEFAULT_TOKENIZER
from ingest.word_counts import WORD_COUNTS

REFERENCE_NONCE = "0" * 8
FRAMES_KEPT = 50_000
RENDERERS_KEPT = 32

Bare = Callable[[str, Origin], tuple[int, int]]


def frames_tokens(
    renderer: Renderer, nonce: str, frames: Sequence[tuple[str, Origin]], counter: TokenCounter
) -> list[int]:
    """Return the tokens of the frame around each source, given by label and origin.

    The shipped tokenizer takes a nonce between punctuation as a word of its own, so frames are counted with another
    nonce once, and its tokens exchanged. Other tokenizers read every frame.
    """
    if counter.tokenizer != DEFAULT_TOKENIZER or not counter.is_exact:
        blocks = (SourceBlock(label=label, origin=origin, text="") for label, origin in frames)
        return counter.count_all([renderer.frame(block, nonce) for block in blocks])
    bare, own_tokens = _bare_frames(renderer), counter.count(nonce)
    counts = (bare(label, origin) for label, origin in frames)
    return [tokens + times * own_tokens for tokens, times in counts]


@lru_cache(maxsize=RENDERERS_KEPT)
def _bare_frames(renderer: Renderer) -> Bare:
    """Return the function that tells a frame's tokens without its nonces, and how many of these it has."""
    reference_tokens = WORD_COUNTS.count(REFERENCE_NONCE)

    @lru_cache(maxsize=FRAMES_KEPT)
    def bare(label: str, origin: Origin) -> tuple[int, int]:
        frame = renderer.frame(SourceBlock(label=label, origin=origin, text=""), REFERENCE_NONCE)
        blank = renderer.frame(SourceBlock(label=label, origin=Origin(), text=""), REFERENCE_NONCE)
        times = blank.count(REFERENCE_NONCE)
        return WORD_COUNTS.count(frame) - times * reference_tokens, times

    return bare
