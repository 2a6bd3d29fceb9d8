"""Messages as OpenAI's chat interface and its many imitations take them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from app.context.envelope import enclosed
from app.context.renderers import Material, Message, Rendered, Renderer
from configs.part import LIVE

MESSAGE_TOKENS = 4
REPLY_TOKENS = 3
"""What OpenAI's documentation says to add: for each message (with its role), and for the beginning of the reply."""


class OpenAIMessages(Renderer):
    """A message with the instructions alone, then a user message with the envelope and, after it, the question.

    Empty instructions make no message.
    """

    kind: Literal["openai_messages"]
    instructions_role: Literal["system", "developer"] = Field(
        "system",
        description="role of the message that holds the instructions; some newer models call it developer",
        json_schema_extra=LIVE,
    )

    def render(self, material: Material) -> Rendered:
        """Return the model input as chat messages."""
        documents = enclosed(material.sources, material.nonce)
        user = Message("user", f"{documents}\n\n{material.question}" if documents else material.question)
        instructions = [Message(self.instructions_role, material.instructions)] if material.instructions else []
        messages = (*instructions, user)
        return Rendered(messages=messages, framing_tokens=MESSAGE_TOKENS * len(messages) + REPLY_TOKENS)
