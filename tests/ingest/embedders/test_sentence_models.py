"""Loaded models against the library that they come from, and the loader."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from configs.errors import InvalidInputError
from ingest.embedders import sentence_models
from ingest.embedders.sentence_encoder import BATCH_TOKENS
from ingest.embedders.sentence_transformer import SentenceTransformer
from ingest.models import DEFAULT_MODEL, locate

PARAGRAPH = (
    "The mitochondrion is an organelle found in the cells of most eukaryotes. It has a double membrane and uses "
    "aerobic respiration to generate adenosine triphosphate, which the cell uses as a source of chemical energy. "
)
TEXTS = [
    *(PARAGRAPH[: 7 * length] for length in range(40)),
    PARAGRAPH * 12,
    "Zürich — 北京 😀 \u200d\r\n",
    "x" * 5_000,
    "",
]


def embedder(**fields: Any) -> SentenceTransformer:
    return SentenceTransformer(kind="sentence_transformer", **fields)


@pytest.fixture
def own_places(monkeypatch: pytest.MonkeyPatch) -> dict[Any, Any]:
    """Start without any loaded model and leave those of other tests alone."""
    places: dict[Any, Any] = type(sentence_models._places)()
    monkeypatch.setattr(sentence_models, "_places", places)
    return places


def library_model(folder: Path) -> Any:
    from sentence_transformers import SentenceTransformer as LibraryModel

    return LibraryModel(str(folder), device="cpu", local_files_only=True)


def test_one_of_many_threads_loads_the_model_and_the_oldest_makes_room(
    monkeypatch: pytest.MonkeyPatch, own_places: dict[Any, Any]
) -> None:
    loads: list[str] = []
    begun = threading.Barrier(8)

    def load(model: str, precision: str, content: str | None) -> Any:
        loads.append(model)
        return f"{model} {precision} {content}"

    def ask(_: int) -> Any:
        begun.wait(10)
        return sentence_models.loaded_encoder("a", "fp32", None)

    monkeypatch.setattr(sentence_models, "_load", load)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {"a fp32 None"}
    assert loads == ["a"]
    for model in ("b", "c", "a", "d", "a", "b"):
        sentence_models.loaded_encoder(model, "fp32", None)
    assert loads == ["a", "b", "c", "d", "b"]
    assert len(own_places) == sentence_models.LOADED_MODELS


@pytest.mark.slow
def test_fp32_is_what_the_library_computes() -> None:
    expected = library_model(locate(DEFAULT_MODEL)).encode(TEXTS, batch_size=32)
    vectors = embedder(precision="fp32").encode(TEXTS)
    np.testing.assert_allclose(vectors, expected, atol=1e-5)
    assert vectors.shape == (len(TEXTS), 384)


@pytest.mark.slow
def test_bf16_points_where_fp32_does() -> None:
    texts = [*TEXTS[:40:4], *TEXTS[40:]]  # of every kind: where bf16 is emulated, each takes a second
    exact, fast = embedder(precision="fp32").encode(texts), embedder(precision="bf16").encode(texts)
    cosines = np.sum(exact * fast, axis=1)
    assert cosines.min() >= 0.999
    assert not np.array_equal(exact, fast)


@pytest.mark.slow
def test_more_texts_than_one_round_of_batches_come_back_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    from ingest.embedders import sentence_encoder

    part = embedder(precision="fp32")
    expected = part.encode(TEXTS)
    monkeypatch.setattr(sentence_encoder, "TEXTS_AT_ONCE", 5)
    np.testing.assert_allclose(part.encode(TEXTS), expected, atol=1e-5)


@pytest.mark.slow
def test_batches_stay_within_the_token_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = sentence_models.loaded_encoder(DEFAULT_MODEL, "fp32", None)
    padded: list[int] = []
    vectors = encoder.vectors

    def record(inputs: list[Any]) -> Any:
        padded.append(len(inputs) * max(map(len, inputs)))
        return vectors(inputs)

    monkeypatch.setattr(encoder, "vectors", record)
    encoder.encode(TEXTS * 3)
    assert max(padded) <= BATCH_TOKENS
    assert len(padded) < len(TEXTS)


@pytest.mark.slow
def test_concurrent_queries_are_joined_into_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = sentence_models.loaded_encoder(DEFAULT_MODEL, "fp32", None)
    expected = encoder.encode(TEXTS)
    sizes: list[int] = []
    entered, gate = threading.Event(), threading.Event()
    vectors = encoder.vectors

    def hold_back(inputs: list[Any]) -> Any:
        sizes.append(len(inputs))
        entered.set()
        assert gate.wait(60)
        return vectors(inputs)

    monkeypatch.setattr(encoder, "vectors", hold_back)
    with ThreadPoolExecutor(17) as pool:
        first = pool.submit(encoder.encode_query, TEXTS[5])
        assert entered.wait(60)
        others = [pool.submit(encoder.encode_query, text) for text in TEXTS[:16]]
        while len(encoder._queries._waiting) < 16:
            threading.Event().wait(0.01)
        gate.set()
        np.testing.assert_allclose(first.result(60), expected[5], atol=1e-5)
        np.testing.assert_allclose(np.stack([other.result(60) for other in others]), expected[:16], atol=1e-5)
    assert sizes[0] == 1
    assert sum(sizes) == 17
    assert len(sizes) < 5


@pytest.mark.slow
def test_what_the_folder_tells_is_what_the_loaded_model_does() -> None:
    part = embedder(precision="fp32")
    encoder = sentence_models.loaded_encoder(DEFAULT_MODEL, "fp32", None)
    assert part.window_tokens == encoder.window_tokens
    assert part.count_tokens(TEXTS) == encoder.count_tokens(TEXTS)
    assert part.vector_dimensions == encoder.dimensions == 384


@pytest.mark.slow
def test_the_hub_is_switched_off_before_its_client_is_imported() -> None:
    program = (
        "from ingest.embedders.sentence_transformer import SentenceTransformer;"
        "SentenceTransformer(kind='sentence_transformer', precision='fp32').encode_query('fox');"
        "import huggingface_hub.constants, torch;"
        "print(huggingface_hub.constants.HF_HUB_OFFLINE, torch.get_num_threads())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "True 1"
    assert done.stderr == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mean", "cls and dense", "prompt", "static"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_models_of_any_make_give_what_the_library_gives(name: str, precision: str, tmp_path: Path) -> None:
    from tests.ingest.embedders.small_models import save_model

    folder = save_model(name, tmp_path / "model")
    texts = ["red fox", "", "a red fox and a lazy dog", "fox " * 40, "dog"]
    expected = library_model(folder).encode(texts, normalize_embeddings=True)
    part = embedder(model=str(folder), precision=precision).resolved()
    vectors = part.encode(texts)
    np.testing.assert_allclose(vectors, expected, atol=1e-5 if precision == "fp32" else 5e-2)
    np.testing.assert_allclose(part.encode_query(texts[2]), vectors[2], atol=1e-5 if precision == "fp32" else 1e-2)
    assert part.vector_dimensions == expected.shape[1]
    assert part.count_tokens(["red fox", ""]) == [2, 0]


@pytest.mark.slow
def test_a_folder_that_cannot_be_loaded_is_an_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(InvalidInputError) as caught:
        embedder(model=str(tmp_path)).encode(["text"])
    assert caught.value.code == "broken_model"
    assert caught.value.hint
