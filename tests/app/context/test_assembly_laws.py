"""Laws that hold for every context, whatever the documents, the candidates and the policy."""

from __future__ import annotations

import itertools
import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.context.assembled import Assembled
from app.context.passages import Candidate
from app.context.policy import ContextPolicy
from app.context.receipt import Receipt, receipt_of, replay
from app.context.renderers import Renderer
from app.context.template_tokens import without_tokens
from configs.errors import InvalidInputError
from configs.span import Span, union
from ingest.tokenizers import DEFAULT_TOKENIZER, count_tokens, tokenizer
from tests.app.context.library import Library, texts
from tests.contracts.rendered_sources import found_sources

KINDS = sorted(Renderer.members())
REPEATS = {"exact_duplicate", "span_overlap", "near_duplicate"}
LEFT_OUT = {"budget", "source_cap"}
INCLUDED = {"packed", "trimmed", "merged_into"}

policies = st.fixed_dictionaries(
    {
        "budget_tokens": st.integers(100, 700),
        "answer_reserve_tokens": st.integers(0, 40),
        "model": st.sampled_from([DEFAULT_TOKENIZER, "gpt-5"]),
        "packer": st.fixed_dictionaries(
            {"kind": st.just("greedy"), "max_share_per_document": st.sampled_from([0.3, 1.0, 1.0])}
        ),
        "order": st.sampled_from(["document", "relevance", "edges"]),
        "span_overlap_threshold": st.sampled_from([0.3, 0.8, 1.0]),
        "near_duplicate_distance": st.sampled_from([None, None, 0, 3, 16]),
        "merge_adjacent": st.booleans(),
        "renderer": st.fixed_dictionaries({"kind": st.sampled_from(KINDS)}),
        "instructions": st.sampled_from(["", "Be brief."]),
    }
).map(ContextPolicy.model_validate)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Library, list[Candidate]]:
    """Draw versions, one much like another, and candidates that touch, overlap and repeat, in any order."""
    first, other = draw(texts.filter(str.strip)), draw(texts.filter(str.strip))
    library = Library({"a-1": first, "a-2": draw(st.sampled_from([first, first.upper(), other[::-1]])), "b-1": other})
    places: set[tuple[str, int, int]] = set()
    for version_id, text in library.versions.items():
        overlap = draw(st.sampled_from([0, 0, 6, 25]))
        borders = [0, *sorted(draw(st.sets(st.integers(0, len(text)), max_size=6))), len(text)]
        places |= {
            (version_id, start, min(end + overlap, len(text)))
            for start, end in itertools.pairwise(borders)
            if text[start:end].strip()
        }
    ranked = draw(st.permutations(sorted(places)))
    candidates = [library.candidate(rank, *place) for rank, place in enumerate(ranked, start=1)]
    return library, draw(st.permutations(candidates))


def assembled_or_refused(policy: ContextPolicy, world: tuple[Library, list[Candidate]]) -> Assembled | None:
    """Return the context, or None where even an empty one does not fit."""
    library, candidates = world
    try:
        return library.assemble(policy, candidates)
    except InvalidInputError as error:
        refusal = error
    assert refusal.code == "budget_too_small"
    assert refusal.extra["needed_tokens"] > policy.available_tokens
    return None


def tokens_by_hand(policy: ContextPolicy, assembled: Assembled) -> int:
    """Count the rendering with the bare tokenizer."""

    def count(content: str) -> int:
        exact = len(tokenizer(DEFAULT_TOKENIZER).encode(content, add_special_tokens=False).ids)
        return exact if policy.model == DEFAULT_TOKENIZER else max(exact, math.ceil(len(content.encode()) / 3))

    return sum(map(count, assembled.rendered.contents)) + assembled.rendered.framing_tokens


@given(policy=policies, world=worlds())
def test_the_rendering_counted_again_never_exceeds_the_budget(
    policy: ContextPolicy, world: tuple[Library, list[Candidate]]
) -> None:
    if assembled := assembled_or_refused(policy, world):
        assert assembled.tokens.total == tokens_by_hand(policy, assembled)
        assert assembled.tokens.total <= policy.budget_tokens - policy.answer_reserve_tokens
        assert sum(map(count_tokens, assembled.rendered.contents)) <= policy.available_tokens


@given(policy=policies, world=worlds())
def test_sources_and_the_rest_add_up(policy: ContextPolicy, world: tuple[Library, list[Candidate]]) -> None:
    if assembled := assembled_or_refused(policy, world):
        use = assembled.tokens
        assert sum(source.tokens for source in assembled.sources) == use.documents
        assert use.instructions + use.question + use.documents + use.envelope == use.total
        assert min(use.instructions, use.question, use.documents, use.envelope) >= 0
        assert use.envelope >= 4 * len(assembled.sources)


@given(policy=policies, world=worlds())
def test_every_candidate_has_exactly_one_decision(
    policy: ContextPolicy, world: tuple[Library, list[Candidate]]
) -> None:
    if assembled := assembled_or_refused(policy, world):
        _, candidates = world
        assert [one.hit.rank for one in assembled.decisions] == list(range(1, len(candidates) + 1))
        kept = {one.hit.rank for one in assembled.decisions if one.reason not in REPEATS}
        for one in assembled.decisions:
            assert one.is_included == (one.reason in INCLUDED) == (one.label is not None) == (one.span is not None)
            if one.reason in REPEATS:
                assert one.details["of_rank"] in kept
                assert one.details["of_rank"] < one.hit.rank
            if one.reason in LEFT_OUT:
                assert one.details["left_tokens"] < one.details["needed_tokens"]


@given(policy=policies, world=worlds())
def test_every_label_resolves_to_the_text_that_was_sent(
    policy: ContextPolicy, world: tuple[Library, list[Candidate]]
) -> None:
    if assembled := assembled_or_refused(policy, world):
        library, _ = world
        found = found_sources(policy.renderer, assembled.nonce, assembled.rendered.contents[-1])
        sent = [(one.label, without_tokens(library.text_of(one.version_id, one.span))) for one in assembled.sources]
        assert found == sent
        holders = {one.label: one for one in assembled.sources}
        assert {one.label for one in assembled.decisions if one.is_included} == set(holders)
        for one in assembled.decisions:
            if one.label is not None and one.span is not None:
                source = holders[one.label]
                assert source.version_id == one.hit.version_id
                assert source.span.overlap(one.span) == len(one.span) <= len(one.hit.span)


@given(policy=policies, world=worlds())
def test_no_character_is_sent_twice(policy: ContextPolicy, world: tuple[Library, list[Candidate]]) -> None:
    if assembled := assembled_or_refused(policy, world):
        for version_id in {source.version_id for source in assembled.sources}:
            spans = [source.span for source in assembled.sources if source.version_id == version_id]
            assert sum(map(len, union(spans))) == sum(map(len, spans))


@given(policy=policies, world=worlds())
def test_exactly_one_candidate_of_a_source_is_its_best(
    policy: ContextPolicy, world: tuple[Library, list[Candidate]]
) -> None:
    if assembled := assembled_or_refused(policy, world):
        for source in assembled.sources:
            parts = [one for one in assembled.decisions if one.label == source.label]
            assert [one.reason for one in parts[1:]] == ["merged_into"] * (len(parts) - 1)
            assert parts[0].reason == ("packed" if parts[0].span == parts[0].hit.span else "trimmed")
            assert policy.merge_adjacent or len(parts) == 1


@given(policy=policies, world=worlds(), data=st.data())
def test_the_order_of_the_candidates_does_not_matter(
    policy: ContextPolicy, world: tuple[Library, list[Candidate]], data: st.DataObject
) -> None:
    if assembled := assembled_or_refused(policy, world):
        library, candidates = world
        assert library.assemble(policy, data.draw(st.permutations(candidates))) == assembled


@given(policy=policies, world=worlds())
def test_a_replay_is_byte_identical(policy: ContextPolicy, world: tuple[Library, list[Candidate]]) -> None:
    if assembled := assembled_or_refused(policy, world):
        library, _ = world
        receipt = Receipt.model_validate_json(receipt_of(assembled).model_dump_json())
        again = replay(receipt, text_of=library.text_of, origin_of=library.origin_of)
        assert again == assembled.rendered
        assert again.sha256 == receipt.context_sha256


@given(policy=policies, world=worlds())
def test_text_is_only_read_inside_the_version(policy: ContextPolicy, world: tuple[Library, list[Candidate]]) -> None:
    library, candidates = world
    asked: list[Any] = []

    def text_of(version_id: str, span: Span) -> str:
        asked.append((version_id, span))
        return Library.text_of(library, version_id, span)

    library.text_of = text_of  # type: ignore[method-assign]  # watches what assembly reads
    assembled_or_refused(policy, (library, candidates))
    assert all(0 < len(span) <= 64 and span.end <= len(library.versions[version_id]) for version_id, span in asked)
