"""The registry: every figure has a source, prices are those of the price list, the shipped model's are its own."""

from __future__ import annotations

import re

import genai_prices
import pytest
from genai_prices.data_snapshot import get_snapshot

from ingest.embedders.sentence_transformer import SentenceTransformer
from ingest.model_registry import KnownModel, known_model, known_models, namesake
from ingest.models import DEFAULT_MODEL

SOURCE = re.compile(r"https://[\w./-]+\S*|genai-prices [\d.]+|\S+ of the package \S+")
FIGURES = [
    (known.model, name, figure)
    for known in known_models()
    for name, figure in known
    if name not in ("model", "base_url", "note") and figure is not None
]


@pytest.mark.parametrize(("model", "name", "figure"), FIGURES, ids=lambda value: str(value)[:40])
def test_every_figure_says_where_it_comes_from(model: str, name: str, figure: object) -> None:
    assert SOURCE.match(figure.source), (model, name)  # type: ignore[attr-defined]  # what is no figure has no source


def test_names_are_told_apart_and_figures_are_possible() -> None:
    assert len({(known.model, known.base_url) for known in known_models()}) == len(known_models())
    for known in known_models():
        assert 32 <= known.dimensions.value <= 8192
        assert known.smallest_dimensions is None or known.smallest_dimensions.value < known.dimensions.value
        assert known.window_tokens is None or 64 <= known.window_tokens.value <= 200_000
        assert known.base_url is None or not known.base_url.endswith("/")
        assert (known.usd_per_million_tokens is None) == (known.base_url is None)


@pytest.mark.parametrize("known", [one for one in known_models() if one.base_url], ids=lambda one: one.model)
def test_a_price_is_the_one_of_the_price_list(known: KnownModel) -> None:
    price = known.usd_per_million_tokens
    assert price is not None
    assert price.source == f"genai-prices {genai_prices.__version__}"
    _, listed = get_snapshot().find_provider_model(known.model, None, None, known.base_url)
    assert listed.id == known.model
    assert float(listed.prices.input_mtok) == price.value  # type: ignore[union-attr, arg-type]  # one price for all lengths
    assert known.window_tokens is not None
    assert known.window_tokens.value <= (listed.context_window or 0)


def test_the_shipped_model_is_as_its_files_say() -> None:
    known = known_model(DEFAULT_MODEL)
    assert known is not None
    assert known.window_tokens is not None
    assert known.window_tokens.value == SentenceTransformer(kind="sentence_transformer").window_tokens


@pytest.mark.slow
def test_the_shipped_model_has_the_length_that_the_registry_names() -> None:
    known = known_model(DEFAULT_MODEL)
    assert known is not None
    assert known.dimensions.value == SentenceTransformer(kind="sentence_transformer").vector_dimensions


def test_a_providers_model_is_known_at_the_provider_only() -> None:
    assert known_model("mistral-embed") is None
    assert known_model("mistral-embed", "https://elsewhere.example/v1") is None
    assert known_model("mistral-embed", "https://api.mistral.ai/v1") is not None
    assert known_model("intfloat/e5-base-v2", "https://elsewhere.example/v1") == known_model("intfloat/e5-base-v2")


@pytest.mark.parametrize("path", ["/models/e5-base-v2", "E5-Base-v2", "models\\e5-base-v2", "x/e5-base-v2/"])
def test_a_folder_called_like_a_model_is_its_namesake(path: str) -> None:
    assert namesake(path) == known_model("intfloat/e5-base-v2")
    assert namesake("mistral-embed") is None
    assert namesake("") is None


def test_advice_is_given_for_what_was_left_out_only() -> None:
    nomic = known_model("nomic-ai/nomic-embed-text-v1.5")
    assert nomic is not None
    good = {"query_prefix": "search_query: ", "document_prefix": "search_document: "}
    assert nomic.advice(dimensions=None, **good) == []
    assert nomic.advice(dimensions=64, **good) == []
    assert nomic.advice(dimensions=768, query_prefix="own: ", document_prefix="own: ") == []
    assert nomic.advice(dimensions=None) == []
    both = nomic.advice(dimensions=63, query_prefix="", document_prefix="")
    assert [sentence.split(":")[0] for sentence in both[:2]] == [f"{nomic.model} was trained with a prefix"] * 2
    assert "no less than 64" in both[2]
