"""What a prompt cache can hold of a context: by plan, and of the user's last one in fact."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from app.context.assembled import Assembled
from app.context.prompt_prefix import common_prefix_tokens, stable_prefix_tokens
from app.context.tokens import TokenCounter


class PromptPrefix(BaseModel):
    """How much of the beginning of a context stays the same."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stable_prefix_tokens: int = Field(description="tokens before the first section that changes with every turn")
    common_prefix_tokens: int | None = Field(
        description="tokens that the user's last context begins with too; null without a user or an earlier context"
    )


def prompt_prefix(assembled: Assembled, previous: Sequence[str] | None) -> PromptPrefix:
    """Return the prefix of a context; `previous` are the contents of the user's last one, None without one."""
    use = assembled.tokens
    stable = stable_prefix_tokens(
        {
            "system": use.instructions,
            "workspace_instructions": use.workspace_instructions,
            "notes": use.notes,
            "profile": use.profile,
            "history": use.history,
            "memories": use.memories,
            "documents": use.documents,
            "question": use.question,
        },
        assembled.policy.sections.by_name,
    )
    common = None
    if previous is not None:
        counter = TokenCounter(assembled.policy.model)
        common = common_prefix_tokens(previous, assembled.rendered.contents, counter.count)
    return PromptPrefix(stable_prefix_tokens=stable, common_prefix_tokens=common)
