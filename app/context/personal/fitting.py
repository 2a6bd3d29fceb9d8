"""Which facts, turns and memories enter a context: each section within the tokens that it was given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from app.context.personal.material import PersonalMaterial
from app.context.policy import ContextPolicy
from app.context.renderers import CountAll
from app.context.section_texts import (
    SectionTexts,
    SpokenTurn,
    memories_block,
    memory_line,
    profile_block,
    profile_line,
)
from app.context.sections.allocation import allocate
from app.context.sections.fitting import cut_text, fit_items
from app.context.sections.settings import SectionName
from app.context.users.known import Fact, Preferences

ItemReason = Literal["sent", "cut", "budget"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDecision:
    """The one final decision on a fact, wish, turn or memory; `rank` counts from 1 in the order of the section.

    `sent_characters` is how much of the text stands in the context: all of it unless `cut`.
    """

    section: SectionName
    id: str
    rank: int
    reason: ItemReason
    tokens: int
    sent_characters: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionUse:
    """What a section wanted and was given, in tokens, its tags included."""

    name: SectionName
    wanted_tokens: int
    allocated_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedSections:
    """The texts that are sent, and how it came about; `items` by section, in the order of reading.

    `used_tokens` are those of the user's sections, tags included.
    """

    texts: SectionTexts
    items: tuple[ItemDecision, ...]
    uses: tuple[SectionUse, ...]
    used_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A text that wants to be sent: `id` names the row it comes from."""

    id: str
    text: str
    rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """The lines of one section with what they cost."""

    name: SectionName
    lines: Sequence[Line]
    tokens: Mapping[str, int]
    frame_tokens: int

    @property
    def wanted_tokens(self) -> int:
        return self.frame_tokens + sum(self.tokens.values()) if self.lines else 0


def profile_lines(facts: Sequence[Fact], preferences: Preferences) -> list[Line]:
    """Return how somebody wants to be answered, then the facts as `key: value`, the surest first."""
    wishes = [
        ("preference:language", "language of answers", preferences.language),
        ("preference:verbosity", "length of answers", preferences.verbosity),
    ]
    said = [(name, f"{label}: {value}") for name, label, value in wishes if value is not None]
    said += [(fact.id, f"{fact.key}: {fact.value}") for fact in facts]
    return [Line(id=name, text=text, rank=rank) for rank, (name, text) in enumerate(said, start=1)]


class SectionFitter:
    """Fits the personal sections of one request into what the documents leave to them."""

    def __init__(self, policy: ContextPolicy, personal: PersonalMaterial, count_all: CountAll) -> None:
        self._policy = policy
        self._personal = personal
        self._count_all = count_all
        self._roles = {turn.id: turn.role for turn in personal.turns}
        memories = enumerate(personal.memories, start=1)
        self._wishes = (
            self._wish("profile", profile_lines(personal.facts, personal.preferences), profile_line, profile_block),
            self._history(),
            self._wish(
                "memories",
                [Line(id=one.memory.id, text=one.memory.text, rank=rank) for rank, one in memories],
                memory_line,
                memories_block,
            ),
        )

    def fit(self, available_tokens: int, required: Mapping[SectionName, int], documents_tokens: int) -> FittedSections:
        """Return what is sent where the sections that must fit take `required` of the available tokens.

        Raises InvalidInputError (`sections_do_not_fit`) where they and the minimums of the others do not fit.
        """
        wanted = {**required, **{wish.name: wish.wanted_tokens for wish in self._wishes}, "documents": documents_tokens}
        allocated = allocate(available_tokens, wanted, self._policy.sections.by_name)
        items: list[ItemDecision] = []
        sent: dict[SectionName, list[tuple[str, str]]] = {}
        used_tokens = 0
        for wish in self._wishes:
            decided, kept = self._fitted(wish, allocated[wish.name])
            items += decided
            sent[wish.name] = kept
            used_tokens += self._used(wish, decided, allocated[wish.name])
        return FittedSections(
            texts=SectionTexts(
                workspace_instructions=self._personal.workspace_instructions,
                notes=self._personal.notes,
                profile=tuple(text for _, text in sent["profile"]),
                history=tuple(SpokenTurn(role=self._roles[name], text=text) for name, text in sent["history"]),
                memories=tuple(text for _, text in sent["memories"]),
            ),
            items=tuple(items),
            used_tokens=used_tokens,
            uses=tuple(
                SectionUse(name=name, wanted_tokens=wanted.get(name, 0), allocated_tokens=tokens)
                for name, tokens in allocated.items()
            ),
        )

    def _wish(
        self, name: SectionName, lines: Sequence[Line], written: Callable[[str], str], block: Callable[[list[str]], str]
    ) -> _Wish:
        *counts, frame_tokens = self._count_all([*(written(line.text) for line in lines), block([""])])
        tokens = {line.id: count for line, count in zip(lines, counts, strict=True)}
        return _Wish(name=name, lines=lines, tokens=tokens, frame_tokens=frame_tokens if lines else 0)

    def _history(self) -> _Wish:
        """The tags around a conversation are charged even to a renderer that needs none: they are few."""
        turns = self._personal.turns
        renderer = self._policy.renderer
        spoken = [SpokenTurn(role=turn.role, text=turn.text) for turn in turns]
        counts = renderer.turns_tokens(spoken, self._count_all) if turns else []
        tokens = {turn.id: count for turn, count in zip(turns, counts, strict=True)}
        lines = [Line(id=turn.id, text=turn.text, rank=rank) for rank, turn in enumerate(turns, start=1)]
        frame_tokens = self._count_all(["<history>\n</history>"])[0] if turns else 0
        return _Wish(name="history", lines=lines, tokens=tokens, frame_tokens=frame_tokens)

    def _fitted(self, wish: _Wish, allocated_tokens: int) -> tuple[list[ItemDecision], list[tuple[str, str]]]:
        """Return the decisions on a section's lines, and (id, text) of what is sent, in the order of reading."""
        settings = self._policy.sections.by_name[wish.name]
        fitted = fit_items(
            wish.lines,
            lambda line: wish.tokens[line.id],
            max(0, allocated_tokens - wish.frame_tokens),
            settings.overflow,
            score=lambda line: -line.rank,
            cut=self._cut if wish.name == "history" else None,
        )
        kept = {line.id: line.text for line in fitted.kept}
        decisions = []
        for line in wish.lines:
            text = kept.get(line.id)
            reason: ItemReason = "budget" if text is None else "sent" if text == line.text else "cut"
            decisions.append(
                ItemDecision(
                    section=wish.name, id=line.id, rank=line.rank, reason=reason, tokens=wish.tokens[line.id],
                    sent_characters=None if text is None else len(text),
                )
            )  # fmt: skip
        return decisions, list(kept.items())

    def _used(self, wish: _Wish, decided: Sequence[ItemDecision], allocated_tokens: int) -> int:
        """Return what the section takes: all that it was given where an item was cut to fill it."""
        if any(one.reason == "cut" for one in decided):
            return allocated_tokens
        whole = sum(one.tokens for one in decided if one.reason == "sent")
        return wish.frame_tokens + whole if whole else 0

    def _cut(self, line: Line, allowed_tokens: int) -> Line | None:
        """Return what is kept of a turn that is too long; its frame is charged with it."""
        role = self._roles[line.id]

        def cost(text: str) -> int:
            return self._policy.renderer.turns_tokens([SpokenTurn(role=role, text=text)], self._count_all)[0]

        side = self._policy.sections.history.kept_side
        text = cut_text(line.text, allowed_tokens, cost, side)
        text = text.rstrip() if side == "head" else text.lstrip()
        return replace(line, text=text) if text else None
