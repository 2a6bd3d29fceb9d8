"""What the frames around sources cost: the same ones come again and again, but for the nonce."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.context.envelope import Origin, SourceBlock
from app.context.renderers import Renderer
from app.context.tokens import TokenCounter
from ingest.tokenizers import DEFAULT_TOKENIZER
from ingest.word_counts import WORD_COUNTS

REFERENCE_NONCE = "0" * 8
REFERENCE_LABEL = "S0"
FRAMES_KEPT = 50_000
RENDERERS_KEPT = 32


@dataclass(frozen=True, slots=True)
class _Bare:
    """The tokens of a frame without its nonces and labels, and how many of these it has."""

    tokens: int
    nonces: int
    labels: int


def frames_tokens(
    renderer: Renderer, nonce: str, frames: Sequence[tuple[str, Origin]], counter: TokenCounter
) -> list[int]:
    """Return the tokens of the frame around each source, given by label and origin.

    The shipped tokenizer takes a nonce or a label between punctuation as a word of its own, so the frame of an origin
    is counted with others once, and their tokens exchanged. Other tokenizers read every frame.
    """
    if counter.tokenizer != DEFAULT_TOKENIZER or not counter.is_exact:
        blocks = (SourceBlock(label=label, origin=origin, text="") for label, origin in frames)
        return counter.count_all([renderer.frame(block, nonce) for block in blocks])
    bare, own_tokens = bare_frames(renderer), counter.count(nonce)
    labels = counter.count_known([label for label, _ in frames])
    return [
        one.tokens + one.nonces * own_tokens + one.labels * label_tokens
        for one, label_tokens in zip((bare(origin) for _, origin in frames), labels, strict=True)
    ]


@lru_cache(maxsize=RENDERERS_KEPT)
def bare_frames(renderer: Renderer) -> Callable[[Origin], _Bare]:
    """Return the function that tells what a frame takes without nonces and labels."""
    blank = renderer.frame(SourceBlock(label=REFERENCE_LABEL, origin=Origin(), text=""), REFERENCE_NONCE)
    nonces, labels = blank.count(REFERENCE_NONCE), blank.count(REFERENCE_LABEL)
    exchanged = nonces * WORD_COUNTS.count(REFERENCE_NONCE) + labels * WORD_COUNTS.count(REFERENCE_LABEL)

    @lru_cache(maxsize=FRAMES_KEPT)
    def bare(origin: Origin) -> _Bare:
        frame = renderer.frame(SourceBlock(label=REFERENCE_LABEL, origin=origin, text=""), REFERENCE_NONCE)
        return _Bare(WORD_COUNTS.count(frame) - exchanged, nonces, labels)

    return bare
