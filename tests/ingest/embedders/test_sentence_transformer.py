"""The sentence_transformer embedder where no model is needed: resolving, refusing, reading its folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from configs.errors import InvalidInputError, UnavailableError
from ingest import models
from ingest.embedders import sentence_models, sentence_transformer
from ingest.embedders.sentence_transformer import SentenceTransformer, has_bfloat16
from ingest.models import DEFAULT_MODEL, content_sha256
from ingest.tokenizers import tokenizer


def embedder(**fields: Any) -> SentenceTransformer:
    return SentenceTransformer(kind="sentence_transformer", **fields)


@pytest.fixture
def processor_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in for /proc/cpuinfo."""
    page = tmp_path / "cpuinfo"
    monkeypatch.setattr(sentence_transformer, "PROCESSOR_PAGE", page)
    return page


@pytest.fixture
def own_places(monkeypatch: pytest.MonkeyPatch) -> dict[Any, Any]:
    """Start without any loaded model and leave those of other tests alone."""
    places: dict[Any, Any] = type(sentence_models._places)()
    monkeypatch.setattr(sentence_models, "_places", places)
    return places


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("fpu avx512f avx512_bf16", "bf16"), ("fpu amx_bf16 amx_tile", "bf16"), ("fpu avx512f avx512_bf16x", "fp32")],
)
def test_auto_means_what_the_processor_can(flags: str, expected: str, processor_page: Path) -> None:
    processor_page.write_text(f"processor\t: 0\nflags\t\t: {flags}\nbogomips\t: 1\n")
    assert embedder().resolved() == embedder(precision=expected)
    assert embedder(precision="fp32").resolved().precision == "fp32"
    assert embedder(precision="bf16").resolved().precision == "bf16"


def test_without_a_processor_page_auto_is_fp32(tmp_path: Path) -> None:
    assert has_bfloat16(tmp_path / "missing") is False


def test_precision_and_model_and_content_name_different_vectors() -> None:
    parts = [
        embedder(precision="fp32"),
        embedder(precision="bf16"),
        embedder(precision="fp32", model="other"),
        embedder(precision="fp32", model="other", content_sha256="0" * 64),
    ]
    assert len({part.fingerprint for part in parts}) == len(parts)


@pytest.mark.parametrize(
    "fields",
    [{"model": ""}, {"model": "a\x00b"}, {"model": "x" * 501}, {"precision": "int8"}, {"content_sha256": "abc"}],
)
def test_settings_that_cannot_be_are_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        embedder(**fields)


def test_a_model_that_is_not_here_is_refused_when_the_strategy_is_saved() -> None:
    with pytest.raises(UnavailableError) as caught:
        embedder(model="organisation/missing").resolved()
    assert caught.value.code == "model_not_on_this_machine"
    with pytest.raises(UnavailableError):
        embedder(model="organisation/missing").encode(["text"])


def test_resolving_names_the_weights_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"one")
    part = embedder(model=str(tmp_path), precision="fp32")
    first = part.resolved()
    assert first.content_sha256 == content_sha256(tmp_path)
    assert first.resolved() == first
    (tmp_path / "model.safetensors").write_bytes(b"another")
    assert part.resolved().fingerprint != first.fingerprint
    assert first.resolved() == first


def test_changed_weights_are_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"one")
    part = embedder(model=str(tmp_path), precision="fp32").resolved()
    (tmp_path / "model.safetensors").write_bytes(b"another")
    with pytest.raises(InvalidInputError) as caught:
        part.encode(["text"])
    assert caught.value.code == "wrong_weights"
    assert str(part.content_sha256) in caught.value.detail
    assert content_sha256(tmp_path) in caught.value.detail


def test_tampered_weights_of_the_shipped_model_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_places: dict[Any, Any]
) -> None:
    package = tmp_path / "tampered_shipped_model" / "model"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "model.safetensors").write_bytes(b"tampered")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(models, "SHIPPED_PACKAGE", "tampered_shipped_model")
    for _ in range(2):  # a failure is not remembered as a success
        with pytest.raises(InvalidInputError) as caught:
            embedder(precision="fp32").encode_query("text")
        assert caught.value.code == "wrong_weights"
        assert models.DEFAULT_WEIGHTS_SHA256 in caught.value.detail
    assert own_places == {}


def test_window_and_tokens_are_known_without_loading_the_model() -> None:
    program = (
        "import sys; from ingest.embedders.sentence_transformer import SentenceTransformer;"
        "part = SentenceTransformer(kind='sentence_transformer').resolved();"
        "print(part.window_tokens, part.count_tokens(['a fox', 'fox ' * 1000]), part.is_remote);"
        "print([name for name in ('torch', 'transformers', 'sentence_transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert done.stdout.splitlines() == ["254 [2, 1000] False", "[]"]


def test_a_folder_tells_its_window_and_tokens(tmp_path: Path) -> None:
    reader = tmp_path / "0_Transformer"
    reader.mkdir()
    (tmp_path / "modules.json").write_text(json.dumps([{"idx": 0, "path": "0_Transformer"}]))
    (reader / "sentence_bert_config.json").write_text('{"max_seq_length": 128}')
    tokenizer(DEFAULT_MODEL).save(str(reader / "tokenizer.json"))
    part = embedder(model=str(tmp_path))
    assert part.window_tokens == 126
    assert part.count_tokens(["three small foxes", ""]) == [3, 0]
