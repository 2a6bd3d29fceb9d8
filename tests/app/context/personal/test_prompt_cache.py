"""What a prompt cache can hold of a context, from its token use and from the last context."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.context.assembled import Assembled
from app.context.assembly import assemble
from app.context.personal.material import PersonalMaterial
from app.context.personal.prompt_cache import prompt_prefix
from ingest.tokenizers import count_tokens
from tests.app.context.library import Library, nonces, prose
from tests.app.context.personal.planted import material, materials, policy

few = settings(max_examples=25)

LIBRARY = Library({"a-1": prose(40)})
QUESTION = "When are refunds paid?"
kinds = st.sampled_from(["text", "openai_messages"])
words = st.integers(1, 20).map(prose)


def made(personal: PersonalMaterial, kind: str = "text", *, question: str = QUESTION, model: str = "") -> Assembled:
    chosen = policy(kind, instructions="Be brief.", **({"model": model} if model else {}))
    candidates = [LIBRARY.candidate(1, "a-1")]
    return assemble(chosen, question, candidates, text_of=LIBRARY.text_of, nonce=nonces(), personal=personal)


def contents_tokens(assembled: Assembled) -> int:
    return sum(map(count_tokens, assembled.rendered.contents))


@few
@given(personal=materials(words), kind=kinds)
def test_what_comes_before_the_first_section_of_the_turn_is_stable(personal: PersonalMaterial, kind: str) -> None:
    assembled = made(personal, kind)
    use = assembled.tokens
    expected = use.instructions + use.workspace_instructions + use.notes + use.profile
    assert prompt_prefix(assembled, None).stable_prefix_tokens == expected


def test_a_history_that_the_policy_calls_stable_counts_with_what_stands_before_it() -> None:
    personal = material(facts=["Berlin"], turns=["Hello there"], memories=["likes tea"], notes="Tools: none.")
    chosen = policy(instructions="Be brief.", sections={"history": {"stability": "session"}})
    assembled = assemble(chosen, QUESTION, [], text_of=LIBRARY.text_of, nonce=nonces(), personal=personal)
    use = assembled.tokens
    assert use.history == count_tokens("Hello there")
    stable = prompt_prefix(assembled, None).stable_prefix_tokens
    assert stable == use.instructions + use.notes + use.profile + use.history


@few
@given(personal=materials(words), kind=kinds)
def test_the_same_context_again_is_shared_whole(personal: PersonalMaterial, kind: str) -> None:
    assembled = made(personal, kind)
    shared = prompt_prefix(assembled, assembled.rendered.contents)
    assert shared.common_prefix_tokens == contents_tokens(assembled)
    assert shared.common_prefix_tokens == assembled.tokens.total - assembled.rendered.framing_tokens


@few
@given(personal=materials(words), kind=kinds)
def test_another_question_shares_everything_before_it(personal: PersonalMaterial, kind: str) -> None:
    one, other = made(personal, kind), made(personal, kind, question="Who pays?")
    shared = prompt_prefix(other, one.rendered.contents).common_prefix_tokens
    assert shared == contents_tokens(one) - count_tokens(QUESTION)


@few
@given(one=materials(words), other=materials(words), kind=kinds)
def test_what_is_shared_is_in_both(one: PersonalMaterial, other: PersonalMaterial, kind: str) -> None:
    before, after = made(one, kind), made(other, kind)
    shared = prompt_prefix(after, before.rendered.contents).common_prefix_tokens
    back = prompt_prefix(before, after.rendered.contents).common_prefix_tokens
    assert shared is not None
    assert back == shared <= min(contents_tokens(before), contents_tokens(after))
    assert shared >= count_tokens("Be brief.")


def test_without_an_earlier_context_nothing_is_said() -> None:
    assert prompt_prefix(made(material()), None).common_prefix_tokens is None
    assert prompt_prefix(made(material()), ()).common_prefix_tokens == 0


@pytest.mark.parametrize("kind", ["text", "openai_messages"])
def test_estimates_are_compared_with_estimates(kind: str) -> None:
    assembled = made(material(turns=["🙂" * 30]), kind, model="gpt-5")
    assert not assembled.is_exact
    shared = prompt_prefix(assembled, assembled.rendered.contents).common_prefix_tokens
    assert shared == assembled.tokens.total - assembled.rendered.framing_tokens
