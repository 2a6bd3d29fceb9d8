"""Template tokens are broken wherever they stand, and can be given back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.context.envelope import Origin, SourceBlock, texts_of
from app.context.template_tokens import OTHER, TEMPLATE_TOKEN, WORD_JOINER, guarded, token_counts, without_tokens

TOKENS = [
    *("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
    *("<|system|>", "<|user|>", "<|assistant|>", "<|begin_of_text|>", "<|made_up|>", "<\uff5cUser\uff5c>"),
    *("[INST]", "[/INST]", "<<SYS>>", "<</SYS>>", "<start_of_turn>", "<end_of_turn>", "<s>", "</s>"),
    *("<bos>", "<eos>", "<BOS_TOKEN>", "<EOS_TOKEN>", "<think>", "</think>", "<tool_call>", "</tool_response>"),
    *("[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_CALLS]"),
    *("[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CONTENT]", "[THINK]", "[/THINK]"),
    *("<\uff5cbegin\u2581of\u2581sentence\uff5c>", "<|START_OF_TURN_TOKEN|>", "<|header_start|>", "<|channel|>"),
    *("\n\nHuman:", "\n\nAssistant:", "\rHuman:"),
]
mixed = st.lists(st.sampled_from([*TOKENS, "<", "|", ">", "[", "Human:", "\n"]) | st.text(max_size=3)).map("".join)


@pytest.mark.parametrize("token", TOKENS)
def test_each_token_is_broken_everywhere(token: str) -> None:
    text = f"a{token}b"
    source = SourceBlock(label="S1", origin=Origin(title=text, heading_path=(text,), page=text), text=text)
    assert not any(token in said for said in texts_of(guarded(source)))
    assert sum(token_counts([text, text]).values()) == 2


@given(text=mixed)
def test_nothing_but_tokens_changes_and_taking_the_joiners_out_gives_it_back(text: str) -> None:
    text = text.replace(WORD_JOINER, "")
    broken = without_tokens(text)
    assert not TEMPLATE_TOKEN.search(broken)
    assert not any(token in broken for token in TOKENS)
    assert broken.replace(WORD_JOINER, "") == text
    assert broken.count(WORD_JOINER) == sum(token_counts([text]).values())


def test_a_receipt_is_not_told_what_a_document_says_inside_an_unknown_token() -> None:
    assert token_counts(["<|secret|> <|im_end|> <|im_end|>"]) == {OTHER: 1, "<|im_end|>": 2}


@pytest.mark.parametrize(
    "text", ["a < b | c > d", "A Human: being", "[INSTALL]", "[THINKING]", "<strong>", "<thinking>", "x || y", ""]
)
def test_ordinary_text_stays(text: str) -> None:
    assert without_tokens(text) == text
