"""A request body's `system` and `messages` as Anthropic's Messages API takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from pydantic import Field

from app.context.envelope import enclosed
from app.context.renderers import CountAll, Material, Message, Rendered, Renderer, TextBlock
from app.context.section_texts import SpokenTurn, instructions_with, memories_block, profile_block
from configs.part import LIVE

MESSAGE_TOKENS = 4
FIXED_TOKENS = 15
"""Anthropic publishes no figures for what it adds, so these are as generous as OpenAI's: four for each turn of the
conversation; for the rest once what system, a first and a last message and the reply could take."""

EARLIER = "…"
"""Stands for what the user said before a conversation that is cut to begin with the assistant: the API refuses a first
message that is not the user's. Counted out of FIXED_TOKENS."""
EARLIER_TOKENS = 4


class AnthropicMessages(Renderer):
    """`system` and `messages` for Anthropic's Messages API, with marks (`cache_control`) up to where its prompt cache
    shall keep them.

    The instructions are a block of `system`; the profile opens the first message of the user; each turn of the
    conversation is a message; memories, documents and the question are the last one. Marked are the last block that is
    the same for everybody and the last one that is the same for a user, the two ends of what stays stable. Reading
    from the cache costs a tenth of the price, writing a quarter more, so marks pay from the second request within five
    minutes; a prefix below the model's minimum (1,024 tokens or more) is not kept and costs nothing extra.
    """

    kind: Literal["anthropic_messages"]
    cached: Literal["nothing", "stable", "conversation"] = Field(
        "stable",
        description="what is marked for the prompt cache: `stable`: instructions and profile; `conversation`: the "
        "conversation's last turn too, which the next question of the same user reads again; `nothing`: no marks",
        json_schema_extra=LIVE,
    )

    def render(self, material: Material) -> Rendered:
        """Return the model input as system blocks and messages of blocks, none of them blank."""
        sections, marks = material.sections, self.cached != "nothing"
        trusted = instructions_with(material.instructions, sections)
        system = (TextBlock(trusted, ends_prefix=marks),) if trusted.strip() else ()
        turns = [Message(turn.role, (TextBlock(turn.text),)) for turn in sections.history if turn.text.strip()]
        if turns and self.cached == "conversation":
            turns[-1] = Message(turns[-1].role, (TextBlock(turns[-1].texts[-1], ends_prefix=True),))
        documents = enclosed(material.sources, material.nonce)
        asked = "\n\n".join([*filter(None, [memories_block(sections.memories), documents]), material.question])
        conversation = [*turns, Message("user", (TextBlock(asked),))]
        fixed_tokens = FIXED_TOKENS
        profile = profile_block(sections.profile)
        if profile:
            conversation = _introduced(conversation, TextBlock(profile, ends_prefix=marks))
        elif conversation[0].role == "assistant":
            conversation = _introduced(conversation, TextBlock(EARLIER))
            fixed_tokens -= EARLIER_TOKENS
        framing_tokens = fixed_tokens + MESSAGE_TOKENS * len(turns)
        return Rendered(system=system, messages=tuple(conversation), framing_tokens=framing_tokens)

    def turns_tokens(self, turns: Sequence[SpokenTurn], count_all: CountAll) -> list[int]:
        """Return what each turn costs: a message of its own, or nothing where it is blank."""
        counts = count_all([turn.text for turn in turns])
        return [MESSAGE_TOKENS + tokens if turn.text.strip() else 0 for turn, tokens in zip(turns, counts, strict=True)]


def _introduced(conversation: list[Message], block: TextBlock) -> list[Message]:
    """Return the conversation with the block in front: in its first message, or before the assistant speaks."""
    first = conversation[0]
    if first.role == "assistant":
        return [Message("user", (block,)), *conversation]
    assert isinstance(first.content, tuple)
    return [replace(first, content=(block, *first.content)), *conversation[1:]]
