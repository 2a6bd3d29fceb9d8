"""Frames counted with another nonce cost what they cost with their own."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.context import frame_tokens
from app.context.envelope import NONCE, Origin, SourceBlock
from app.context.frame_tokens import REFERENCE_LABEL, REFERENCE_NONCE, frames_tokens
from app.context.renderers import Renderer
from app.context.tokens import TokenCounter
from ingest.tokenizers import DEFAULT_TOKENIZER, count_tokens
from tests.app.context.library import FRAGMENTS

few = settings(max_examples=25)

RENDERERS = [member.model_validate({"kind": kind}) for kind, member in Renderer.members().items()]
every_renderer = pytest.mark.parametrize("renderer", RENDERERS, ids=lambda renderer: str(renderer.kind_of_class()))
SHIPPED, ESTIMATE = TokenCounter(DEFAULT_TOKENIZER), TokenCounter("gpt-5")

said = st.sampled_from([*FRAGMENTS, REFERENCE_NONCE, "0" * 16, f"x{REFERENCE_NONCE}", "doc-", '" label="S9']) | st.text(
    max_size=30
)
origins = st.builds(
    Origin,
    title=said,
    heading_path=st.lists(said, max_size=3).map(tuple),
    page=st.sampled_from(["", "3", "iv", REFERENCE_NONCE]),
)
labels = st.integers(1, 999).map("S{}".format)
frames = st.lists(st.tuples(labels, origins), max_size=6)
short_nonces = st.integers(0, 16**8 - 1).map("{:08x}".format)
long_nonces = st.from_regex(NONCE, fullmatch=True)


def counted(renderer: Renderer, nonce: str, frame: tuple[str, Origin]) -> int:
    """Return the tokens of a frame as it stands in the context."""
    block = SourceBlock(label=frame[0], origin=frame[1], text="")
    return count_tokens(renderer.frame(block, nonce))


@every_renderer
@few
@given(nonce=short_nonces | long_nonces, frames=frames)
@example(nonce=REFERENCE_NONCE, frames=[("S1", Origin(title=REFERENCE_NONCE))])
@example(nonce="0123abcd", frames=[("S1", Origin(title=f"a {REFERENCE_NONCE} b", page=REFERENCE_NONCE))])
@example(nonce="0123abcd", frames=[("S12", Origin(title=f"a {REFERENCE_LABEL} b", page=REFERENCE_LABEL))])
@example(nonce="e3e3e3e3", frames=[])
def test_every_frame_costs_what_counting_it_says(
    renderer: Renderer, nonce: str, frames: list[tuple[str, Origin]]
) -> None:
    expected = [counted(renderer, nonce, frame) for frame in frames]
    assert frames_tokens(renderer, nonce, frames, SHIPPED) == expected


@every_renderer
@few
@given(nonces=st.lists(short_nonces, min_size=2, max_size=4), origin=origins)
def test_what_is_remembered_under_one_nonce_holds_under_others(
    renderer: Renderer, nonces: list[str], origin: Origin
) -> None:
    for nonce in nonces:
        assert frames_tokens(renderer, nonce, [("S1", origin)], SHIPPED) == [counted(renderer, nonce, ("S1", origin))]


@every_renderer
@few
@given(nonce=short_nonces, frames=frames)
def test_an_estimate_reads_every_frame(renderer: Renderer, nonce: str, frames: list[tuple[str, Origin]]) -> None:
    blocks = [SourceBlock(label=label, origin=origin, text="") for label, origin in frames]
    expected = [ESTIMATE.count(renderer.frame(block, nonce)) for block in blocks]
    assert frames_tokens(renderer, nonce, frames, ESTIMATE) == expected


@every_renderer
def test_a_frame_that_comes_again_is_not_counted_again(renderer: Renderer, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = ("S7", Origin(title="A title that only this test has", page="7"))
    first = frames_tokens(renderer, "0123abcd", [frame], SHIPPED)
    read: list[str] = []

    class Reading:
        def count(self, text: str) -> int:
            read.append(text)
            return count_tokens(text)

    monkeypatch.setattr(frame_tokens, "WORD_COUNTS", Reading())
    assert frames_tokens(renderer, "0123abcd", [frame, frame], SHIPPED) == first * 2
    assert read == []
