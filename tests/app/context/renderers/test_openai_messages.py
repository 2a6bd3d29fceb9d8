"""The messages, by hand."""

from __future__ import annotations

import pytest

from app.context.envelope import Origin, SourceBlock
from app.context.renderers import Material, Rendered
from app.context.renderers.openai_messages import OpenAIMessages
from tests.app.context.library import NONCE

SOURCE = SourceBlock(label="S1", origin=Origin(title="Handbook"), text="Refunds take 14 days.")


def rendered(renderer: OpenAIMessages, instructions: str, sources: list[SourceBlock]) -> Rendered:
    return renderer.render(Material(instructions=instructions, question="When?", sources=sources, nonce=NONCE))


def test_messages_by_hand() -> None:
    assert rendered(OpenAIMessages(kind="openai_messages"), "Be brief.", [SOURCE]).as_json() == {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": "<documents-0123abcd>\n"
                '<doc-0123abcd label="S1" source="Handbook">\n'
                "Refunds take 14 days.\n"
                "</doc-0123abcd>\n"
                "</documents-0123abcd>\n\n"
                "When?",
            },
        ]
    }


def test_without_instructions_and_sources_the_question_stands_alone() -> None:
    result = rendered(OpenAIMessages(kind="openai_messages"), "", [])
    assert result.as_json() == {"messages": [{"role": "user", "content": "When?"}]}


@pytest.mark.parametrize(("instructions", "framing_tokens"), [("", 7), ("Be brief.", 11)])
def test_framing_is_four_tokens_a_message_and_three_for_the_reply(instructions: str, framing_tokens: int) -> None:
    assert rendered(OpenAIMessages(kind="openai_messages"), instructions, []).framing_tokens == framing_tokens


def test_newer_models_call_the_role_developer() -> None:
    renderer = OpenAIMessages(kind="openai_messages", instructions_role="developer")
    assert [message.role for message in rendered(renderer, "Be brief.", []).messages] == ["developer", "user"]


def test_other_roles_are_refused() -> None:
    with pytest.raises(ValueError, match="instructions_role"):
        OpenAIMessages.model_validate({"kind": "openai_messages", "instructions_role": "user"})
