"""Leads: what they say, and how much of them is kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from configs.span import NO_LEAD, Lead, Span
from ingest.leads import PREFIX_SHARE, fitting_lead, lead_fits, lead_text, stored_lead
from ingest.tokenizers import DEFAULT_TOKENIZER, count_tokens

TEXT = "outer one two\ninner three four\nbody"
OUTER, INNER = Span(0, 14), Span(14, 31)


def test_a_lead_says_its_spans_one_right_after_the_other() -> None:
    assert lead_text(TEXT, (OUTER, INNER)) == "outer one two\ninner three four\n"
    assert lead_text(TEXT, (Span(0, 5), Span(13, 14), INNER)) == "outer\ninner three four\n"
    assert lead_text(TEXT, ()) == ""


def test_a_stored_lead_is_what_the_prefix_ends_with() -> None:
    lead = lead_text(TEXT, (OUTER, INNER))
    assert stored_lead(f"Title\n\n{lead}", [[0, 14], [14, 31]]) == Lead((OUTER, INNER), lead)
    assert stored_lead("Title\n\n", None) is NO_LEAD
    assert stored_lead("Title\n\n", [[3, 3]]).text == ""


def test_what_is_closest_to_the_chunk_is_kept() -> None:
    assert [count_tokens(lead_text(TEXT, lead)) for lead in ((OUTER, INNER), (INNER,))] == [6, 3]
    for size_tokens, kept in ((24, (OUTER, INNER)), (23, (INNER,)), (12, (INNER,)), (11, ())):
        assert fitting_lead(TEXT, (OUTER, INNER), size_tokens, DEFAULT_TOKENIZER) == kept


@given(
    words=st.lists(st.sampled_from(["a", "Ünïcode", "漢字", "class X:\n", "|--|"]), min_size=1, max_size=20),
    size_tokens=st.integers(16, 200),
)
def test_the_kept_part_is_the_longest_that_fits(words: list[str], size_tokens: int) -> None:
    text, lead = "", []
    for word in words:
        lead.append(Span(len(text), len(text) + len(word)))
        text += word
    kept = fitting_lead(text, tuple(lead), size_tokens, DEFAULT_TOKENIZER)
    assert kept == tuple(lead[len(lead) - len(kept) :])
    assert count_tokens(lead_text(text, kept)) <= size_tokens // PREFIX_SHARE
    longer = tuple(lead[len(lead) - len(kept) - 1 :])
    assert len(kept) == len(lead) or not lead_fits(text, longer, size_tokens, DEFAULT_TOKENIZER)
