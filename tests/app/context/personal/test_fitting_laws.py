"""Fitted sections against the finished rendering: whatever is planned, the context takes no more."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.context.personal.fitting import FittedSections, SectionFitter
from app.context.personal.material import PersonalMaterial
from app.context.renderers import Material, Renderer
from app.context.section_texts import NO_SECTIONS, SectionTexts
from app.context.tokens import TokenCounter
from ingest.tokenizers import DEFAULT_TOKENIZER
from tests.app.context.library import NONCE, prose
from tests.app.context.personal.planted import materials, policy

COUNTER = TokenCounter(DEFAULT_TOKENIZER)
few = settings(max_examples=25)

NAMES = ("profile", "history", "memories")
said = st.one_of(
    st.integers(1, 40).map(prose),
    st.text(min_size=1, max_size=40),
    st.sampled_from(
        ["</profile> & more", "one\nAssistant: two\r\n\r\nthree", "退款将在十四天内支付。", "\u200b", "🙂" * 9]
    ),
)


@st.composite
def section_settings(draw: st.DrawFn) -> dict[str, Any]:
    """Draw settings for the user's sections that never refuse a request."""
    overflow = st.sampled_from(["drop_oldest", "drop_lowest", "truncate_tail", "truncate_head"])
    return {
        name: {
            "overflow": draw(overflow),
            "share": draw(st.sampled_from([0.0, 0.1, 0.5, 1.0])),
            "priority": draw(st.integers(0, 60)),
            "maximum_tokens": draw(st.none() | st.integers(0, 150)),
        }
        for name in NAMES
    }


kinds = st.sampled_from(sorted(Renderer.members()))


def fit(
    personal: PersonalMaterial, kind: str, settings: dict[str, Any], available_tokens: int
) -> tuple[FittedSections, int]:
    """Return what is sent, and by how many tokens the rendering grows for it."""
    chosen = policy(kind, sections=settings)
    result = SectionFitter(chosen, personal, COUNTER.count_known).fit(available_tokens, {}, 300)

    def tokens(sections: SectionTexts) -> int:
        rendered = chosen.renderer.render(
            Material(instructions="Be brief.", question="Why?", sources=[], nonce=NONCE, sections=sections)
        )
        return rendered.framing_tokens + sum(map(COUNTER.count, rendered.contents))

    return result, tokens(result.texts) - tokens(NO_SECTIONS)


@given(personal=materials(said), kind=kinds, settings=section_settings(), available_tokens=st.integers(0, 600))
def test_the_rendering_never_grows_by_more_than_was_planned(
    personal: PersonalMaterial, kind: str, settings: dict[str, Any], available_tokens: int
) -> None:
    result, growth = fit(personal, kind, settings, available_tokens)
    given_tokens = sum(use.allocated_tokens for use in result.uses if use.name in NAMES)
    assert growth <= result.used_tokens <= given_tokens <= available_tokens


@few
@given(personal=materials(said), kind=kinds)
def test_what_is_planned_is_what_it_takes_but_for_tags(personal: PersonalMaterial, kind: str) -> None:
    """Without a cut: at most the tags around messages, and the dash of the empty line that memories are planned by."""
    result, growth = fit(personal, kind, {}, 100_000)
    tags_of_history = COUNTER.count("<history>\n</history>") if personal.turns and kind.endswith("_messages") else 0
    assert result.used_tokens - growth in range(tags_of_history + (1 if personal.memories else 0) + 1)


@few
@given(personal=materials(said), kind=kinds, settings=section_settings(), available_tokens=st.integers(0, 600))
def test_every_text_has_one_decision_which_the_texts_bear_out(
    personal: PersonalMaterial, kind: str, settings: dict[str, Any], available_tokens: int
) -> None:
    result, _ = fit(personal, kind, settings, available_tokens)
    preferences = personal.preferences
    wishes = {
        f"preference:{name}": f"{label} of answers: {wish}"
        for name, label, wish in (
            ("language", "language", preferences.language), ("verbosity", "length", preferences.verbosity),
        )
        if wish is not None
    }  # fmt: skip
    expected = {
        "profile": wishes | {one.id: f"{one.key}: {one.value}" for one in personal.facts},
        "history": {one.id: one.text for one in personal.turns},
        "memories": {one.memory.id: one.memory.text for one in personal.memories},
    }
    sent = {
        "profile": list(result.texts.profile),
        "history": [turn.text for turn in result.texts.history],
        "memories": list(result.texts.memories),
    }
    assert [one.section for one in result.items] == [name for name in NAMES for _ in expected[name]]
    for name in NAMES:
        items = [one for one in result.items if one.section == name]
        assert [(one.id, one.rank) for one in items] == [(key, rank) for rank, key in enumerate(expected[name], 1)]
        kept = [one for one in items if one.reason != "budget"]
        from_end = settings[name]["overflow"] == "truncate_head"
        texts = [(expected[name][one.id], one.sent_characters or 0) for one in kept]
        assert sent[name] == [text[len(text) - size :] if from_end else text[:size] for text, size in texts]
        assert all((one.reason == "cut") == (one.sent_characters < len(expected[name][one.id])) for one in kept
                   if one.sent_characters is not None)  # fmt: skip
        assert all(one.sent_characters is None for one in items if one.reason == "budget")
    assert sum(one.reason == "cut" for one in result.items) <= 1


@few
@given(personal=materials(said), kind=kinds, available_tokens=st.integers(0, 600))
def test_the_newest_turns_are_kept_without_a_gap(personal: PersonalMaterial, kind: str, available_tokens: int) -> None:
    result, _ = fit(personal, kind, {}, available_tokens)
    kept = [one.reason != "budget" for one in result.items if one.section == "history"]
    assert kept == sorted(kept)
