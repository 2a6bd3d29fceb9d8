"""What stands in a context: stretches of text, merged from selected neighbours and put in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from app.context.envelope import Origin
from app.context.passages import Selected
from app.context.policy import Order
from configs.span import Lead, Span

T = TypeVar("T")

TextOf = Callable[[str, Span], str]
"""Returns the text of a span of a version: `text_of(version_id, span)`."""

MERGED_GAP_CHARACTERS = 64
"""Neighbours are merged across white space of at most so many characters: a separator, not an empty half page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """A stretch of one version's text that is sent as one source; `parts` are in order of position.

    The lead of the first part is sent in front of it. What the others' would say, if anything, stands before them.
    """

    span: Span
    text: str
    parts: tuple[Selected, ...]

    @property
    def document_id(self) -> str:
        """Return the document it is from."""
        return self.parts[0].candidate.hit.document_id

    @property
    def version_id(self) -> str:
        """Return the version it is from."""
        return self.parts[0].candidate.hit.version_id

    @property
    def origin(self) -> Origin:
        """Return where the first part comes from."""
        return self.parts[0].candidate.origin

    @property
    def lead(self) -> Lead:
        """Return what is sent in front of the text."""
        return self.parts[0].candidate.lead

    @property
    def sent_text(self) -> str:
        """Return lead and text."""
        return self.lead.text + self.text

    @property
    def best(self) -> Selected:
        """Return the part found first."""
        return min(self.parts, key=_rank)


def lay_out(selected: Sequence[Selected], *, order: Order, merge_adjacent: bool, text_of: TextOf) -> list[Extract]:
    """Return the selected passages as they stand in the context; `text_of` is asked for gaps between them alone."""
    extracts: list[Extract] = []
    for part in sorted(selected, key=lambda part: (part.candidate.hit.version_id, part.span)):
        gap = _gap(extracts[-1], part, text_of) if merge_adjacent and extracts else None
        if gap is None:
            extracts.append(Extract(span=part.span, text=part.text, parts=(part,)))
        else:
            last = extracts.pop()
            span = Span(last.span.start, part.span.end)
            extracts.append(Extract(span=span, text=last.text + gap + part.text, parts=(*last.parts, part)))
    return ordered(extracts, order)


def ordered(extracts: Sequence[Extract], order: Order) -> list[Extract]:
    """Return the extracts in the order in which a model reads them."""
    by_relevance = sorted(extracts, key=lambda extract: _rank(extract.best))
    if order == "relevance":
        return by_relevance
    if order == "edges":
        return edges(by_relevance)
    best_ranks: dict[str, int] = {}
    for extract in by_relevance:
        best_ranks.setdefault(extract.document_id, _rank(extract.best))
    return sorted(extracts, key=lambda extract: (best_ranks[extract.document_id], extract.version_id, extract.span))


def edges(items: Sequence[T]) -> list[T]:
    """Return items that come best first with the best at both ends: 1, 3, 5, 4, 2 (Liu et al., TACL 2024)."""
    return [*items[::2], *items[1::2][::-1]]


def _gap(extract: Extract, part: Selected, text_of: TextOf) -> str | None:
    """Return the white space between the two, None where they are no neighbours."""
    version_id = part.candidate.hit.version_id
    length = part.span.start - extract.span.end
    if extract.version_id != version_id or length > MERGED_GAP_CHARACTERS:
        return None
    if not length:
        return ""
    text = text_of(version_id, Span(extract.span.end, part.span.start))
    return None if text.strip() else text


def _rank(part: Selected) -> int:
    return part.candidate.hit.rank
