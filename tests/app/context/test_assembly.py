"""Assembling a context: what is sent, what is not, and why."""

from __future__ import annotations

import dataclasses
import re
from types import SimpleNamespace
from typing import Any

import pytest

from app.context.assembled import Assembled
from app.context.envelope import Origin
from app.context.packers import Packed
from app.context.policy import ContextPolicy
from app.context.renderers import Renderer
from app.context.tokens import TokenCounter
from configs.errors import InvalidInputError
from configs.span import Span
from ingest.tokenizers import DEFAULT_TOKENIZER
from tests.app.context.library import Library, prose

COUNTER = TokenCounter(DEFAULT_TOKENIZER)

LIBRARY = Library(
    {
        "a-1": "Refunds are paid within fourteen days. They go to the account that paid.\n\nFees are kept.",
        "b-1": "The office is open from nine to five. On Fridays it closes at noon.",
        "c-1": prose(300),
    },
    {"a-1": Origin(title="Handbook", heading_path=("Payments", "Refunds"), page="4")},
)


def policy(**settings: Any) -> ContextPolicy:
    return ContextPolicy.model_validate({"budget_tokens": 600, "answer_reserve_tokens": 100, **settings})


def reasons(assembled: Assembled) -> list[str]:
    return [decision.reason for decision in assembled.decisions]


def test_a_small_context_by_hand() -> None:
    candidates = [
        LIBRARY.candidate(1, "b-1", 0, 38),
        LIBRARY.candidate(2, "a-1", 39, 72),
        LIBRARY.candidate(3, "a-1", 0, 39),
    ]
    assembled = LIBRARY.assemble(policy(instructions="Be brief."), candidates)
    assert assembled.rendered.text == (
        "Be brief.\n\n"
        "<documents-0123abcd>\n"
        '<doc-0123abcd label="S1" source="Title of b-1">\n'
        "The office is open from nine to five. \n"
        "</doc-0123abcd>\n"
        '<doc-0123abcd label="S2" source="Handbook" section="Payments \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} '
        'Refunds" page="4">\n'
        "Refunds are paid within fourteen days. They go to the account that paid.\n"
        "</doc-0123abcd>\n"
        "</documents-0123abcd>\n\n"
        "Question: When are refunds paid?"
    )
    assert [(one.label, one.document_id, one.version_id, one.span) for one in assembled.sources] == [
        ("S1", "b", "b-1", Span(0, 38)),
        ("S2", "a", "a-1", Span(0, 72)),
    ]
    assert assembled.sources[1].origin == Origin(title="Handbook", heading_path=("Payments", "Refunds"), page="4")
    decided = [(one.hit.rank, one.reason, one.label, one.span) for one in assembled.decisions]
    assert decided == [
        (1, "packed", "S1", Span(0, 38)),
        (2, "packed", "S2", Span(39, 72)),
        (3, "merged_into", "S2", Span(0, 39)),
    ]


def test_tokens_are_told_by_section() -> None:
    candidates = [LIBRARY.candidate(1, "b-1"), LIBRARY.candidate(2, "a-1")]
    assembled = LIBRARY.assemble(policy(instructions="Be brief."), candidates)
    assert assembled.tokens.instructions == COUNTER.count("Be brief.") == 3
    assert assembled.tokens.question == COUNTER.count("When are refunds paid?") == 6
    texts = [LIBRARY.versions["b-1"], LIBRARY.versions["a-1"]]
    assert [source.tokens for source in assembled.sources] == [COUNTER.count(text) for text in texts]
    assert assembled.tokens.documents == sum(COUNTER.count(text) for text in texts)
    rest = assembled.rendered.text or ""
    for part in ["Be brief.", "When are refunds paid?", *texts]:
        rest = rest.replace(part, "")
    assert assembled.tokens.envelope == COUNTER.count(rest)
    assert assembled.tokens.total == COUNTER.count(assembled.rendered.text or "")
    assert (assembled.tokenizer, assembled.is_exact) == (DEFAULT_TOKENIZER, True)


@pytest.mark.parametrize("kind", sorted(Renderer.members()))
def test_no_candidates_make_a_context_of_instructions_and_question(kind: str) -> None:
    assembled = LIBRARY.assemble(policy(renderer={"kind": kind}, instructions="Be brief."), [])
    assert assembled.sources == ()
    assert assembled.decisions == ()
    assert assembled.tokens.documents == 0
    assert not any("<" in content for content in assembled.rendered.contents)
    assert "".join(assembled.rendered.contents).startswith("Be brief.")
    assert "".join(assembled.rendered.contents).endswith("When are refunds paid?")


def test_whole_documents_are_candidates_like_any_other() -> None:
    candidates = [LIBRARY.candidate(rank, version_id) for rank, version_id in enumerate(LIBRARY.versions, start=1)]
    assembled = LIBRARY.assemble(policy(), candidates)
    assert [source.version_id for source in assembled.sources] == ["a-1", "b-1"]
    assert reasons(assembled) == ["packed", "packed", "budget"]
    needed, left = assembled.decisions[2].details["needed_tokens"], assembled.decisions[2].details["left_tokens"]
    assert needed > COUNTER.count(LIBRARY.versions["c-1"])
    assert 0 < left < needed


def test_a_candidate_too_large_is_skipped_and_a_worse_one_sent() -> None:
    candidates = [LIBRARY.candidate(1, "c-1"), LIBRARY.candidate(2, "b-1")]
    assembled = LIBRARY.assemble(policy(), candidates)
    assert reasons(assembled) == ["budget", "packed"]


def test_candidates_may_come_in_any_order() -> None:
    candidates = [LIBRARY.candidate(1, "a-1", 0, 39), LIBRARY.candidate(2, "b-1"), LIBRARY.candidate(3, "a-1", 20, 72)]
    assert LIBRARY.assemble(policy(), candidates) == LIBRARY.assemble(policy(), candidates[::-1])


def test_two_candidates_of_one_rank_are_refused() -> None:
    with pytest.raises(ValueError, match="rank of its own"):
        LIBRARY.assemble(policy(), [LIBRARY.candidate(1, "a-1"), LIBRARY.candidate(1, "b-1")])


def test_a_trimmed_candidate_says_what_of_it_is_sent() -> None:
    candidates = [LIBRARY.candidate(1, "a-1", 0, 39), LIBRARY.candidate(2, "a-1", 20, 72)]
    apart = LIBRARY.assemble(policy(merge_adjacent=False), candidates)
    assert [(one.reason, one.label, one.span) for one in apart.decisions] == [
        ("packed", "S1", Span(0, 39)),
        ("trimmed", "S2", Span(39, 72)),
    ]
    merged = LIBRARY.assemble(policy(), candidates)
    assert [(one.reason, one.label, one.span) for one in merged.decisions] == [
        ("packed", "S1", Span(0, 39)),
        ("merged_into", "S1", Span(39, 72)),
    ]


def test_the_origin_is_that_of_the_first_part_in_the_document() -> None:
    first = LIBRARY.candidate(2, "a-1", 0, 39)
    second = dataclasses.replace(LIBRARY.candidate(1, "a-1", 39, 88), origin=Origin(title="Handbook", page="5"))
    (source,) = LIBRARY.assemble(policy(), [second, first]).sources
    assert (source.origin, source.described_at) == (first.origin, 0)


def test_duplicates_of_all_three_kinds_are_told_apart() -> None:
    library = Library({"a-1": prose(40), "b-1": prose(40), "c-1": prose(40).upper(), "d-1": "Other words entirely."})
    candidates = [
        library.candidate(1, "a-1"),
        library.candidate(2, "b-1"),
        library.candidate(3, "c-1"),
        library.candidate(4, "a-1", 10, 60),
        library.candidate(5, "d-1"),
    ]
    assembled = library.assemble(policy(), candidates)
    assert reasons(assembled) == ["packed", "exact_duplicate", "near_duplicate", "span_overlap", "packed"]


def test_a_capped_document_is_a_reason_of_its_own() -> None:
    candidates = [LIBRARY.candidate(rank, "c-1", rank * 100, rank * 100 + 99) for rank in (1, 2, 3)]
    capped = policy(packer={"kind": "greedy", "max_share_per_document": 0.3}, merge_adjacent=False)
    assembled = LIBRARY.assemble(capped, [*candidates, LIBRARY.candidate(4, "b-1")])
    assert reasons(assembled) == ["packed", "source_cap", "source_cap", "packed"]
    assert set(assembled.decisions[1].details) == {"needed_tokens", "left_tokens"}


def test_a_budget_below_the_fixed_cost_is_refused_with_the_arithmetic() -> None:
    with pytest.raises(InvalidInputError) as caught:
        LIBRARY.assemble(policy(budget_tokens=70, answer_reserve_tokens=20), [LIBRARY.candidate(1, "b-1")])
    error = caught.value
    assert error.code == "budget_too_small"
    needed = error.extra["needed_tokens"]
    assert error.extra == {
        "needed_tokens": needed, "available_tokens": 50, "budget_tokens": 70, "answer_reserve_tokens": 20,
        "sections": {"system": needed - 6, "workspace_instructions": 0, "notes": 0, "question": 6},
    }  # fmt: skip
    assert error.detail == (
        f"instructions, question and envelope need {needed} tokens, but budget_tokens (70) "
        "minus answer_reserve_tokens (20) leaves 50"
    )


@pytest.mark.parametrize("kind", sorted(Renderer.members()))
@pytest.mark.parametrize("candidates", [[], [LIBRARY.candidate(1, "c-1")]], ids=["none", "one"])
def test_the_fixed_cost_is_the_smallest_budget(kind: str, candidates: list[Any]) -> None:
    settings = {"renderer": {"kind": kind}, "answer_reserve_tokens": 0}
    with pytest.raises(InvalidInputError) as caught:
        LIBRARY.assemble(policy(budget_tokens=64, **settings), candidates, question="Why? " * 60)
    needed = caught.value.extra["needed_tokens"]
    assembled = LIBRARY.assemble(policy(budget_tokens=needed, **settings), candidates, question="Why? " * 60)
    assert assembled.sources == ()
    assert assembled.tokens.total <= needed
    with pytest.raises(InvalidInputError):
        LIBRARY.assemble(policy(budget_tokens=needed - 1, **settings), candidates, question="Why? " * 60)


def test_a_budget_in_which_nothing_fits_makes_a_context_that_says_why() -> None:
    assembled = LIBRARY.assemble(policy(budget_tokens=200), [LIBRARY.candidate(1, "c-1")])
    assert assembled.sources == ()
    assert "<documents" not in (assembled.rendered.text or "")
    assert reasons(assembled) == ["budget"]


def test_an_overfull_draft_gives_up_the_worst_until_it_fits() -> None:
    """A packer that takes everything stands for plans that prove too low when the rendering is counted."""
    packs_all = SimpleNamespace(pack=lambda items, _: [Packed(reason="packed") for _ in items])
    candidates = [LIBRARY.candidate(rank, "c-1", rank * 100, rank * 100 + 80) for rank in range(1, 11)]
    greedy = LIBRARY.assemble(policy(), candidates)
    overfull = LIBRARY.assemble(policy().model_copy(update={"packer": packs_all}), candidates)
    kept = [decision.hit.rank for decision in overfull.decisions if decision.is_included]
    assert kept == list(range(1, len(kept) + 1))
    assert 0 < len(kept) < 10
    assert overfull.tokens.total <= 500
    assert kept == [decision.hit.rank for decision in greedy.decisions if decision.is_included]
    for decision in overfull.decisions[len(kept) :]:
        assert decision.reason == "budget"
        assert 0 <= decision.details["left_tokens"] < decision.details["needed_tokens"]


def test_what_is_given_up_may_part_what_was_merged() -> None:
    packs_all = SimpleNamespace(pack=lambda items, _: [Packed(reason="packed") for _ in items])
    spans = {1: (0, 240), 2: (480, 720), 3: (240, 480)}
    candidates = [LIBRARY.candidate(rank, "c-1", *span) for rank, span in spans.items()]
    whole = LIBRARY.assemble(policy(budget_tokens=2_000), candidates)
    assert [source.span for source in whole.sources] == [Span(0, 720)]
    tight = policy(budget_tokens=whole.tokens.total + 90).model_copy(update={"packer": packs_all})
    parted = LIBRARY.assemble(tight, candidates)
    assert [source.span for source in parted.sources] == [Span(0, 240), Span(480, 720)]
    assert reasons(parted) == ["packed", "packed", "budget"]


def test_a_nonce_in_a_document_the_title_or_the_question_is_drawn_again() -> None:
    library = Library({"a-1": "I know 0123abcd.", "b-1": "And I."}, {"b-1": Origin(title="0123ABCE")})
    candidates = [library.candidate(1, "a-1"), library.candidate(2, "b-1")]
    assembled = library.assemble(policy(), candidates, question="Is it 0123abcf?")
    assert assembled.nonce == "0123abd0"
    assert (assembled.rendered.text or "").count("<doc-0123abd0") == 2


def test_a_nonce_that_only_merging_makes_is_drawn_again() -> None:
    library = Library({"a-1": "It is 0123abcd."})
    candidates = [library.candidate(1, "a-1", 0, 10), library.candidate(2, "a-1", 10, 15)]
    assembled = library.assemble(policy(), candidates)
    assert len(assembled.sources) == 1
    assert assembled.nonce == "0123abce"


def test_a_hopeless_nonce_factory_ends_in_an_error() -> None:
    with pytest.raises(ValueError, match="nonces in a row"):
        LIBRARY.assemble(policy(), [], question="0123abcd?", nonce=lambda: "0123abcd")


def test_labels_count_up_in_order_of_appearance() -> None:
    candidates = [LIBRARY.candidate(rank, "c-1", 1_000 - rank * 90, 1_060 - rank * 90) for rank in range(1, 11)]
    assembled = LIBRARY.assemble(policy(budget_tokens=3_000), candidates)
    labels = re.findall(r'label="(S\d+)"', assembled.rendered.text or "")
    assert labels == [f"S{number}" for number in range(1, 11)] == [source.label for source in assembled.sources]
    starts = [source.span.start for source in assembled.sources]
    assert starts == sorted(starts)


def test_what_a_cap_dropped_is_decided_on_behind_all_others() -> None:
    hit = LIBRARY.candidate(7, "b-1").hit
    candidates = [LIBRARY.candidate(1, "a-1"), LIBRARY.candidate(2, "b-1")]
    plain = LIBRARY.assemble(policy(), candidates)
    made = LIBRARY.assemble(policy(), candidates, capped=[hit])
    assert made.rendered == plain.rendered
    assert made.decisions[:-1] == plain.decisions
    last = made.decisions[-1]
    assert (last.hit, last.reason, last.is_included) == (hit, "max_per_source", False)
    with pytest.raises(ValueError, match="rank of its own"):
        LIBRARY.assemble(policy(), [LIBRARY.candidate(7, "a-1")], capped=[hit])
