"""What strategies send of what they found, within each budget that metrics ask for, and in the asker's order."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count

from app.context.assembled import Assembled
from app.context.contexts import Contexts
from app.context.envelope import NONCE_BYTES
from app.context.found_passages import Passage
from app.context.passages import Candidate
from app.context.personal.material import PersonalMaterial
from app.context.personal.ranking import personal_order
from app.context.policy import ContextPolicy
from app.evaluation.experiments.answered import Answered
from app.evaluation.finder import place_of
from app.evaluation.outcome import Outcome, RankedText, SentContext
from app.evaluation.span_metrics import TOKENIZER
from app.evaluation.version_span import VersionSpan
from ingest.text_measures import TextMeasure

AMPLE_TOKENS = 1_000_000
_UNMEASURED = TextMeasure(tokens=0, simhash=None)


def nonces_of(question: str) -> Callable[[], str]:
    """Return a source of nonces that follow from the question, so that measured contexts can be compared."""
    draws = count()

    def nonce() -> str:
        return hashlib.sha256(f"{next(draws)} {question}".encode()).hexdigest()[: 2 * NONCE_BYTES]

    return nonce


class Packing:
    """Packs passages as strategies do; nothing that it reads changes while an experiment runs."""

    def __init__(self, contexts: Contexts) -> None:
        self._contexts = contexts
        self._fixed_tokens: dict[tuple[str, str, str, str], int] = {}

    def outcome(
        self,
        policy: ContextPolicy,
        question: str,
        answered: Answered,
        personal: PersonalMaterial,
        *,
        budgets_tokens: Sequence[int],
        is_baseline: bool,
    ) -> Outcome:
        """Return the answer as metrics see it, with a context of the policy for each budget."""
        contexts = {
            budget: self.sent_context(policy, question, answered.packable, personal, budget)
            for budget in budgets_tokens
        }
        ranked = tuple(
            RankedText(
                document_id=passage.hit.document_id,
                place=place_of(passage),
                text=passage.text,
                score=passage.hit.score,
            )
            for passage in ranked_for(answered, personal)
        )
        return Outcome(ranked=ranked, contexts=contexts, is_baseline=is_baseline, is_exhausted=answered.is_exhausted)

    def sent_context(
        self,
        policy: ContextPolicy,
        question: str,
        passages: Sequence[Passage],
        personal: PersonalMaterial,
        budget_tokens: int,
    ) -> SentContext:
        """Return what the policy's packer and renderer send of the passages where they have `budget_tokens`.

        What is the same for every user (instructions, the workspace's own included, and the question) comes on top, no
        answer reserve is taken off, and one tokenizer counts for all strategies (statistics, rule 1). What is sent of
        the user shares the budget with the documents, as in a request: a profile pays for its tokens. `tokens` are
        those of the documents.
        """
        fixed_tokens = self._fixed(policy, question, personal)
        assembled = self._assemble(_measured(policy, fixed_tokens + budget_tokens), question, passages, personal)
        use = assembled.tokens
        personal_tokens = use.profile + use.history + use.memories
        return SentContext(
            budget_tokens=budget_tokens,
            spans=sent_spans(assembled),
            tokens=max(0, use.total - fixed_tokens - personal_tokens),
        )

    def own_context(
        self, policy: ContextPolicy, question: str, passages: Sequence[Passage], personal: PersonalMaterial
    ) -> Assembled:
        """Return the context as the strategy itself would make it for a request."""
        return self._assemble(policy, question, passages, personal)

    def _assemble(
        self, policy: ContextPolicy, question: str, passages: Sequence[Passage], personal: PersonalMaterial
    ) -> Assembled:
        """Assemble with a nonce that follows from the question: its tokens count, and runs must agree."""
        return self._contexts.assemble(policy, question, passages, nonces_of(question), personal)

    def _fixed(self, policy: ContextPolicy, question: str, personal: PersonalMaterial) -> int:
        common = PersonalMaterial(workspace_instructions=personal.workspace_instructions, notes=personal.notes)
        key = (policy.model_dump_json(), question, common.workspace_instructions, common.notes)
        if key not in self._fixed_tokens:
            empty = self._assemble(_measured(policy, AMPLE_TOKENS), question, [], common)
            self._fixed_tokens[key] = empty.tokens.total
        return self._fixed_tokens[key]


def ranked_for(answered: Answered, personal: PersonalMaterial) -> Sequence[Passage]:
    """Return what was found in the asker's order: without what is banned, boosts applied to what packing chooses from.

    What was found deeper follows as it is. Scores stay those of the search.
    """
    if not personal.bans and not personal.boosts:
        return answered.passages
    candidates = [
        Candidate(hit=replace(one.hit, rank=rank), text=one.text, measure=_UNMEASURED, origin=one.origin)
        for rank, one in enumerate(answered.packable)
    ]
    order = personal_order(candidates, personal)
    places = {(one.hit.version_id, one.hit.ordinal): one for one in answered.packable}
    near = [places[one.hit.version_id, one.hit.ordinal] for one in order.candidates]
    deeper = [one for one in answered.passages[answered.own :] if one.hit.document_id not in personal.bans]
    return [*near, *deeper]


def sent_spans(assembled: Assembled) -> tuple[VersionSpan, ...]:
    """Return what stands in the context, in the order in which the model reads it."""
    return tuple(VersionSpan(source.version_id, source.span) for source in assembled.sources)


def _measured(policy: ContextPolicy, budget_tokens: int) -> ContextPolicy:
    return policy.model_copy(update={"budget_tokens": budget_tokens, "answer_reserve_tokens": 0, "model": TOKENIZER})
