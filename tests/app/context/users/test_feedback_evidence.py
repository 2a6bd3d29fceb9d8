"""Feedback as evidence: weights, ranks and half-lives, by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.users.feedback_evidence import EvidenceWeights, evidence_of
from app.context.users.known import Feedback, Signal

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
WEIGHTS = EvidenceWeights()


def piece(document_id: str, signal: Signal, days: float = 0, rank: int | None = None) -> Feedback:
    created_at = NOW - timedelta(days=days)
    return Feedback(id="f", document_id=document_id, signal=signal, rank=rank, context_id=None, created_at=created_at)


@pytest.mark.parametrize(
    ("signal", "rank", "weight"),
    [
        ("thumb_up", None, 1),
        ("thumb_down", 3, -1),
        ("used", 2, 0.5),
        ("unused", 2, -0.25),
        ("click", None, 0.3),
        ("click", 1, 0.3),
        ("click", 4, 0.3 * 4**0.2),
        ("click", 1_000, 0.4),
    ],
)
def test_what_each_signal_weighs(signal: Signal, rank: int | None, weight: float) -> None:
    assert WEIGHTS.of(signal, rank) == pytest.approx(weight)


def test_a_click_on_a_lower_rank_weighs_as_much_more_as_it_is_seen_less() -> None:
    free = EvidenceWeights(click_rank_exponent=1, largest_click=10)
    assert [free.of("click", rank) for rank in (1, 2, 10)] == pytest.approx([0.3, 0.6, 3])
    assert EvidenceWeights(click_rank_exponent=0).of("click", 10) == 0.3


def test_evidence_is_summed_by_document_and_side_and_halves_with_each_half_life() -> None:
    feedback = [
        piece("a", "thumb_up"),
        piece("a", "thumb_up", days=30),
        piece("a", "thumb_down", days=60),
        piece("b", "used", days=30),
        piece("elsewhere", "thumb_up"),
    ]
    evidence = evidence_of(feedback, ["b", "a", "c"], NOW, WEIGHTS)
    assert evidence.positive == pytest.approx([0.25, 1.5, 0])
    assert evidence.negative == pytest.approx([0, 0.25, 0])
    assert evidence.total == pytest.approx([0.25, 1.75, 0])


def test_no_feedback_and_no_documents() -> None:
    assert evidence_of([], ["a"], NOW, WEIGHTS).total.tolist() == [0.0]
    nothing = evidence_of([piece("a", "click")], [], NOW, WEIGHTS)
    assert nothing.positive.dtype == float
    assert nothing.total.shape == (0,)


def test_what_came_later_counts_as_fresh() -> None:
    assert evidence_of([piece("a", "thumb_up", days=-3)], ["a"], NOW, WEIGHTS).positive.tolist() == [1.0]


def test_a_document_named_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="named once"):
        evidence_of([], ["a", "a"], NOW, WEIGHTS)


@given(
    drawn=st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.sampled_from(["thumb_up", "thumb_down", "click", "used", "unused"]),
            st.floats(0, 400),
            st.one_of(st.none(), st.integers(1, 50)),
        ),
        max_size=12,
    )
)
def test_the_sums_equal_those_of_a_loop(drawn: list[tuple[str, Signal, float, int | None]]) -> None:
    evidence = evidence_of([piece(*one) for one in drawn], ["a", "b"], NOW, WEIGHTS)
    for number, document_id in enumerate(["a", "b"]):
        own = [
            WEIGHTS.of(signal, rank) * 0.5 ** (days / 30) for where, signal, days, rank in drawn if where == document_id
        ]
        assert evidence.positive[number] == pytest.approx(sum(weight for weight in own if weight > 0))
        assert evidence.negative[number] == pytest.approx(-sum(weight for weight in own if weight < 0))


def test_every_weight_is_described_and_live() -> None:
    for setting in EvidenceWeights.model_fields.values():
        assert len((setting.description or "").split()) >= 4
        assert setting.json_schema_extra == {"applies": "live"}
