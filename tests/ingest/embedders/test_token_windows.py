"""Windows of a text: each chunk whole in one, with context before it; means of tokens against a plain sum."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.span import Span
from ingest.embedders.token_windows import CONTEXT_SHARE, TextTokens, mean_by_chunk, plan_windows
from ingest.tokenizers import DEFAULT_TOKENIZER, token_offsets, tokenizer

Drawn = tuple[list[tuple[int, int]], int]


@st.composite
def ranges(draw: st.DrawFn) -> Drawn:
    """Return chunks' token ranges in order, some empty, some with a gap or a shared token, and the text's tokens."""
    position, found = 0, []
    for _ in range(draw(st.integers(1, 12))):
        first = max(0, position + draw(st.integers(-1, 2)))
        last = first + draw(st.integers(0, 30))
        found.append((first, last))
        position = max(position, last)
    return found, position + draw(st.integers(0, 9))


@given(drawn=ranges(), room=st.integers(4, 40))
def test_every_chunk_lies_whole_in_one_window_that_has_room(drawn: Drawn, room: int) -> None:
    chunks, tokens = drawn
    windows = list(plan_windows(chunks, tokens, room))
    seen: dict[int, list[tuple[int, int]]] = {}
    for window in windows:
        assert 0 <= window.first < window.last <= tokens
        assert window.last - window.first <= room
        for first, last, number in window.parts:
            assert window.first <= first < last <= window.last
            seen.setdefault(number, []).append((first, last))
    for number, (first, last) in enumerate(chunks):
        covered = [token for start, end in sorted(seen.get(number, [])) for token in range(start, end)]
        assert covered == list(range(first, last))
        assert len(seen.get(number, [])) <= 1 or last - first > room


@given(drawn=ranges(), room=st.integers(4, 40))
def test_a_chunk_has_context_before_it_as_far_as_there_is_room(drawn: Drawn, room: int) -> None:
    chunks, tokens = drawn
    for window in plan_windows(chunks, tokens, room):
        first, last, _ = window.parts[0]
        assert first - window.first >= min(first, room // CONTEXT_SHARE, room - (last - first))
        assert window.last - window.first == min(room, tokens)


@given(drawn=ranges(), room=st.integers(4, 40))
def test_means_are_those_of_the_tokens_whatever_the_windows(drawn: Drawn, room: int) -> None:
    chunks, tokens = drawn
    vectors = np.random.default_rng(tokens).normal(size=(tokens, 3)).astype(np.float32)
    windows = list(plan_windows(chunks, tokens, room))
    means = mean_by_chunk(windows, len(chunks), 3, (vectors[one.first : one.last] for one in windows))
    for mean, (first, last) in zip(means, chunks, strict=True):
        expected = vectors[first:last].mean(axis=0) if last > first else np.zeros(3)
        np.testing.assert_allclose(mean, expected, atol=1e-5)


@pytest.mark.parametrize(
    "text", ["The city of Berlin is große.\r\n", "🎉 e\u0301 漢字 x" * 9, "", "\u200b", "word " * 9_000]
)
def test_tokens_of_a_text_are_those_of_its_tokenizer(text: str) -> None:
    tokens = TextTokens.of(text, tokenizer(DEFAULT_TOKENIZER))
    offsets = token_offsets(text)
    assert tokens.starts.tolist() == list(offsets.starts)
    assert tokens.ends.tolist() == list(offsets.ends)
    middle = len(text) // 2
    for span in (Span(0, len(text)), Span(0, middle), Span(middle, len(text))):
        first, last = tokens.range_of(span)
        assert last - first == offsets.count(span.start, span.end)


def test_chunks_without_tokens_need_no_window() -> None:
    assert list(plan_windows([(0, 0), (0, 0)], 0, 10)) == []
    assert mean_by_chunk([], 2, 4, []).tolist() == [[0.0] * 4] * 2
