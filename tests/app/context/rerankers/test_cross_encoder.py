"""The cross-encoder on a tiny model with random weights: order, window, time budget, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.context.rerankers.cross_encoder import CrossEncoder
from app.context.rerankers.pair_models import loaded_scorer
from configs.errors import InvalidInputError, PlaygroundError
from tests.app.context.rerankers.tiny_cross_encoder import WINDOW_TOKENS, save_tiny_cross_encoder
from tests.app.context.search.found import Contents, ranked

TEXTS = ["oak", "elm ash", "fir fir yew", "ash yew oak elm", " ".join(["yew"] * 30), "elm"]
HITS = ranked([6.0, 5.0, 4.0, 3.0, 2.0, 1.0])
CONTENTS = Contents(TEXTS, np.zeros((6, 0), dtype=np.float32))

pytestmark = pytest.mark.slow  # loads torch


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tiny model."""
    return save_tiny_cross_encoder(tmp_path_factory.mktemp("tiny"))


def test_the_order_is_that_of_the_models_scores(folder: Path) -> None:
    new = CrossEncoder(kind="cross_encoder", model=str(folder)).rerank("oak elm", HITS, CONTENTS)
    scores = [one["model_score"] for one in new.details]
    assert len(set(scores)) > 3
    assert list(new.order) == sorted(range(6), key=lambda number: -scores[number])
    assert new.totals == {"reranked": 6, "cut_pairs": 1}
    alone = CrossEncoder(kind="cross_encoder", model=str(folder)).rerank("oak elm", HITS[:1], CONTENTS)
    assert alone.details[0]["model_score"] == pytest.approx(scores[0], abs=1e-4)


def test_the_scores_are_those_of_the_model_alone(folder: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with torch.inference_mode():
        read = tokenizer(["oak elm"] * 4, TEXTS[:4], return_tensors="pt", padding=True)
        expected = torch.sigmoid(model(**read).logits.reshape(-1)).tolist()
    found, cut = loaded_scorer(str(folder), None).score("oak elm", TEXTS[:4])
    assert found == pytest.approx(expected, abs=1e-4)
    assert cut == [0, 0, 0, 0]


def test_what_the_window_cuts_is_counted_in_tokens(folder: Path) -> None:
    new = CrossEncoder(kind="cross_encoder", model=str(folder)).rerank("oak elm", HITS, CONTENTS)
    whole = 2 + 30 + 3  # question, text, and the three special tokens of a pair
    assert [one["cut_tokens"] for one in new.details] == [0, 0, 0, 0, whole - WINDOW_TOKENS, 0]


def test_a_time_budget_bounds_the_depth(folder: Path) -> None:
    scorer = loaded_scorer(str(folder), None)
    pair_ms = 1_000 / scorer.affordable_pairs(1_000)
    budget = CrossEncoder(kind="cross_encoder", model=str(folder), time_budget_ms=600_000)
    assert budget.rerank("oak", HITS, CONTENTS).totals["reranked"] == 6
    scorer._pair_ms = 400.0
    short = budget.model_copy(update={"time_budget_ms": 1_000})
    new = short.rerank("oak", HITS, CONTENTS)
    assert (new.totals["reranked"], sorted(new.order)) == (2, [0, 1])
    assert scorer._pair_ms < 400.0
    scorer._pair_ms = 4_000.0
    assert short.rerank("oak", HITS, CONTENTS).order == [0]
    scorer._pair_ms = pair_ms
    again = short.as_deep_as(2)
    assert (again.depth, again.time_budget_ms) == (2, None)
    assert sorted(again.rerank("oak", HITS[: again.depth], CONTENTS).order) == [0, 1]


def test_the_pace_recovers_from_a_stall(folder: Path) -> None:
    scorer = loaded_scorer(str(folder), None)
    budget = CrossEncoder(kind="cross_encoder", model=str(folder), time_budget_ms=60_000)
    scorer._measure(1e9)
    assert budget.rerank("oak", HITS, CONTENTS).totals["reranked"] == 1
    depths = [budget.rerank("oak", HITS, CONTENTS).totals["reranked"] for _ in range(50)]
    assert min(depths) >= 1
    assert depths[-1] == len(HITS)


def test_other_weights_under_the_same_path_are_refused(tmp_path: Path) -> None:
    folder = save_tiny_cross_encoder(tmp_path / "model")
    saved = CrossEncoder(kind="cross_encoder", model=str(folder)).resolved()
    assert saved.content_sha256 is not None
    assert saved.resolved() is saved
    before = saved.rerank("oak", HITS, CONTENTS)
    save_tiny_cross_encoder(folder, seed=8)
    with pytest.raises(InvalidInputError) as refused:
        saved.rerank("oak", HITS, CONTENTS)
    assert refused.value.code == "wrong_weights"
    anew = CrossEncoder(kind="cross_encoder", model=str(folder)).rerank("oak", HITS, CONTENTS)
    assert anew.details != before.details


@pytest.mark.parametrize("labels", [2, 3])
def test_a_classifier_is_no_reranker(tmp_path: Path, labels: int) -> None:
    folder = save_tiny_cross_encoder(tmp_path, labels=labels)
    with pytest.raises(PlaygroundError) as refused:
        CrossEncoder(kind="cross_encoder", model=str(folder)).rerank("oak", HITS, CONTENTS)
    assert (refused.value.status, refused.value.code) == (422, "not_a_cross_encoder")
    assert f"{labels} labels" in refused.value.detail


def test_a_sentence_model_is_no_reranker() -> None:
    with pytest.raises(InvalidInputError) as refused:
        CrossEncoder(kind="cross_encoder", model="all-MiniLM-L6-v2").rerank("oak", HITS, CONTENTS)
    assert refused.value.code == "not_a_cross_encoder"


def test_damaged_weights_are_told(tmp_path: Path) -> None:
    folder = save_tiny_cross_encoder(tmp_path)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:200])
    with pytest.raises(InvalidInputError) as refused:
        CrossEncoder(kind="cross_encoder", model=str(folder)).rerank("oak", HITS, CONTENTS)
    assert refused.value.code == "broken_model"
