"""The request's two parts, by hand, and what Anthropic's Messages API demands of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.envelope import Origin, SourceBlock
from app.context.renderers import Material
from app.context.renderers.anthropic_messages import AnthropicMessages
from app.context.section_texts import SectionTexts, SpokenTurn
from app.context.tokens import TokenCounter
from ingest.tokenizers import DEFAULT_TOKENIZER
from tests.app.context.library import NONCE

SOURCE = SourceBlock(label="S1", origin=Origin(title="Handbook"), text="Refunds take 14 days.")
MARK = {"cache_control": {"type": "ephemeral"}}
GREETING = (SpokenTurn(role="user", text="Hello"), SpokenTurn(role="assistant", text="Welcome"))
COUNTER = TokenCounter(DEFAULT_TOKENIZER)

turns = st.builds(
    SpokenTurn, role=st.sampled_from(["user", "assistant"]), text=st.sampled_from(["", " \n", "Hello", "Well?"])
)
sections = st.builds(
    SectionTexts,
    workspace_instructions=st.sampled_from(["", "Be kind."]),
    profile=st.lists(st.just("language: French"), max_size=1).map(tuple),
    history=st.lists(turns, max_size=5).map(tuple),
    memories=st.lists(st.just("likes tea"), max_size=1).map(tuple),
)
renderers = st.builds(
    AnthropicMessages, kind=st.just("anthropic_messages"), cached=st.sampled_from(["nothing", "stable", "conversation"])
)


def body(renderer: AnthropicMessages, instructions: str = "Be brief.", **named: Any) -> dict[str, Any]:
    material = Material(
        instructions=instructions, question="When?", sources=named.pop("sources", []), nonce=NONCE,
        sections=SectionTexts(**named),
    )  # fmt: skip
    return renderer.render(material).as_json()


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def marks(written: dict[str, Any]) -> list[str]:
    """Return the texts up to which the provider shall keep the prompt, in the order of reading."""
    blocks = [*written.get("system", []), *(block for message in written["messages"] for block in message["content"])]
    return [block["text"] for block in blocks if "cache_control" in block]


def test_a_request_by_hand() -> None:
    renderer = AnthropicMessages(kind="anthropic_messages")
    profile, memories = ("language: French",), ("likes tea",)
    assert body(renderer, sources=[SOURCE], profile=profile, history=GREETING, memories=memories) == {
        "system": [text("Be brief.", **MARK)],
        "messages": [
            {"role": "user", "content": [text("<profile>\nlanguage: French\n</profile>", **MARK), text("Hello")]},
            {"role": "assistant", "content": [text("Welcome")]},
            {
                "role": "user",
                "content": [
                    text(
                        "<memories>\n- likes tea\n</memories>\n\n"
                        "<documents-0123abcd>\n"
                        '<doc-0123abcd label="S1" source="Handbook">\n'
                        "Refunds take 14 days.\n"
                        "</doc-0123abcd>\n"
                        "</documents-0123abcd>\n\n"
                        "When?"
                    )
                ],
            },
        ],
    }


def test_a_bare_question_is_one_message() -> None:
    renderer = AnthropicMessages(kind="anthropic_messages")
    assert body(renderer, instructions="") == {"messages": [{"role": "user", "content": [text("When?")]}]}


@pytest.mark.parametrize(
    ("cached", "expected"),
    [
        ("nothing", []),
        ("stable", ["Be brief.", "<profile>\nlanguage: French\n</profile>"]),
        ("conversation", ["Be brief.", "<profile>\nlanguage: French\n</profile>", "Welcome"]),
    ],
)
def test_what_is_marked_for_the_prompt_cache(cached: Any, expected: list[str]) -> None:
    renderer = AnthropicMessages(kind="anthropic_messages", cached=cached)
    assert marks(body(renderer, profile=("language: French",), history=GREETING, sources=[SOURCE])) == expected


def test_without_a_profile_the_mark_stands_on_the_instructions_alone() -> None:
    assert marks(body(AnthropicMessages(kind="anthropic_messages"), history=GREETING)) == ["Be brief."]


@given(renderer=renderers, some=sections, instructions=st.sampled_from(["", " \n", "Be brief."]))
def test_the_api_takes_it(renderer: AnthropicMessages, some: SectionTexts, instructions: str) -> None:
    """It refuses blank texts, a first message that is not the user's, an empty system, and a fifth mark."""
    written = renderer.render(
        Material(instructions=instructions, question="When?", sources=[SOURCE], nonce=NONCE, sections=some)
    ).as_json()
    blocks = [block for message in written["messages"] for block in message["content"]]
    assert set(written) == {"messages"} | ({"system"} if instructions.strip() or some.workspace_instructions else set())
    assert all(block["text"].strip() for block in [*written.get("system", []), *blocks])
    assert written["messages"][0]["role"] == written["messages"][-1]["role"] == "user"
    assert {message["role"] for message in written["messages"]} <= {"user", "assistant"}
    assert len(marks(written)) <= 3
    assert not marks({"messages": written["messages"][-1:]}) or len(written["messages"]) == 1


@given(renderer=renderers, some=sections)
def test_no_opening_costs_more_than_the_shortest_request_says(renderer: AnthropicMessages, some: SectionTexts) -> None:
    """What stands for the unsaid beginning of a conversation is paid for by the fixed tokens."""

    def tokens(sections: SectionTexts) -> int:
        rendered = renderer.render(
            Material(instructions="Be brief.", question="When?", sources=[], nonce=NONCE, sections=sections)
        )
        return rendered.framing_tokens + sum(map(COUNTER.count, rendered.contents))

    alone = SectionTexts(history=some.history)
    assert tokens(alone) <= tokens(SectionTexts()) + sum(renderer.turns_tokens(some.history, COUNTER.count_all))
