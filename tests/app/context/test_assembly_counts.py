"""Counting the finished context for models whose tokens do not simply add up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer

from app.context.policy import ContextPolicy
from app.context.tokens import TokenCounter
from ingest.tokenizers import DEFAULT_TOKENIZER
from tests.app.context.library import Library

COUNTER = TokenCounter(DEFAULT_TOKENIZER)

TEXT = "Refunds are paid within fourteen days. They go to the account that paid.\n\nFees are kept."
LIBRARY = Library({"a-1": TEXT})


def policy(**settings: Any) -> ContextPolicy:
    return ContextPolicy.model_validate({"budget_tokens": 600, "answer_reserve_tokens": 100, **settings})


def test_counts_of_an_absent_tokenizer_are_labelled_and_kept_within_the_budget() -> None:
    library = Library({f"a-{number}": f"第{number}条退款将在十四天内支付。🙂" * 8 for number in range(12)})
    candidates = [library.candidate(number + 1, f"a-{number}") for number in range(12)]
    assembled = library.assemble(policy(model="gpt-5", near_duplicate_distance=None), candidates)
    assert not assembled.is_exact
    assert assembled.tokenizer == DEFAULT_TOKENIZER
    assert 0 < len(assembled.sources) < 12
    text = assembled.rendered.text or ""
    assert assembled.tokens.total == max(COUNTER.count(text), -(-len(text.encode()) // 3)) <= 500
    assert [source.tokens for source in assembled.sources] == [
        -(-len(library.text_of(source.version_id, source.span).encode()) // 3) for source in assembled.sources
    ]
    assert assembled.tokens.envelope > 0


def test_a_byte_level_tokenizer_counts_the_finished_context(tmp_path: Path) -> None:
    """Its tokens cross the borders of parts, so that counts of parts do not add up exactly."""
    pairs = Tokenizer(BPE())
    pairs.pre_tokenizer = ByteLevel(add_prefix_space=False)
    pairs.train_from_iterator(
        [TEXT, '\n</doc-0\n<doc- label="S1">\n'] * 3, BpeTrainer(vocab_size=400, show_progress=False)
    )
    pairs.save(str(tmp_path / "tokenizer.json"))
    candidates = [LIBRARY.candidate(rank, "a-1", rank * 10 - 10, rank * 10) for rank in range(1, 9)]
    for budget_tokens in range(420, 520, 10):
        settings = policy(model=str(tmp_path), budget_tokens=budget_tokens, instructions="Short.", merge_adjacent=False)
        assembled = LIBRARY.assemble(settings, candidates)
        recounted = len(pairs.encode(assembled.rendered.text or "").ids)
        assert assembled.tokens.total == recounted <= settings.available_tokens
        assert assembled.is_exact
        assert assembled.tokens.envelope > 0


def test_messages_are_counted_with_what_a_provider_adds() -> None:
    settings = policy(renderer={"kind": "openai_messages"})
    assembled = LIBRARY.assemble(settings, [LIBRARY.candidate(1, "a-1")])
    assert assembled.tokens.total == 4 + 4 + 3 + sum(map(COUNTER.count, assembled.rendered.contents))
