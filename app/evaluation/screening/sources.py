"""The texts that pseudo-questions are drawn from: their sentences, and passages of consecutive ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from configs.part import JsonObject
from configs.span import Span, union
from indexes.database.tables import Version
from ingest.baking import IDS_PER_QUERY, batches
from ingest.sentences import is_inside_sentence

MOST_CHARACTERS = 20_000_000
"""Documents are drawn at random until they hold so much text."""
LONGEST_SENTENCE_CHARACTERS = 1_000
"""What is longer is no sentence, and no passage reaches across it."""
SHORTEST_PASSAGE_SENTENCES = 3
LONGEST_PASSAGE_SENTENCES = 5
UNSPOKEN_BLOCKS = ("heading", "table", "code")

_MAYBE_END = re.compile(r"(?<=[.!?…。！？\"'”’»)\]])\s+|\n\s*|(?<=[。！？])(?=\S)")  # noqa: RUF001  # these end sentences
_WORD = re.compile(r"\S")

Run = tuple[Span, ...]
"""Sentences that follow each other, with no heading, table or code between them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One document as every index answers with it, with its sentences in runs; white space around them is left out."""

    document_id: str
    version_id: str
    title: str
    text: str
    runs: tuple[Run, ...]

    def text_of(self, span: Span) -> str:
        """Return the text of a span."""
        return self.text[span.start : span.end]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePassage:
    """Three to five consecutive sentences of a source."""

    source: Source
    sentences: Run

    @property
    def span(self) -> Span:
        """Return the span from the first sentence to the last."""
        return Span(self.sentences[0].start, self.sentences[-1].end)

    @property
    def text(self) -> str:
        """Return the passage's text."""
        return self.source.text_of(self.span)


def make_source(*, document_id: str, version_id: str, title: str, text: str, blocks: Iterable[JsonObject]) -> Source:
    """Return the source with its sentences; `blocks` are the version's structure."""
    silent = union([Span(one["start"], one["end"]) for one in blocks if one["kind"] in UNSPOKEN_BLOCKS])
    edges = [0, *(edge for span in silent for edge in (span.start, span.end)), len(text)]
    areas = [Span(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True)]
    runs = tuple(run for area in areas for run in _runs(text, area))
    return Source(document_id=document_id, version_id=version_id, title=title, text=text, runs=runs)


def draw_sources(session: Session, served: Mapping[str, str], seed: int) -> list[Source]:
    """Return sources of `served` (version by document), by document: all, or a random draw of MOST_CHARACTERS."""
    characters: dict[str, int] = {}
    for batch in batches(sorted(served.values()), IDS_PER_QUERY):
        columns = select(Version.id, Version.characters).where(Version.id.in_(batch))
        characters.update((row.id, row.characters or 0) for row in session.execute(columns))
    documents = sorted(document for document, version in served.items() if version in characters)
    drawn: list[str] = []
    left_characters = MOST_CHARACTERS
    for number in np.random.default_rng(seed).permutation(len(documents)):
        if left_characters <= 0:
            break
        drawn.append(documents[number])
        left_characters -= characters[served[documents[number]]]
    return [source for batch in batches(sorted(drawn), IDS_PER_QUERY) for source in _load(session, served, batch)]


def cut_passages(sources: Sequence[Source], generator: np.random.Generator) -> list[SourcePassage]:
    """Return the sources cut into passages that do not overlap; one or two sentences at the end of a run are left."""
    passages = []
    for source in sources:
        for run in source.runs:
            first = 0
            while len(run) - first >= SHORTEST_PASSAGE_SENTENCES:
                count = int(generator.integers(SHORTEST_PASSAGE_SENTENCES, LONGEST_PASSAGE_SENTENCES + 1))
                passages.append(SourcePassage(source=source, sentences=run[first : first + count]))
                first += count
    return passages


def _runs(text: str, area: Span) -> Iterator[Run]:
    run: list[Span] = []
    for sentence in _sentences(text, area):
        if len(sentence) <= LONGEST_SENTENCE_CHARACTERS:
            run.append(sentence)
            continue
        if run:
            yield tuple(run)
        run = []
    if run:
        yield tuple(run)


def _sentences(text: str, area: Span) -> Iterator[Span]:
    ends = (match.end() for match in _MAYBE_END.finditer(text, area.start, area.end))
    start = area.start
    for end in (*(end for end in ends if not is_inside_sentence(text, end)), area.end):
        first = _WORD.search(text, start, end)
        if first is not None:
            yield Span(first.start(), first.start() + len(text[first.start() : end].rstrip()))
        start = end


def _load(session: Session, served: Mapping[str, str], document_ids: Sequence[str]) -> list[Source]:
    wanted = [served[document_id] for document_id in document_ids]
    statement = select(Version).options(undefer(Version.text), undefer(Version.structure)).where(Version.id.in_(wanted))
    versions = {version.id: version for version in session.scalars(statement)}
    return [
        make_source(
            document_id=document_id,
            version_id=served[document_id],
            title=versions[served[document_id]].title,
            text=versions[served[document_id]].text or "",
            blocks=versions[served[document_id]].structure or [],
        )
        for document_id in document_ids
    ]
