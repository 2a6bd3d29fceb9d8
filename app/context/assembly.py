"""One context out of candidates: deduplicate, pack, merge, order, render, count again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from app.context.assembled import Assembled, Source, TokenUse
from app.context.envelope import Origin, SourceBlock, absent_nonce, texts_of
from app.context.extracts import Extract, TextOf, lay_out
from app.context.frame_tokens import frames_tokens
from app.context.packers import PackItem
from app.context.passages import Candidate, Decision, Reason, Selected, deduplicate
from app.context.personal.fitting import FittedSections, SectionFitter
from app.context.personal.material import NOTHING_PERSONAL, PersonalMaterial
from app.context.personal.ranking import FoundAt, personal_order
from app.context.policy import ContextPolicy
from app.context.renderers import Material, Rendered
from app.context.section_texts import SectionTexts, memory_line, profile_line
from app.context.sections.settings import SectionName
from app.context.template_tokens import guarded, token_counts, without_tokens
from app.context.tokens import TokenCounter
from configs.errors import InvalidInputError
from indexes.search import Hit


def assemble(
    policy: ContextPolicy,
    question: str,
    candidates: Sequence[Candidate],
    *,
    text_of: TextOf,
    nonce: Callable[[], str],
    personal: PersonalMaterial = NOTHING_PERSONAL,
    capped: Sequence[Hit] = (),
) -> Assembled:
    """Return the context for `question`; its tokens never exceed `policy.available_tokens`.

    Candidates may come in any order and are taken by rank, which must not repeat; `capped` are hits that the search
    dropped, ranked behind them all. `nonce` draws the envelope's nonce
    anew until it occurs in no text. Raises InvalidInputError: `budget_too_small` where instructions, question and an
    empty envelope do not fit, `sections_do_not_fit` where minimums of other sections do not.
    """
    ranked = sorted(candidates, key=lambda candidate: candidate.hit.rank)
    if len({*(one.hit.rank for one in ranked), *(hit.rank for hit in capped)}) < len(ranked) + len(capped):
        raise ValueError("each candidate needs a rank of its own")
    order = personal_order(ranked, personal)
    desk = _Desk(policy, question, text_of, nonce, personal)
    needed_tokens = desk.needed_tokens(ranked)
    selected, decisions = deduplicate(
        order.candidates,
        span_overlap_threshold=policy.span_overlap_threshold,
        near_duplicate_distance=policy.near_duplicate_distance,
    )
    items = desk.items(selected)
    left_tokens = desk.fit_sections(needed_tokens, sum(item.tokens for item in items))
    included: list[tuple[Selected, PackItem]] = []
    for part, item, answer in zip(selected, items, policy.packer.pack(items, left_tokens), strict=True):
        if answer.reason == "packed":
            included.append((part, item))
        else:
            decisions.append(_left_out(part, answer.reason, answer.needed_tokens, answer.left_tokens))
    draft, dropped = desk.fitting_draft(included)
    beyond = [Decision(hit=hit, reason="max_per_source") for hit in capped]
    return desk.finished(draft, [*order.banned, *decisions, *dropped, *beyond], order.found_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A rendering of some extracts, counted."""

    extracts: Sequence[Extract]
    material: Material
    rendered: Rendered
    total_tokens: int


class _Desk:
    """Plans, renders and counts drafts of one context."""

    def __init__(
        self, policy: ContextPolicy, question: str, text_of: TextOf, draw: Callable[[], str], personal: PersonalMaterial
    ) -> None:
        self._policy = policy
        self._question = question
        self._text_of = text_of
        self._draw = draw
        self._nonce = draw()
        self._counter = TokenCounter(policy.model)
        self._personal = personal
        trusted = SectionTexts(workspace_instructions=personal.workspace_instructions, notes=personal.notes)
        self._sections = FittedSections(texts=trusted, items=(), uses=())

    def needed_tokens(self, candidates: Sequence[Candidate]) -> int:
        """Return what instructions, question and the rest of the envelope take, or raise InvalidInputError."""
        policy = self._policy
        needed = self._tokens_beside(bool(candidates))
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
                sections=self._required(needed),
            )
        return needed

    def fit_sections(self, needed_tokens: int, documents_tokens: int) -> int:
        """Decide what of the user's sections is sent; return what is left for documents and their frames.

        What the borders of items leave unused of other sections goes to the documents.
        """
        available = self._policy.available_tokens
        fitter = SectionFitter(self._policy, self._personal, self._counter.count_known)
        required = self._required(needed_tokens)
        allowed, used = available, available + 1
        while used > available:
            self._sections = fitter.fit(allowed, required, documents_tokens)
            used = needed_tokens + self._sections.used_tokens
            if not self._counter.adds_up:
                used = self._tokens_beside(documents_tokens > 0)
            allowed -= max(0, used - available)
        maximum = self._policy.sections.documents.maximum_tokens
        return available - used if maximum is None else min(maximum, available - used)

    def _required(self, needed_tokens: int) -> dict[SectionName, int]:
        """Return the tokens of the sections that must fit; what the envelope needs is charged to the first."""
        own: dict[SectionName, int] = {
            "workspace_instructions": self._counter.count(self._personal.workspace_instructions),
            "notes": self._counter.count(self._personal.notes),
            "question": self._counter.count(self._question),
        }
        return {"system": max(0, needed_tokens - sum(own.values())), **own}

    def _tokens_beside(self, has_documents: bool) -> int:
        """Return the tokens of everything but documents and their frames."""
        blanks = [SourceBlock(label="S1", origin=Origin(), text="")] if has_documents else []
        draft = self._rendering([], blanks)
        frames = (self._policy.renderer.frame(blank, self._nonce) for blank in blanks)
        return draft.total_tokens - sum(map(self._counter.count, frames))

    def items(self, parts: Sequence[Selected]) -> list[PackItem]:
        """Return the parts as packers see them: each costs what sending it as a source of its own would."""
        texts = [part.text for part in parts]
        frames = [(f"S{part.candidate.hit.rank}", part.candidate.origin) for part in parts]
        leads = list({part.candidate.lead.text for part in parts})
        leads_tokens = dict(zip(leads, self._counter.count_all(leads), strict=True))
        frames_of = frames_tokens(self._policy.renderer, self._nonce, frames, self._counter)
        return [
            PackItem(
                tokens=tokens + frame_tokens + leads_tokens[part.candidate.lead.text],
                score=part.candidate.hit.score,
                document_id=part.candidate.hit.document_id,
                version_id=part.candidate.hit.version_id,
                span=part.span,
                text=text,
            )
            for part, text, tokens, frame_tokens in zip(
                parts, texts, self._counted(parts, texts), frames_of, strict=True
            )
        ]

    def _counted(self, parts: Sequence[Selected], texts: Sequence[str]) -> list[int]:
        """Return the tokens of each part's text as it is sent; of one that is whole and unbroken they are known."""
        sent = list(map(without_tokens, texts))
        trimmed = [number for number, part in enumerate(parts) if part.is_trimmed or sent[number] != texts[number]]
        counts = [
            self._counter.count_measured(text, part.candidate.measure.tokens)
            for part, text in zip(parts, texts, strict=True)
        ]
        for number, tokens in zip(trimmed, self._counter.count_all([sent[number] for number in trimmed]), strict=True):
            counts[number] = tokens
        return counts

    def fitting_draft(self, included: list[tuple[Selected, PackItem]]) -> tuple[_Draft, list[Decision]]:
        """Return the draft of as many of the included parts as fit once all is counted, and what was dropped for it."""
        dropped: list[Decision] = []
        draft = self.draft([part for part, _ in included])
        while draft.total_tokens > self._policy.available_tokens and included:
            part, item = included.pop()
            over_tokens = draft.total_tokens - self._policy.available_tokens
            dropped.append(_left_out(part, "budget", item.tokens, max(0, item.tokens - over_tokens)))
            draft = self.draft([part for part, _ in included])
        return draft, dropped

    def draft(self, included: Sequence[Selected]) -> _Draft:
        """Return the included parts merged, ordered, rendered and counted."""
        policy = self._policy
        extracts = lay_out(included, order=policy.order, merge_adjacent=policy.merge_adjacent, text_of=self._text_of)
        return self._rendering(
            extracts,
            [
                guarded(SourceBlock(label=f"S{number}", origin=extract.origin, text=extract.sent_text))
                for number, extract in enumerate(extracts, start=1)
            ],
        )

    def _rendering(self, extracts: Sequence[Extract], sources: Sequence[SourceBlock]) -> _Draft:
        instructions = self._policy.instructions
        texts = [text for source in sources for text in texts_of(source)]
        sections = self._sections.texts
        self._nonce = absent_nonce(self._nonce, self._draw, [instructions, self._question, *sections.texts, *texts])
        material = Material(
            instructions=instructions, question=self._question, sources=sources, nonce=self._nonce, sections=sections
        )
        rendered = self._policy.renderer.render(material)
        total_tokens = rendered.framing_tokens + sum(map(self._counter.count, rendered.contents))
        return _Draft(extracts=extracts, material=material, rendered=rendered, total_tokens=total_tokens)

    def finished(self, draft: _Draft, dropped: Sequence[Decision], found_at: Mapping[int, FoundAt]) -> Assembled:
        """Return the draft as the context, with a decision for everything that was dropped or stands in it."""
        measure = self._counter.measure_of(draft.rendered.contents[-1])
        sources = tuple(
            _source(block.label, extract, measure(block.text))
            for block, extract in zip(draft.material.sources, draft.extracts, strict=True)
        )
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
            tokens=self._use(draft, sum(source.tokens for source in sources)),
            tokenizer=self._counter.tokenizer,
            is_exact=self._counter.is_exact,
            sources=sources,
            decisions=tuple(sorted([*dropped, *sent], key=lambda decision: decision.hit.rank)),
            sections=self._sections,
            found_at=found_at,
            personal=self._personal,
            broken_tokens=token_counts(extract.sent_text for extract in draft.extracts),
        )

    def _use(self, draft: _Draft, documents: int) -> TokenUse:
        """Return where the tokens went; each text is counted by the measure of the content that holds it."""
        contents, texts = draft.rendered.contents, self._sections.texts
        first, last = self._counter.measure_of(contents[0]), self._counter.measure_of(contents[-1])
        use = TokenUse(
            instructions=first(self._policy.instructions),
            workspace_instructions=first(texts.workspace_instructions),
            notes=first(texts.notes),
            profile=last("".join(map(profile_line, texts.profile))),
            history=last("\n".join(turn.text for turn in texts.history)),
            memories=last("".join(map(memory_line, texts.memories))),
            question=last(self._question),
            documents=documents,
            envelope=0,
        )
        return replace(use, envelope=draft.total_tokens - use.total)


def _source(label: str, extract: Extract, tokens: int) -> Source:
    return Source(
        label=label,
        document_id=extract.document_id,
        version_id=extract.version_id,
        span=extract.span,
        origin=extract.origin,
        described_at=extract.parts[0].candidate.described_at,
        tokens=tokens,
        lead=extract.lead.spans,
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
