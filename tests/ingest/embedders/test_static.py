"""Static models: equal to the library that wrote them, read whole, named by their files, and refused where broken."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from configs.errors import InvalidInputError, UnavailableError
from ingest import models
from ingest.embedders import static
from ingest.embedders.static import Static
from ingest.models import DEFAULT_MODEL, ModelSettings
from tests.ingest.embedders.static_models import WIDTH, save_static_model

TEXTS = ["The quick brown fox.", "naïve café", "", "日本語 and a dog", "fox " * 900]


def embedder(model: Path | str, **settings: Any) -> Static:
    return Static.model_validate({"kind": "static", "model": str(model), **settings})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_static_model(tmp_path_factory.mktemp("model"))


@pytest.mark.parametrize(
    "settings",
    [{}, {"normalize": True}, {"weights": "random"}, {"mapped": True}, {"dtype": np.float16}, {"dtype": np.int8}],
    ids=str,
)
def test_vectors_are_those_of_the_library(settings: dict[str, Any], tmp_path: Path) -> None:
    from model2vec import StaticModel

    plain = StaticModel.from_pretrained(save_static_model(tmp_path / "plain"), max_length=None)
    words = len(plain.tokens)
    vectors, draw = plain.embedding, np.random.default_rng(2)
    fields: dict[str, Any] = {}
    if settings.get("mapped"):
        fields["token_mapping"] = draw.integers(0, 500, words)
        vectors = vectors[:500]
    if settings.get("weights") or settings.get("mapped"):
        fields["weights"] = draw.random(words).astype(np.float32)
    scale = 20 if settings.get("dtype") is np.int8 else 1
    vectors = (vectors * scale).astype(settings.get("dtype", np.float32))
    made = StaticModel(vectors, plain.tokenizer, normalize=bool(settings.get("normalize")), max_length=None, **fields)
    made.save_pretrained(tmp_path / "made")
    expected = made.encode(TEXTS, normalize=True).astype(np.float32)
    found = embedder(tmp_path / "made").encode(TEXTS)
    np.testing.assert_allclose(found, expected, atol=2e-3 if "dtype" in settings else 1e-6)
    assert not found[2].any()


def test_a_text_is_read_beyond_the_limit_that_the_library_sets(folder: Path) -> None:
    part = embedder(folder)
    assert part.window_tokens is None
    assert part.count_tokens(["fox " * 5_000]) == [5_000]
    head = "fox " * 2_000
    assert np.abs(part.encode_query(head) - part.encode_query(head + "dog " * 200)).max() > 1e-3


def test_tokens_that_the_model_does_not_know_are_no_tokens(folder: Path) -> None:
    part = embedder(folder)
    assert part.count_tokens(["ก" * 200, "fox"]) == [0, 1]
    assert not part.encode(["ก" * 200]).any()


def test_many_threads_read_one_model(folder: Path) -> None:
    part = embedder(folder)
    texts = [f"fox {number}" for number in range(300)]
    expected = part.encode(texts)
    with ThreadPoolExecutor(8) as pool:
        np.testing.assert_allclose(np.stack(list(pool.map(part.encode_query, texts))), expected, atol=1e-6)
    assert part.resolved().encode(texts[:1]).tolist() == expected[:1].tolist()


def test_resolving_names_the_files_and_other_files_are_refused(tmp_path: Path) -> None:
    part = embedder(save_static_model(tmp_path / "model", seed=1))
    first = part.resolved()
    assert first.content_sha256 is not None
    assert first.resolved() == first
    before = first.encode(["fox"])
    save_static_model(tmp_path / "model", seed=2)
    assert part.resolved().fingerprint != first.fingerprint
    assert np.abs(part.resolved().encode(["fox"]) - before).max() > 0.1
    static._load.cache_clear()
    with pytest.raises(InvalidInputError) as caught:
        first.encode(["fox"])
    assert caught.value.code == "wrong_weights"


def test_a_saved_strategy_is_shown_without_its_files(tmp_path: Path) -> None:
    saved = embedder(save_static_model(tmp_path / "model")).resolved()
    (tmp_path / "model").rename(tmp_path / "elsewhere")
    assert saved.resolved() == saved
    with pytest.raises(UnavailableError):
        saved.check_usable()


def test_shortening_beyond_the_model_is_refused_when_the_strategy_is_saved(folder: Path) -> None:
    embedder(folder, dimensions=WIDTH).check_usable()
    assert embedder(folder, dimensions=WIDTH).vector_dimensions == WIDTH
    with pytest.raises(InvalidInputError) as caught:
        embedder(folder, dimensions=WIDTH + 1).resolved().check_usable()
    assert caught.value.code == "too_many_dimensions"
    assert str(WIDTH) in caught.value.hint


@pytest.mark.parametrize("settings", [{}, {"model": ""}, {"model": "x", "dimensions": 0}, {"model": "a\x00"}])
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Static.model_validate({"kind": "static", **settings})


def test_a_folder_that_is_not_here_is_refused_with_what_to_do() -> None:
    with pytest.raises(UnavailableError) as caught:
        embedder("/nowhere/at/all").resolved()
    assert (caught.value.code, caught.value.status) == ("model_not_on_this_machine", 422)
    assert "PLAYGROUND_MODEL_FOLDER" in caught.value.hint


def test_a_name_is_looked_up_in_the_model_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_settings", ModelSettings(model_folder=folder.parent))
    assert embedder(folder.name).resolved().vector_dimensions == WIDTH


@pytest.mark.parametrize("broken", ["half", "no tokenizer", "not json", "transformer"])
def test_a_folder_that_is_no_static_model_is_refused(tmp_path: Path, broken: str) -> None:
    model = save_static_model(tmp_path / "model")
    weights = model / "model.safetensors"
    if broken == "half":
        weights.write_bytes(weights.read_bytes()[:5_000])
    elif broken == "no tokenizer":
        (model / "tokenizer.json").unlink()
    elif broken == "not json":
        (model / "config.json").write_text("{")
    with pytest.raises(InvalidInputError) as caught:
        embedder(DEFAULT_MODEL if broken == "transformer" else model).check_usable()
    assert caught.value.code == "broken_model"
    assert "save_pretrained" in caught.value.hint


def test_no_transformer_library_is_loaded(folder: Path) -> None:
    program = (
        "import sys; from ingest.embedders.static import Static;"
        f"part = Static(kind='static', model={str(folder)!r}).resolved(); part.encode(['a fox']);"
        "print([name for name in ('torch', 'transformers', 'sentence_transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert done.stdout.splitlines() == ["[]"]


def test_advice_is_that_of_the_registry() -> None:
    assert embedder("/models/potion-base-32M").advice() == []
    assert "not trained to be shortened" in embedder("minishlab/potion-base-32M", dimensions=64).advice()[0]
    assert embedder("/models/of-our-own", dimensions=64).advice() == []
