"""One context out of candidates: deduplicate, pack, merge, order, render, count again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from app.context.envelope import Origin, SourceBlock, absent_nonce, texts_of
from app.context.extracts import Extract, TextOf, lay_out
from app.context.packers import PackItem
from app.context.passages import Candidate, Decision, Reason, Selected, deduplicate
from app.context.policy import ContextPolicy
from app.context.renderers import Material, Rendered
from app.context.tokens import TokenCounter
from configs.errors import InvalidInputError
from configs.span import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a label stands for. `described_at` is the position whose headings and page `origin` names."""

    label: str
    document_id: str
    version_id: str
    span: Span
    origin: Origin
    described_at: int
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUse:
    """Where the tokens of a rendered context went; `envelope` is all that is none of the others."""

    instructions: int
    question: int
    documents: int
    envelope: int

    @property
    def total(self) -> int:
        """Return the tokens of the whole rendering."""
        return self.instructions + self.question + self.documents + self.envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """A context and how it came about: one decision for each candidate, in order of rank."""

    policy: ContextPolicy
    question: str
    nonce: str
    rendered: Rendered
    tokens: TokenUse
    tokenizer: str
    is_exact: bool
    sources: tuple[Source, ...]
    decisions: tuple[Decision, ...]


def assemble(
    policy: ContextPolicy,
    question: str,
    candidates: Sequence[Candidate],
    *,
    text_of: TextOf,
    nonce: Callable[[], str],
) -> Assembled:
    """Return the context for `question`; its tokens never exceed `policy.available_tokens`.

    Candidates may come in any order and are taken by rank, which must not repeat. `nonce` draws the envelope's nonce
    anew until it occurs in no text. Raises InvalidInputError (`budget_too_small`) where instructions, question and an
    empty envelope do not fit.
    """
    ranked = sorted(candidates, key=lambda candidate: candidate.hit.rank)
    if len({candidate.hit.rank for candidate in ranked}) < len(ranked):
        raise ValueError("each candidate needs a rank of its own")
    desk = _Desk(policy, question, text_of, nonce)
    left_tokens = desk.tokens_left_for(ranked)
    selected, decisions = deduplicate(
        ranked,
        span_overlap_threshold=policy.span_overlap_threshold,
        near_duplicate_distance=policy.near_duplicate_distance,
    )
    items = desk.items(selected)
    included: list[tuple[Selected, PackItem]] = []
    for part, item, answer in zip(selected, items, policy.packer.pack(items, left_tokens), strict=True):
        if answer.reason == "packed":
            included.append((part, item))
        else:
            decisions.append(_left_out(part, answer.reason, answer.needed_tokens, answer.left_tokens))
    draft = desk.draft([part for part, _ in included])
    while draft.total_tokens > policy.available_tokens and included:
        part, item = included.pop()
        over_tokens = draft.total_tokens - policy.available_tokens
        decisions.append(_left_out(part, "budget", item.tokens, max(0, item.tokens - over_tokens)))
        draft = desk.draft([part for part, _ in included])
    return desk.finished(draft, decisions)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A rendering of some extracts, counted."""

    extracts: Sequence[Extract]
    material: Material
    rendered: Rendered
    total_tokens: int


class _Desk:
    """Plans, renders and counts drafts of one context."""

    def __init__(self, policy: ContextPolicy, question: str, text_of: TextOf, draw: Callable[[], str]) -> None:
        self._policy = policy
        self._question = question
        self._text_of = text_of
        self._draw = draw
        self._nonce = draw()
        self._counter = TokenCounter(policy.model)

    def tokens_left_for(self, candidates: Sequence[Candidate]) -> int:
        """Return what is left for the candidates and their frames, or raise InvalidInputError."""
        policy = self._policy
        blanks = [SourceBlock(label="S1", origin=Origin(), text="")] if candidates else []
        draft = self._rendering([], blanks)
        frames_tokens = sum(self._counter.count(policy.renderer.frame(blank, self._nonce)) for blank in blanks)
        needed = draft.total_tokens - frames_tokens
        if needed > policy.available_tokens:
            raise InvalidInputError(
                f"instructions, question and envelope need {needed} tokens, but budget_tokens ({policy.budget_tokens}) "
                f"minus answer_reserve_tokens ({policy.answer_reserve_tokens}) leaves {policy.available_tokens}",
                hint="raise budget_tokens, lower answer_reserve_tokens, or shorten the instructions or the question",
                code="budget_too_small",
                needed_tokens=needed,
                available_tokens=policy.available_tokens,
                budget_tokens=policy.budget_tokens,
                answer_reserve_tokens=policy.answer_reserve_tokens,
            )
        return policy.available_tokens - needed

    def items(self, parts: Sequence[Selected]) -> list[PackItem]:
        """Return the parts as packers see them: each costs what sending it as a source of its own would."""
        texts = [part.text for part in parts]
        frames_tokens = self._counter.count_all(
            [self._frame(part, text) for part, text in zip(parts, texts, strict=True)]
        )
        return [
            PackItem(
                tokens=tokens + frame_tokens,
                score=part.candidate.hit.score,
                document_id=part.candidate.hit.document_id,
                version_id=part.candidate.hit.version_id,
                span=part.span,
                text=text,
            )
            for part, text, tokens, frame_tokens in zip(
                parts, texts, self._counted(parts, texts), frames_tokens, strict=True
            )
        ]

    def _frame(self, part: Selected, text: str) -> str:
        source = SourceBlock(label=f"S{part.candidate.hit.rank}", origin=part.candidate.origin, text=text)
        return self._policy.renderer.frame(source, self._nonce)

    def _counted(self, parts: Sequence[Selected], texts: Sequence[str]) -> list[int]:
        """Return the tokens of each part's text; of one that is whole they are known."""
        trimmed = [number for number, part in enumerate(parts) if part.is_trimmed]
        counts = [
            self._counter.count_measured(text, part.candidate.measure.tokens)
            for part, text in zip(parts, texts, strict=True)
        ]
        for number, tokens in zip(trimmed, self._counter.count_all([texts[number] for number in trimmed]), strict=True):
            counts[number] = tokens
        return counts

    def draft(self, included: Sequence[Selected]) -> _Draft:
        """Return the included parts merged, ordered, rendered and counted."""
        policy = self._policy
        extracts = lay_out(included, order=policy.order, merge_adjacent=policy.merge_adjacent, text_of=self._text_of)
        return self._rendering(
            extracts,
            [
                SourceBlock(label=f"S{number}", origin=extract.origin, text=extract.text)
                for number, extract in enumerate(extracts, start=1)
            ],
        )

    def _rendering(self, extracts: Sequence[Extract], sources: Sequence[SourceBlock]) -> _Draft:
        instructions = self._policy.instructions
        untrusted = [text for source in sources for text in texts_of(source)]
        self._nonce = absent_nonce(self._nonce, self._draw, [instructions, self._question, *untrusted])
        material = Material(instructions=instructions, question=self._question, sources=sources, nonce=self._nonce)
        rendered = self._policy.renderer.render(material)
        total_tokens = rendered.framing_tokens + sum(map(self._counter.count, rendered.contents))
        return _Draft(extracts=extracts, material=material, rendered=rendered, total_tokens=total_tokens)

    def finished(self, draft: _Draft, dropped: Sequence[Decision]) -> Assembled:
        """Return the draft as the context, with a decision for everything that was dropped or stands in it."""
        measure = self._counter.measure_of(draft.rendered.contents[-1])
        sources = tuple(
            _source(block.label, extract, measure(block.text))
            for block, extract in zip(draft.material.sources, draft.extracts, strict=True)
        )
        instructions = self._counter.measure_of(draft.rendered.contents[0])(self._policy.instructions)
        question = measure(self._question)
        documents = sum(source.tokens for source in sources)
        envelope = draft.total_tokens - instructions - question - documents
        sent = [
            decision
            for source, extract in zip(sources, draft.extracts, strict=True)
            for decision in _sent(source, extract)
        ]
        return Assembled(
            policy=self._policy,
            question=self._question,
            nonce=draft.material.nonce,
            rendered=draft.rendered,
            tokens=TokenUse(instructions=instructions, question=question, documents=documents, envelope=envelope),
            tokenizer=self._counter.tokenizer,
            is_exact=self._counter.is_exact,
            sources=sources,
            decisions=tuple(sorted([*dropped, *sent], key=lambda decision: decision.hit.rank)),
        )


def _source(label: str, extract: Extract, tokens: int) -> Source:
    return Source(
        label=label,
        document_id=extract.document_id,
        version_id=extract.version_id,
        span=extract.span,
        origin=extract.origin,
        described_at=extract.parts[0].candidate.described_at,
        tokens=tokens,
    )


def _left_out(part: Selected, reason: Reason, needed_tokens: int, left_tokens: int) -> Decision:
    details = {"needed_tokens": needed_tokens, "left_tokens": left_tokens}
    return Decision(hit=part.candidate.hit, reason=reason, details=details)


def _sent(source: Source, extract: Extract) -> Iterator[Decision]:
    """Yield the decision on each candidate that the source holds; others are merged into the best one."""
    for part in extract.parts:
        reason: Reason = "trimmed" if part.is_trimmed else "packed"
        yield Decision(
            hit=part.candidate.hit,
            reason=reason if part is extract.best else "merged_into",
            label=source.label,
            span=part.span,
        )
