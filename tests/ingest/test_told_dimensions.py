"""What a model's folder tells of its vectors before the model is loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ingest.embedders.sentence_transformer import SentenceTransformer
from ingest.models import DEFAULT_MODEL, locate, told_dimensions
from tests.ingest.embedders.small_models import save_model


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ([{"word_embedding_dimension": 384, "pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}], 384),
        ([{"word_embedding_dimension": 10, "pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True}], 20),
        ([{"embedding_dimension": 16, "pooling_mode": "mean"}], 16),
        ([{"embedding_dimension": 16, "pooling_mode": ["cls", "mean"]}], 32),
        ([{"word_embedding_dimension": 16, "pooling_mode_cls_token": True}, {"in_features": 16, "out_features": 8}], 8),
        ([{}], None),
        ([], None),
    ],
)
def test_a_folder_tells_how_long_its_vectors_are(tmp_path: Path, later: list[Any], expected: int | None) -> None:
    modules = [{"path": ""}]
    for number, settings in enumerate(later, 1):
        (tmp_path / f"{number}_Module").mkdir()
        (tmp_path / f"{number}_Module" / "config.json").write_text(json.dumps(settings))
        modules.append({"path": f"{number}_Module"})
    assert told_dimensions(tmp_path) is None
    (tmp_path / "modules.json").write_text(json.dumps([*modules, {"path": "9_Normalize"}]))
    assert told_dimensions(tmp_path) == expected


@pytest.mark.slow
@pytest.mark.parametrize("make", ["mean", "cls and dense"])
def test_what_a_folder_tells_is_what_its_model_gives(make: str, tmp_path: Path) -> None:
    folder = save_model(make, tmp_path / "model")
    embedder = SentenceTransformer(kind="sentence_transformer", model=str(folder), precision="fp32")
    assert told_dimensions(folder) == embedder.vector_dimensions == embedder.encode(["a red fox"]).shape[1]
    assert told_dimensions(locate(DEFAULT_MODEL)) == 384
