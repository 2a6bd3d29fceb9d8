"""Cross-encoders of the sentence-transformers library, loaded once a process; torch is imported nowhere else here."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from configs.errors import InvalidInputError
from ingest.models import content_sha256, locate, model_settings, verify

LOADED_MODELS = 2
"""Most cross-encoders in memory; the one that was used longest ago makes room."""

PAIRS_PER_BATCH = 16
MEASURED_PAIRS = 4
MEASURED_WORDS = 150
"""The first measure of a model's pace is of so many pairs with so many words."""
NEW_MEASURE = 0.3
"""What a new measure of the pace weighs against those before it."""
SCORE_DECIMALS = 5
UNSAID_LABELS = (0, 1)
"""The labels of a classifier whose configuration names none: the library leaves out what is its default."""


class PairScorer:
    """Scores pairs of a question and a text, one call at a time, and measures its own pace."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._tokenizer = model.tokenizer
        self._window_tokens = _window_of(model)
        self._lock = threading.Lock()
        self._pair_ms = 0.0
        self.score("warm-up", ["word"])
        self._pair_ms = 0.0
        self.score("a question of some words", [" ".join(["word"] * MEASURED_WORDS)] * MEASURED_PAIRS)

    def affordable_pairs(self, budget_ms: float) -> int:
        """Return how many pairs the budget pays for at the pace measured so far, at least one.

        Only what is scored is measured: without that pair one stall would end all reranking.
        """
        return max(1, int(budget_ms / self._pair_ms))

    def score(self, question: str, texts: Sequence[str]) -> tuple[list[float], list[int]]:
        """Return for each text its score with the question, and how many tokens of the pair the window cut off."""
        if not texts:
            return [], []
        pairs = [(question, text) for text in texts]
        with self._lock:
            begin = time.perf_counter()
            scores = self._model.predict(
                pairs, batch_size=PAIRS_PER_BATCH, show_progress_bar=False, convert_to_numpy=True
            )
            self._measure(1_000 * (time.perf_counter() - begin) / len(texts))
        rounded = np.round(np.asarray(scores, dtype=np.float64).reshape(-1), SCORE_DECIMALS)
        if not np.isfinite(rounded).all():
            raise InvalidInputError(
                "the cross-encoder gave a score that is no number",
                hint="its weights are damaged, or it overflows on this text; take another model",
                code="broken_model",
            )
        return rounded.tolist(), [self._cut_tokens(question, text) for text in texts]

    def _measure(self, pair_ms: float) -> None:
        self._pair_ms += (pair_ms - self._pair_ms) * (NEW_MEASURE if self._pair_ms else 1.0)

    def _cut_tokens(self, question: str, text: str) -> int:
        if self._window_tokens is None:
            return 0
        tokens = len(self._tokenizer(question, text, truncation=False, verbose=False)["input_ids"])
        return max(0, tokens - self._window_tokens)


class _Place:
    """Where one model stands, or will stand when its first user has loaded it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.scorer: PairScorer | None = None


_places: OrderedDict[tuple[str, str], _Place] = OrderedDict()
_places_lock = threading.Lock()


def loaded_scorer(model: str, expected_content: str | None) -> PairScorer:
    """Return the model, loaded on first use, and anew when its files have changed.

    Raises what `locate` and `verify` raise, and InvalidInputError (`not_a_cross_encoder`, `broken_model`).
    """
    folder = locate(model)
    verify(model, folder, expected_content)
    key = (str(folder), content_sha256(folder))
    with _places_lock:
        place = _places.setdefault(key, _Place())
        _places.move_to_end(key)
    with place.lock:
        if place.scorer is None:
            try:
                place.scorer = _load(model, folder)
            finally:
                _make_room(key, has_failed=place.scorer is None)
        return place.scorer


def _make_room(key: tuple[str, str], *, has_failed: bool) -> None:
    """Keep the number of models bounded; a name that could not be loaded displaces none."""
    with _places_lock:
        if has_failed:
            _places.pop(key, None)
        while len(_places) > LOADED_MODELS:
            _places.popitem(last=False)


def _load(model: str, folder: Path) -> PairScorer:
    _check_kind(model, folder)
    if not model_settings().allow_model_hub:  # read when the libraries are imported; the folder alone must do
        os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
    from sentence_transformers import CrossEncoder
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # the library annotates only some functions
    try:
        loaded = CrossEncoder(str(folder), device="cpu", local_files_only=True)
        return PairScorer(loaded.eval())
    except InvalidInputError:
        raise
    except Exception as error:  # whatever a damaged or foreign folder makes the library raise
        raise InvalidInputError(
            f"the cross-encoder {model!r} cannot be loaded ({type(error).__name__}: {str(error)[:200]})",
            hint="name the folder that CrossEncoder.save wrote, whole and readable",
            code="broken_model",
        ) from error


def _check_kind(model: str, folder: Path) -> None:
    """Refuse what is no cross-encoder: the library would load it with a head of random numbers."""
    try:
        settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        names = settings.get("architectures") or []
        labels = settings.get("num_labels") or len(settings.get("id2label") or UNSAID_LABELS)
    except (OSError, ValueError, AttributeError):
        names, labels = [], 1
    if not any(str(name).endswith("ForSequenceClassification") for name in names) or labels != 1:
        raise InvalidInputError(
            f"the model {model!r} is no cross-encoder that gives one score: its config.json says "
            f"{', '.join(map(str, names)) or 'no architecture'} with {labels} label{'' if labels == 1 else 's'}",
            hint="name a reranking model with one label, such as a copy of cross-encoder/ms-marco-MiniLM-L6-v2",
            code="not_a_cross_encoder",
        )


def _window_of(model: Any) -> int | None:
    """Return how many tokens of a pair the model reads, None where it names no limit."""
    limits = [getattr(model, "max_seq_length", None), getattr(model.tokenizer, "model_max_length", None)]
    known = [int(limit) for limit in limits if limit is not None and limit < 1_000_000]
    return min(known) if known else None
