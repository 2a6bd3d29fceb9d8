"""Questions made from the documents themselves, without labels and without a language model.

Lookup kinds ask in words of a passage that the index holds. Aboutness kinds leave the asked words out of the index, so
that only what stands around them can be found. Which of both resembles the users is a property of the users.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from app.evaluation.outcome import Gold
from app.evaluation.screening.material import Material, content_words
from app.evaluation.screening.sources import Source, SourcePassage, cut_passages
from configs.span import Span

Kind = Literal[
    "passage_keyphrases",
    "overlap_matched_passage",
    "sentence_left_out",
    "overlap_matched_left_out",
    "title_left_out",
]
Family = Literal["lookup", "aboutness"]

KINDS: tuple[Kind, ...] = get_args(Kind)
FAMILIES: dict[Family, tuple[Kind, ...]] = {"lookup": KINDS[:2], "aboutness": KINDS[2:]}

KEYPHRASE_WORDS = 6
OVERLAP_WORDS = 8
SHORTEST_LEFT_OUT_WORDS = 5
LONGEST_TITLED_CHARACTERS = 30_000
"""Of longer documents no title is left out: every row that carries it would have to be encoded again."""
FEWEST_TITLED_DOCUMENTS = 30
FEWEST_QUESTIONS = 10
"""A kind with fewer questions is not available."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Characters that are taken as if they stood in no row: sorted disjoint spans of a version.

    `title` is not empty where the title is what is left out: it goes from the rows' prefixes, too.
    """

    version_id: str
    document_id: str
    spans: tuple[Span, ...]
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PseudoQuestion:
    """A made question; `gold` marks its passage without what is left out."""

    id: str
    kind: Kind
    text: str
    gold: Gold
    left_out: LeftOut | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The questions of each available kind, and why the others are not available."""

    questions: dict[Kind, tuple[PseudoQuestion, ...]]
    not_available: dict[Kind, str]


def make_questions(sources: Sequence[Source], *, per_kind: int, overlap: float, seed: int) -> Made:
    """Return up to `per_kind` questions of each kind; the same sources and settings give the same questions.

    `overlap` is the share of words that questions of the overlap-matched kinds have in common with their passage.
    """
    passages = cut_passages(sources, np.random.default_rng([seed, len(KINDS)]))
    material = Material(sources, passages, overlap)
    questions: dict[Kind, tuple[PseudoQuestion, ...]] = {}
    not_available: dict[Kind, str] = {}
    for number, kind in enumerate(KINDS):
        if kind == "title_left_out" and len(material.titled) < FEWEST_TITLED_DOCUMENTS:
            titled = len(material.titled)
            not_available[kind] = f"{titled} documents have a title of their own; {FEWEST_TITLED_DOCUMENTS} are needed"
            continue
        made = _of_kind(kind, material, per_kind, np.random.default_rng([seed, number]))
        if len(made) < FEWEST_QUESTIONS:
            not_available[kind] = f"the documents give {len(made)} such questions; {FEWEST_QUESTIONS} are needed"
        else:
            questions[kind] = made
    return Made(questions=questions, not_available=not_available)


def _of_kind(
    kind: Kind, material: Material, per_kind: int, generator: np.random.Generator
) -> tuple[PseudoQuestion, ...]:
    made: list[PseudoQuestion] = []
    asked: set[str] = set()
    for number in generator.permutation(len(material.passages)):
        if len(made) == per_kind:
            break
        draft = _GENERATORS[kind](material, material.passages[number], generator)
        if draft is None or draft[0] in asked:
            continue
        text, left_out = draft
        gold = material.gold(material.passages[number], left_out.spans if left_out is not None else ())
        if gold.labels:
            asked.add(text)
            made.append(
                PseudoQuestion(id=f"{kind}-{len(made) + 1}", kind=kind, text=text, gold=gold, left_out=left_out)
            )
    return tuple(made)


Draft = tuple[str, LeftOut | None] | None
"""A question's words and what is left out for it; None where the passage gives none."""


def _passage_keyphrases(material: Material, passage: SourcePassage, _: np.random.Generator) -> Draft:
    """Ask with the passage's words of the highest tf · idf, in the order in which they stand there."""
    counts = Counter(content_words(passage.text))
    chosen = sorted(counts, key=lambda word: -counts[word] * material.weight(word))[:KEYPHRASE_WORDS]
    return (" ".join(word for word in counts if word in chosen), None) if len(chosen) == KEYPHRASE_WORDS else None


def _overlap_matched_passage(material: Material, passage: SourcePassage, generator: np.random.Generator) -> Draft:
    text = _overlap_matched(material, passage, passage.text, generator)
    return (text, None) if text else None


def _sentence_left_out(material: Material, passage: SourcePassage, generator: np.random.Generator) -> Draft:
    sentence = _leavable(material, passage, generator)
    return (passage.source.text_of(sentence), _left_out(passage, sentence)) if sentence is not None else None


def _overlap_matched_left_out(material: Material, passage: SourcePassage, generator: np.random.Generator) -> Draft:
    sentence = _leavable(material, passage, generator)
    if sentence is None:
        return None
    text = _overlap_matched(material, passage, passage.source.text_of(sentence), generator)
    return (text, _left_out(passage, sentence)) if text else None


def _title_left_out(material: Material, passage: SourcePassage, _: np.random.Generator) -> Draft:
    source = passage.source
    if source.document_id not in material.titled or len(source.text) > LONGEST_TITLED_CHARACTERS:
        return None
    title = " ".join(source.title.split())
    spans = tuple(title_spans(source.text, title))
    return title, LeftOut(version_id=source.version_id, document_id=source.document_id, spans=spans, title=title)


_GENERATORS: dict[Kind, Callable[[Material, SourcePassage, np.random.Generator], Draft]] = {
    "passage_keyphrases": _passage_keyphrases,
    "overlap_matched_passage": _overlap_matched_passage,
    "sentence_left_out": _sentence_left_out,
    "overlap_matched_left_out": _overlap_matched_left_out,
    "title_left_out": _title_left_out,
}


def title_spans(text: str, title: str) -> Iterable[Span]:
    """Yield where the title makes up a line of the text, apart from case and heading marks."""
    said = r"\s+".join(re.escape(word) for word in title.split())
    for match in re.finditer(rf"^[ \t#*_=]*({said})[ \t#*_=]*$", text, re.IGNORECASE | re.MULTILINE):
        yield Span(*match.span(1))


def _overlap_matched(
    material: Material, passage: SourcePassage, asked: str, generator: np.random.Generator
) -> str | None:
    """Return words of `asked`, rare ones more often, mixed with words of another passage that this one does not hold.

    Words from around the passage would reward chunks that reach beyond it.
    """
    other = material.passages[int(generator.integers(len(material.passages)))]
    passage_words = set(content_words(passage.text))
    inside = list(dict.fromkeys(content_words(asked)))
    outside = [word for word in dict.fromkeys(content_words(other.text)) if word not in passage_words]
    inside_count = max(1, round(material.overlap * OVERLAP_WORDS))
    if len(inside) < inside_count or len(outside) < OVERLAP_WORDS - inside_count:
        return None
    weights = np.array([material.weight(word) for word in inside])
    chosen = [
        *generator.choice(inside, inside_count, replace=False, p=weights / weights.sum()).tolist(),
        *generator.choice(outside, OVERLAP_WORDS - inside_count, replace=False).tolist(),
    ]
    return " ".join(chosen[number] for number in generator.permutation(len(chosen)))


def _leavable(material: Material, passage: SourcePassage, generator: np.random.Generator) -> Span | None:
    """Return a sentence of the passage that says enough and is said nowhere else, None where there is none."""
    source = passage.source
    fit = [
        sentence
        for sentence in passage.sentences
        if len(content_words(source.text_of(sentence))) >= SHORTEST_LEFT_OUT_WORDS
        and not material.is_repeated(source, sentence)
    ]
    return fit[int(generator.integers(len(fit)))] if fit else None


def _left_out(passage: SourcePassage, sentence: Span) -> LeftOut:
    source = passage.source
    return LeftOut(version_id=source.version_id, document_id=source.document_id, spans=(sentence,))
