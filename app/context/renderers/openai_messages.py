"""Messages as OpenAI's chat interface and its many imitations take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from app.context.envelope import enclosed
from app.context.renderers import CountAll, Material, Message, Rendered, Renderer
from app.context.section_texts import SpokenTurn, instructions_with, memories_block, profile_block
from configs.part import LIVE

MESSAGE_TOKENS = 4
REPLY_TOKENS = 3
"""What OpenAI's documentation says to add: for each message (with its role), and for the beginning of the reply."""


class OpenAIMessages(Renderer):
    """A message with the trusted instructions alone, then the conversation, then a user message that ends with the
    question.

    Empty instructions make no message. The profile opens the first message of the user, so that what stays the same
    comes before what changes; memories and the envelope with the documents stand in the last message.
    """

    kind: Literal["openai_messages"]
    instructions_role: Literal["system", "developer"] = Field(
        "system",
        description="role of the message that holds the instructions; some newer models call it developer",
        json_schema_extra=LIVE,
    )

    def render(self, material: Material) -> Rendered:
        """Return the model input as chat messages."""
        sections = material.sections
        trusted = instructions_with(material.instructions, sections)
        instructions = [Message(self.instructions_role, trusted)] if trusted else []
        documents = enclosed(material.sources, material.nonce)
        asked = "\n\n".join([*filter(None, [memories_block(sections.memories), documents]), material.question])
        conversation = [*(Message(turn.role, turn.text) for turn in sections.history), Message("user", asked)]
        messages = (*instructions, *_introduced(conversation, profile_block(sections.profile)))
        return Rendered(messages=messages, framing_tokens=MESSAGE_TOKENS * len(messages) + REPLY_TOKENS)

    def turns_tokens(self, turns: Sequence[SpokenTurn], count_all: CountAll) -> list[int]:
        """Return what each turn costs: a message of its own."""
        return [MESSAGE_TOKENS + tokens for tokens in count_all([turn.text for turn in turns])]


def _introduced(conversation: list[Message], profile: str) -> list[Message]:
    """Return the conversation with the profile in front: in its first message, or before the assistant speaks."""
    if not profile:
        return conversation
    first = conversation[0]
    if first.role != "user":
        return [Message("user", profile), *conversation]
    return [Message("user", f"{profile}\n\n{first.content}"), *conversation[1:]]
