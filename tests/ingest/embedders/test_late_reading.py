"""Late chunking with models: held against the ordinary vectors, the whole text, and the example of its authors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from configs.errors import InvalidInputError
from configs.span import Span
from ingest.embedders.sentence_transformer import SentenceTransformer
from ingest.models import is_mean_pooled, locate

MODELS = [("mean", True), ("cls and dense", False), ("prompt", False), ("static", False)]

pytestmark = pytest.mark.slow

BERLIN = (
    "Berlin is the capital and largest city of Germany, both by area and by population. ",
    "Its more than 3.85 million inhabitants make it the European Union's most populous city. ",
    "The city is also one of the states of Germany, and is the third smallest state in the country.",
)
TEXT = "".join(BERLIN)
SPANS = [Span(TEXT.index(part), TEXT.index(part) + len(part)) for part in BERLIN]


def part(**settings: str) -> SentenceTransformer:
    return SentenceTransformer.model_validate({"kind": "sentence_transformer", "precision": "fp32", **settings})


def test_one_chunk_that_fills_the_window_is_the_ordinary_vector_with_special_tokens_pooled_alike() -> None:
    """The ordinary mean counts [CLS] and [SEP], the late one does not; with them added it is the same vector."""
    from ingest.embedders.sentence_models import TransformerEncoder, loaded_encoder
    from ingest.embedders.token_windows import TextTokens, TokenWindow

    encoder = loaded_encoder(part().model, "fp32", None)
    assert isinstance(encoder, TransformerEncoder)
    late = encoder._late
    assert late is not None
    tokens = TextTokens.of(TEXT, late._tokenizer)
    count = len(tokens.ids)
    (inner,) = late.token_vectors([TokenWindow(0, count, ())], tokens)
    all_tokens = encoder._read(list(late._tokenizer.encode_batch([TEXT])))["token_embeddings"][0].detach().numpy()
    np.testing.assert_allclose(all_tokens[1:-1], inner, atol=1e-5)
    with_special = all_tokens.mean(axis=0)
    np.testing.assert_allclose(with_special / np.linalg.norm(with_special), part().encode([TEXT])[0], atol=1e-5)
    without = inner.mean(axis=0)
    (vector,) = part().encode_spans(TEXT, "", [Span(0, len(TEXT))])
    np.testing.assert_allclose(vector, without / np.linalg.norm(without), atol=1e-5)


@pytest.mark.parametrize("asked", ["Berlin", "Berlin population"])
def test_the_city_knows_of_berlin(asked: str) -> None:
    """The example of Günther et al. (2024): both later sentences come nearer to "Berlin", which they do not name."""
    query = part().encode_query(asked)
    ordinary = part().encode(BERLIN) @ query
    late = part().encode_spans(TEXT, "", SPANS) @ query
    assert (late[1:] > ordinary[1:] + 0.1).all()


def test_the_title_is_read_and_not_averaged() -> None:
    (alone,) = part().encode_spans(BERLIN[2], "", [Span(0, len(BERLIN[2]))])
    (titled,) = part().encode_spans(BERLIN[2], "Berlin\n\n", [Span(0, len(BERLIN[2]))])
    query = part().encode_query("Berlin")
    assert alone @ query < titled @ query < 0.95


def test_a_long_text_gives_rows_of_unit_length_that_do_not_depend_on_the_batches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from ingest.embedders import late_reading

    text = TEXT * 30
    spans = [Span(start, min(start + 150, len(text))) for start in range(0, len(text), 150)]
    vectors = part().encode_spans(text, "", spans)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    monkeypatch.setattr(late_reading, "WINDOWS_AT_ONCE", 3)
    monkeypatch.setattr(late_reading, "BATCH_TOKENS", 300)
    np.testing.assert_allclose(part().encode_spans(text, "", spans), vectors, atol=1e-5)


def test_what_has_no_tokens_is_zeros_and_no_spans_are_no_rows() -> None:
    vectors = part().encode_spans("one \u200b two", "", [Span(0, 4), Span(4, 5), Span(6, 9)])
    assert vectors.any(axis=1).tolist() == [True, False, True]
    assert part().encode_spans("", "lead", []).shape == (0, 384)


@pytest.mark.parametrize(("name", "pools"), MODELS)
def test_models_that_do_not_average_their_tokens_are_refused_before_and_after_loading(
    name: str, pools: bool, tmp_path: Path
) -> None:
    from tests.ingest.embedders.small_models import save_model

    folder = save_model(name, tmp_path / "model")
    model = part(model=str(folder))
    assert is_mean_pooled(folder) is pools
    if pools:
        model.check_pooling()
        vectors = model.encode_spans("red dog and fox " * 20, "lazy", [Span(0, 8), Span(8, 320)])
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
        return
    for ask in (model.check_pooling, lambda: model.encode_spans("red dog", "", [Span(0, 7)])):
        with pytest.raises(InvalidInputError) as refused:
            ask()
        assert refused.value.code == "no_token_vectors"


def test_the_shipped_model_averages() -> None:
    assert is_mean_pooled(locate(part().model))
