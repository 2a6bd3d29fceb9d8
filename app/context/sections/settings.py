"""The sections by name, in the order in which they are sent, and the settings of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from configs.part import LIVE

SectionName = Literal[
    "system", "workspace_instructions", "notes", "profile", "history", "memories", "documents", "question"
]
Overflow = Literal["fail", "drop_oldest", "drop_lowest", "truncate_tail", "truncate_head"]
Stability = Literal["static", "session", "turn"]

SECTION_ORDER: tuple[SectionName, ...] = get_args(SectionName)
"""Most stable first: what is the same in many requests comes before what changes, so that prompt caches can hold it."""

MOST_TOKENS = 2_000_000


class SectionSettings(BaseModel):
    """What one section may take of the budget. The first three say nothing where `overflow` is `fail`: such a
    section gets exactly what it wants.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: float = Field(
        0.0,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="part of what the sections that must fit leave over; tokens that others do not use may lift the "
        "section above it. Shares that add up to more than 1 are scaled down",
        json_schema_extra=LIVE,
    )
    priority: int = Field(
        50,
        ge=0,
        le=1_000,
        description="who takes unused tokens first; lower comes first, equal ones go by the order of sending",
        json_schema_extra=LIVE,
    )
    minimum_tokens: int = Field(
        0,
        ge=0,
        le=MOST_TOKENS,
        description="tokens that the section gets before any shares, if it wants them; an error where they do not fit",
        json_schema_extra=LIVE,
    )
    maximum_tokens: int | None = Field(
        None,
        ge=0,
        le=MOST_TOKENS,
        description="tokens that the section never passes; null is no limit",
        json_schema_extra=LIVE,
    )
    overflow: Overflow = Field(
        "drop_lowest",
        description="what happens to more than fits: `fail` refuses the request, `drop_oldest` and `drop_lowest` leave "
        "items out, `truncate_tail` cuts the end off and `truncate_head` the beginning",
        json_schema_extra=LIVE,
    )
    stability: Stability = Field(
        "turn",
        description="how long the section stays the same: `static` for everybody, `session` for one user, `turn` for "
        "one question",
        json_schema_extra=LIVE,
    )

    @property
    def kept_side(self) -> Literal["head", "tail"]:
        """Return which side of a text is kept where it is cut."""
        return "tail" if self.overflow == "truncate_head" else "head"

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.maximum_tokens is not None and self.minimum_tokens > self.maximum_tokens:
            raise ValueError(
                f"minimum_tokens ({self.minimum_tokens}) must not be above maximum_tokens ({self.maximum_tokens})"
            )
        return self


def _required(priority: int, stability: Stability) -> SectionSettings:
    return SectionSettings(priority=priority, overflow="fail", stability=stability)


DEFAULT_SECTIONS: Mapping[SectionName, SectionSettings] = {
    "system": _required(0, "static"),
    "workspace_instructions": _required(1, "static"),
    "notes": _required(3, "static"),
    "profile": SectionSettings(share=0.05, priority=40, overflow="truncate_tail", stability="session"),
    "history": SectionSettings(share=0.25, priority=20, overflow="drop_oldest", stability="turn"),
    "memories": SectionSettings(share=0.1, priority=30, overflow="drop_lowest", stability="turn"),
    "documents": SectionSettings(share=0.6, priority=10, overflow="drop_lowest", stability="turn"),
    "question": _required(2, "turn"),
}
"""Documents keep at least half of what is shared out and are the first to take what others leave."""


class Sections(BaseModel):
    """The settings of every section. One that is named in part keeps its own defaults for the rest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    system: SectionSettings = Field(
        DEFAULT_SECTIONS["system"], description="what the model is told before everything", json_schema_extra=LIVE
    )
    workspace_instructions: SectionSettings = Field(
        DEFAULT_SECTIONS["workspace_instructions"],
        description="what the workspace tells the model, for all its users",
        json_schema_extra=LIVE,
    )
    notes: SectionSettings = Field(
        DEFAULT_SECTIONS["notes"], description="examples and notes on tools, the same each time", json_schema_extra=LIVE
    )
    profile: SectionSettings = Field(
        DEFAULT_SECTIONS["profile"], description="facts on the user and their preferences", json_schema_extra=LIVE
    )
    history: SectionSettings = Field(
        DEFAULT_SECTIONS["history"], description="turns of the conversation so far", json_schema_extra=LIVE
    )
    memories: SectionSettings = Field(
        DEFAULT_SECTIONS["memories"], description="memories of the user that fit the question", json_schema_extra=LIVE
    )
    documents: SectionSettings = Field(
        DEFAULT_SECTIONS["documents"], description="passages that were found for the question", json_schema_extra=LIVE
    )
    question: SectionSettings = Field(
        DEFAULT_SECTIONS["question"], description="the question itself, sent last", json_schema_extra=LIVE
    )

    @model_validator(mode="before")
    @classmethod
    def _fills_in_defaults(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {
            name: DEFAULT_SECTIONS[name].model_dump() | dict(part)
            if name in DEFAULT_SECTIONS and isinstance(part, Mapping)
            else part
            for name, part in value.items()
        }

    @model_validator(mode="after")
    def _cuts_nothing_that_must_be_whole(self) -> Self:
        for name in ("system", "workspace_instructions", "notes", "question"):
            if getattr(self, name).overflow != "fail":
                raise ValueError(
                    f"{name} is sent whole or not at all, since half of it says something else: keep `fail`"
                )
        if self.documents.overflow not in ("drop_lowest", "fail"):
            raise ValueError("the packer decides which passages are sent: give documents `drop_lowest` or `fail`")
        return self

    @property
    def by_name(self) -> dict[SectionName, SectionSettings]:
        """Return the settings in the order in which sections are sent."""
        return {name: getattr(self, name) for name in SECTION_ORDER}
