"""Sections in both shipped renderers, by hand."""

from __future__ import annotations

from typing import Any

import pytest

from app.context.envelope import Origin, SourceBlock
from app.context.renderers import Material
from app.context.renderers.openai_messages import OpenAIMessages
from app.context.renderers.plain_text import PlainText
from app.context.section_texts import SectionTexts, SpokenTurn
from tests.app.context.library import NONCE

ASKED = SpokenTurn(role="user", text="Hello")
ANSWERED = SpokenTurn(role="assistant", text="Hi!")
PROFILE = "<profile>\ncity: Berlin\n</profile>"
MEMORIES = "<memories>\n- likes tea\n</memories>"
DOCUMENTS = f'<documents-{NONCE}>\n<doc-{NONCE} label="S1">\nFees are kept.\n</doc-{NONCE}>\n</documents-{NONCE}>'
EVERYTHING = SectionTexts(
    workspace_instructions="Be kind.", notes="Tools: none.", profile=("city: Berlin",), history=(ASKED, ANSWERED),
    memories=("likes tea",),
)  # fmt: skip


def material(sections: SectionTexts, *, instructions: str = "Be brief.", has_source: bool = True) -> Material:
    sources = [SourceBlock(label="S1", origin=Origin(), text="Fees are kept.")] if has_source else []
    return Material(instructions=instructions, question="When?", sources=sources, nonce=NONCE, sections=sections)


def messages(sections: SectionTexts, **more: Any) -> list[tuple[str, ...]]:
    rendered = OpenAIMessages(kind="openai_messages").render(material(sections, **more))
    return [(message.role, *message.texts) for message in rendered.messages]


def test_a_whole_text_by_hand() -> None:
    assert PlainText(kind="text").render(material(EVERYTHING)).text == (
        f"Be brief.\n\nBe kind.\n\nTools: none.\n\n{PROFILE}\n\n"
        f"<history>\nUser: Hello\nAssistant: Hi!\n</history>\n\n{MEMORIES}\n\n{DOCUMENTS}\n\nQuestion: When?"
    )


def test_whole_messages_by_hand() -> None:
    assert messages(EVERYTHING) == [
        ("system", "Be brief.\n\nBe kind.\n\nTools: none."),
        ("user", f"{PROFILE}\n\nHello"),
        ("assistant", "Hi!"),
        ("user", f"{MEMORIES}\n\n{DOCUMENTS}\n\nWhen?"),
    ]


def test_without_a_conversation_the_profile_opens_the_only_message_of_the_user() -> None:
    sections = SectionTexts(profile=("city: Berlin",), memories=("likes tea",))
    assert messages(sections, instructions="", has_source=False) == [("user", f"{PROFILE}\n\n{MEMORIES}\n\nWhen?")]


def test_a_conversation_that_the_assistant_begins_has_the_profile_in_a_message_before_it() -> None:
    sections = SectionTexts(profile=("city: Berlin",), history=(ANSWERED, ASKED))
    assert messages(sections, instructions="", has_source=False) == [
        ("user", PROFILE), ("assistant", "Hi!"), ("user", "Hello"), ("user", "When?"),
    ]  # fmt: skip


def test_a_conversation_that_the_assistant_begins_stays_as_it_is_without_a_profile() -> None:
    sections = SectionTexts(history=(ANSWERED,))
    assert messages(sections, instructions="", has_source=False) == [("assistant", "Hi!"), ("user", "When?")]


def test_the_workspace_speaks_in_the_system_message_even_where_the_policy_says_nothing() -> None:
    sections = SectionTexts(workspace_instructions="Be kind.")
    assert messages(sections, instructions="", has_source=False) == [("system", "Be kind."), ("user", "When?")]


@pytest.mark.parametrize(
    ("history", "profile", "count"),
    [((), (), 1), ((ASKED,), (), 2), ((ASKED, ANSWERED), (), 3), ((ASKED,), ("a: b",), 2), ((ANSWERED,), ("a: b",), 3)],
)
def test_each_message_is_framed(history: tuple[SpokenTurn, ...], profile: tuple[str, ...], count: int) -> None:
    sections = SectionTexts(history=history, profile=profile)
    rendered = OpenAIMessages(kind="openai_messages").render(material(sections, instructions=""))
    assert len(rendered.messages) == count
    assert rendered.framing_tokens == 4 * count + 3


def test_a_turn_costs_its_message_or_its_line() -> None:
    def count_words(texts: Any) -> list[int]:
        return [len(text.split()) for text in texts]

    turns = [SpokenTurn(role="user", text="one two"), SpokenTurn(role="assistant", text="")]
    assert OpenAIMessages(kind="openai_messages").turns_tokens(turns, count_words) == [6, 4]
    assert PlainText(kind="text").turns_tokens(turns, count_words) == [3, 1]
