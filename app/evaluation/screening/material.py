"""What generators of pseudo-questions draw from: passages, how rare words are in them, and where text repeats."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from app.evaluation.outcome import Gold, Label
from app.evaluation.screening.sources import Source, SourcePassage
from app.evaluation.version_span import VersionSpan
from configs.span import Span
from indexes.analysis import ENGLISH_STOP_WORDS, words


def content_words(text: str) -> list[str]:
    """Return the lower-cased words of `text` that are no stop words, in order."""
    return [word for word in words(text) if word not in ENGLISH_STOP_WORDS]


class Material:
    """What generators draw from: passages, how rare words are among them, and where sentences repeat."""

    def __init__(self, sources: Sequence[Source], passages: Sequence[SourcePassage], overlap: float) -> None:
        self.passages = passages
        self.overlap = overlap
        self._frequencies = Counter(word for passage in passages for word in set(content_words(passage.text)))
        self._places: defaultdict[str, list[tuple[Source, int]]] = defaultdict(list)
        for source in sources:
            for sentence in (sentence for run in source.runs for sentence in run):
                self._places[source.text_of(sentence)].append((source, sentence.start))
        titles = Counter(_spoken_title(source) for source in sources)
        self.titled = {one.document_id for one in sources if one.title.strip() and titles[_spoken_title(one)] == 1}

    def weight(self, word: str) -> float:
        """Return the word's idf, ln(1 + passages / passages that hold it); a word of no passage counts as of one."""
        return math.log1p(len(self.passages) / max(1, self._frequencies[word]))

    def is_repeated(self, source: Source, sentence: Span) -> bool:
        """Tell whether the sentence stands in the sources more than once."""
        return len(self._places[source.text_of(sentence)]) > 1

    def gold(self, passage: SourcePassage, left_out: Sequence[Span] = ()) -> Gold:
        """Return the passage's sentences that hold nothing left out, joined where they are neighbours, as gold.

        Where the same text stands elsewhere in the sources, finding it there counts.
        """
        pieces: list[list[Span]] = [[]]
        for sentence in passage.sentences:
            if any(sentence.overlap(span) for span in left_out):
                pieces.append([])
            else:
                pieces[-1].append(sentence)
        return Gold(labels=tuple(self._label(passage.source, piece) for piece in pieces if piece))

    def _label(self, source: Source, piece: Sequence[Span]) -> Label:
        place = VersionSpan(source.version_id, Span(piece[0].start, piece[-1].end))
        text = source.text_of(place.span)
        copies = tuple(
            VersionSpan(other.version_id, Span(start, start + len(text)))
            for other, start in self._places[source.text_of(piece[0])]
            if (other is not source or start != place.span.start) and other.text.startswith(text, start)
        )
        return Label(document_id=source.document_id, place=place, copies=copies)


def _spoken_title(source: Source) -> str:
    return " ".join(source.title.split()).casefold()
