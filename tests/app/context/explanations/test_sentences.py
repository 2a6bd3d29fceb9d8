"""What stages say: every figure of a way stands in its sentence, one and many told apart."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.explanations.sentences import (
    NOT_INGESTED,
    cut_said,
    duplicate_said,
    fused_said,
    labels_said,
    left_out_said,
    standings_said,
    tokens,
)
from app.context.explanations.stages import ChunkWay, StoreStanding


def standing(**fields: Any) -> StoreStanding:
    """Return rank 3 of 7, of which 5 are taken."""
    usual = {
        "store": "bm25", "signal": "lexical", "rank": 3, "of": 7, "taken": 5, "is_taken": True, "score": 1.5,
        "last_score": 0.5,
    }  # fmt: skip
    return StoreStanding.model_validate({**usual, **fields})


def way(**fields: Any) -> ChunkWay:
    """Return the way of chunk 4, candidate 9, which was left out."""
    usual = {
        "ordinal": 4, "start": 0, "end": 60, "tokens": 12, "held_start": 50, "held_end": 60, "standings": (),
        "fused": None, "rank": 9, "reason": "budget", "label": None, "details": {}, "stopped_by": "packed",
    }  # fmt: skip
    return ChunkWay.model_validate({**usual, **fields})


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 tokens"), (1, "1 token"), (2, "2 tokens"), (12_345, "12,345 tokens")]
)
def test_tokens_are_counted_in_words(count: int, said: str) -> None:
    assert tokens(count) == said


def test_each_list_is_told_with_how_deep_it_is_taken() -> None:
    absent = standing(rank=None, is_taken=False)
    beyond = standing(store="faiss_flat", signal="dense", rank=6, is_taken=False)
    assert standings_said(way(standings=(standing(),))) == "rank 3 of 7 in lexical (bm25)"
    assert standings_said(way(standings=(absent, beyond))) == (
        "absent in lexical (bm25): it shares no term with the question; "
        "rank 6 of 7 in dense (faiss_flat), beyond the best 5"
    )
    assert standings_said(way()) == "no list ranks it"


def test_the_fused_rank_is_within_or_beyond_what_is_taken() -> None:
    fused = standing(store="convex", signal="fused")
    assert fused_said(fused) == "Rank 3 of 7 after fusion by convex, within the best 5."
    beyond = standing(store="convex", signal="fused", rank=6, is_taken=False)
    assert fused_said(beyond) == "Rank 6 of 7 after fusion by convex, beyond the best 5."
    unseen = standing(store="convex", signal="fused", rank=None, is_taken=False)
    assert fused_said(None) == fused_said(unseen) == "No store found it, so the fusion never saw it."


@given(count=st.integers(2, 12))
def test_pieces_of_a_cut_text_are_told_five_at_most_and_the_rest_is_counted(count: int) -> None:
    pieces = [way(ordinal=n, held_start=10 * n, held_end=10 * n + 10) for n in range(count)]
    said = cut_said(pieces)
    assert said.startswith("No chunk holds all of it: chunk 0 holds [0, 10), chunk 1 holds [10, 20)")
    assert said.count(" holds [") == min(count, 5)
    assert said.endswith(f" and {count - 5} more." if count > 5 else ").")


@pytest.mark.parametrize(
    ("reason", "details", "how"),
    [
        ("exact_duplicate", {"of_rank": 2}, "has the same text as"),
        ("span_overlap", {"of_rank": 2, "overlap": 0.834}, "shares 83% of the shorter span with"),
        ("near_duplicate", {"of_rank": 2, "distance": 3}, "differs in 3 of 64 bits of its simhash from"),
        ("another_reason", {"of_rank": 2}, "repeats"),
    ],
)
def test_a_duplicate_names_the_better_candidate_and_how_alike_they_are(
    reason: str, details: dict[str, float], how: str
) -> None:
    said = duplicate_said(way(reason=reason, details=details), "sent in S1")
    assert said == f"Candidate 9 {how} candidate 2, sent in S1."


@pytest.mark.parametrize(
    ("reason", "details", "said"),
    [
        (
            "budget",
            {"needed_tokens": 1_361, "left_tokens": 1_360},
            "It missed the budget by 1 token: it needs 1,361, 1,360 were left.",
        ),
        (
            "source_cap",
            {"needed_tokens": 90, "left_tokens": 41},
            "Its document had used up its share: it needs 90 tokens, 41 were left under the cap.",
        ),
        (
            "budget",
            {"needed_tokens": 40, "left_tokens": 41},
            "The packer greedy left candidate 9 out (budget): it needs 40, 41 were left.",
        ),
        ("new_reason", {}, "The packer greedy left candidate 9 out (new_reason): it needs 0, 0 were left."),
    ],
)
def test_a_candidate_left_out_is_told_with_what_it_needed(reason: str, details: dict[str, int], said: str) -> None:
    assert left_out_said(way(reason=reason, details=details), "greedy") == said


def test_one_source_and_several() -> None:
    assert labels_said(["S1"]) == "source S1"
    assert labels_said(["S1", "S3"]) == "sources S1, S3"


def test_every_cause_of_not_being_ingested_has_a_sentence_of_its_own() -> None:
    assert set(NOT_INGESTED) == {"unknown_document", "no_ready_version", "not_in_index", "text_gone"}
    assert len(set(NOT_INGESTED.values())) == 4
