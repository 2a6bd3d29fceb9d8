"""Documents about made-up topics in which every sentence has 16 tokens, so that chunks of 16 tokens are sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from app.context.saved_strategies import find_index
from app.context.strategy import SearchSetup
from app.evaluation.finder import Contestant
from app.evaluation.screening.sources import Source, make_source
from indexes.access import Principal
from indexes.analysis import ENGLISH_STOP_WORDS
from indexes.database.catalog import load_document
from indexes.database.tables import Version
from indexes.view import IndexView, SegmentView, load_view
from ingest.tokenizers import DEFAULT_TOKENIZER, tokenizer
from tests.app.evaluation.world import WORKSPACE, World, lexical

SENTENCE_TOKENS = 16
SENTENCES = 8
DOCUMENTS = 60
ANYBODY = Principal()

HYBRID: dict[str, Any] = {
    "context_prefix": True,
    "embedder": {"kind": "hashing", "dimensions": 256},
    "stores": [{"kind": "faiss_flat"}, {"kind": "bm25"}],
    "fusion": {"kind": "convex"},
    "candidates": 20,
}


@lru_cache
def vocabulary() -> tuple[str, ...]:
    """Return 1,500 words that are one token each, frequent ones first."""
    numbered = sorted(tokenizer(DEFAULT_TOKENIZER).get_vocab().items(), key=lambda pair: pair[1])
    fit = [word for word, _ in numbered if word.isascii() and word.isalpha() and len(word) > 3]
    return tuple([word for word in fit if word not in ENGLISH_STOP_WORDS][:1_500])


def topic_texts(documents: int = DOCUMENTS, sentences: int = SENTENCES, seed: int = 5) -> dict[str, str]:
    """Return texts by document id, each with a vocabulary of its own beside words that all share."""
    generator = np.random.default_rng(seed)
    words = np.array(vocabulary())
    texts = {}
    for number in range(documents):
        topic = generator.choice(words, 24, replace=False)
        said = [
            " ".join([*generator.choice(topic, 9), *generator.choice(words, SENTENCE_TOKENS - 10)]).capitalize() + "."
            for _ in range(sentences)
        ]
        texts[f"doc-{number:02d}"] = " ".join(said)
    return texts


def title_of(text: str) -> str:
    """Return the title that a topic's text has in the world: the three words that it says most."""
    return " ".join(word for word, _ in Counter(text.lower().replace(".", "").split()).most_common(3))


def topic_world(folder: Path, documents: int = DOCUMENTS) -> World:
    """Return a world with the topics' texts and their titles."""
    world = World(folder)
    texts = topic_texts(documents)
    world.add_all(texts)
    with world.database.write() as session:
        for document_id, text in texts.items():
            version = session.get_one(Version, load_document(session, WORKSPACE, document_id).ready_version_id)
            version.title = title_of(text)
    return world


def sources_of(texts: Mapping[str, str], titles: Mapping[str, str] | None = None) -> list[Source]:
    """Return sources without a database; the version of `doc` is `doc-v`."""
    return [
        make_source(document_id=name, version_id=f"{name}-v", title=(titles or {}).get(name, ""), text=text, blocks=[])
        for name, text in texts.items()
    ]


def hybrid(size_tokens: int = SENTENCE_TOKENS, **settings: Any) -> SearchSetup:
    """Return hashing embeddings and BM25 over fixed chunks with prefixes."""
    return lexical(size_tokens, **{**HYBRID, **settings})


def view_of(world: World, setup: SearchSetup) -> IndexView:
    """Return what the setup's index answers with."""
    with world.database.read() as session:
        index = find_index(session, WORKSPACE, setup)
        assert index is not None
        return load_view(session, world.folder, WORKSPACE, index.id)


def contestants(*setups: SearchSetup) -> list[Contestant]:
    """Return contestants labelled s0, s1, …"""
    return [Contestant(label=f"s{number}", setup=setup) for number, setup in enumerate(setups)]


def degraded(view: IndexView, share: float, seed: int) -> IndexView:
    """Return the view without the rows of so many sentences; what a smaller share drops, a larger one drops too."""
    generator = np.random.default_rng(seed)
    segments = []
    for segment in view.segments:
        lives = generator.random(len(segment.table)) >= share
        documents = np.where(lives, segment.documents, -1).astype(np.int32)
        segments.append(SegmentView(folder=segment.folder, table=segment.table, documents=documents))
    return IndexView(view.documents, segments, [])
