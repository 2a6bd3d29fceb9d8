"""Where the tokens of a context went, section by section."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from app.context.assembled import Assembled, TokenUse
from app.context.assembly import assemble
from app.context.personal.material import NOTHING_PERSONAL, PersonalMaterial
from ingest.tokenizers import count_tokens
from tests.app.context.library import Library, nonces, prose
from tests.app.context.personal.planted import material, policy

LIBRARY = Library({"a-1": prose(40)})
QUESTION = "When are refunds paid?"
EVERYTHING = material(
    ["Berlin & Rome"], ["likes tea", "works late"], ["Good morning", "Welcome back"],
    workspace_instructions="Be kind to everybody.", notes="Tools: none.",
)  # fmt: skip
each_kind = pytest.mark.parametrize("kind", ["text", "openai_messages"])


def made(personal: PersonalMaterial, kind: str, model: str = "") -> Assembled:
    chosen = policy(kind, instructions="Be brief.", **({"model": model} if model else {}))
    candidates = [LIBRARY.candidate(1, "a-1")]
    return assemble(chosen, QUESTION, candidates, text_of=LIBRARY.text_of, nonce=nonces(), personal=personal)


def test_the_total_counts_every_part_once() -> None:
    parts = {one.name: 2**number for number, one in enumerate(fields(TokenUse))}
    assert TokenUse(**parts).total == 2 ** len(parts) - 1


@each_kind
def test_each_section_is_counted_as_it_is_sent(kind: str) -> None:
    use = made(EVERYTHING, kind).tokens
    expected = {
        "instructions": "Be brief.", "workspace_instructions": "Be kind to everybody.", "notes": "Tools: none.",
        "profile": "key0: Berlin &amp; Rome", "history": "Good morning Welcome back",
        "memories": "- likes tea\n- works late", "documents": prose(40), "question": QUESTION,
    }  # fmt: skip
    assert {name: getattr(use, name) for name in expected} == {
        name: count_tokens(text) for name, text in expected.items()
    }
    assert use.envelope > 0


@each_kind
@pytest.mark.parametrize("model", ["", "gpt-5"])
@pytest.mark.parametrize("name", ["facts", "turns", "memories", "workspace_instructions", "notes"])
def test_a_section_that_is_away_leaves_the_others_as_they_are(kind: str, model: str, name: str) -> None:
    whole = made(EVERYTHING, kind, model).tokens
    without = made(replace(EVERYTHING, **{name: getattr(NOTHING_PERSONAL, name)}), kind, model).tokens
    section = {"facts": "profile", "turns": "history"}.get(name, name)
    assert getattr(without, section) == 0 < getattr(whole, section)
    differing = {one.name for one in fields(TokenUse) if getattr(whole, one.name) != getattr(without, one.name)}
    assert differing <= {section, "envelope"}
    assert without.total < whole.total
