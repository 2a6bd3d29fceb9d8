"""Documents and questions for the benchmarks: SciFact where PLAYGROUND_DATA names it, else made from the guide."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from pathlib import Path

from app.demo import guide_folder
from tests.acceptance.beir import load_beir

DOCUMENTS = 1_000


@dataclass(frozen=True)
class Corpus:
    """Titles with texts, and questions."""

    name: str
    documents: list[tuple[str, str]]
    questions: list[str]


def load_corpus() -> Corpus:
    """Return DOCUMENTS documents, all of them with FULL=1."""
    folder = os.environ.get("PLAYGROUND_DATA")
    corpus = _scifact(Path(folder) / "scifact") if folder else _guide()
    if os.environ.get("FULL") == "1":
        return corpus
    return Corpus(corpus.name, corpus.documents[:DOCUMENTS], corpus.questions)


def _scifact(folder: Path) -> Corpus:
    beir = load_beir(folder)
    return Corpus("SciFact", list(beir.documents.values()), list(beir.questions.values()))


def _guide() -> Corpus:
    """Return documents of three paragraphs each, drawn from the guide with a fixed seed."""
    draw = random.Random(17)
    texts = [path.read_text(encoding="utf-8") for path in sorted(guide_folder().glob("*.md"))]
    paragraphs = [paragraph for text in texts for paragraph in text.split("\n\n") if len(paragraph) > 200]
    documents = [(f"Note {number}", "\n\n".join(draw.sample(paragraphs, 3))) for number in range(DOCUMENTS)]
    questions = [" ".join(draw.choice(paragraphs).split()[:12]) for _ in range(300)]
    return Corpus("guide paragraphs", documents, questions)
