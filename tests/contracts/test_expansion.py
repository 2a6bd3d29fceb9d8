"""What every expansion promises, tried on each registered member over chunks that are planted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.context.expanding import merged
from app.context.expansions import Expansion
from app.context.strategy import SearchSetup
from configs.part import Part, fingerprint_of
from configs.span import Span, union
from indexes.search import Hit
from ingest.chunkers import Chunker

EXPANSIONS = [member.model_validate({"kind": kind}) for kind, member in Expansion.members().items()]
each = pytest.mark.parametrize("expansion", EXPANSIONS, ids=lambda one: str(one.kind_of_class()))
SIZE, FAMILY, CHUNKS = 10, 4, 12
"""Each version has chunks of 10 characters, four to a parent."""


def hit(rank: int, version: int, ordinal: int) -> Hit:
    span = Span(SIZE * ordinal, SIZE * ordinal + SIZE)
    return Hit(
        rank=rank, document_id=f"d{version}", version_id=f"v{version}", ordinal=ordinal, span=span, tokens=3,
        score=1.0 / rank, stores={},
    )  # fmt: skip


@dataclass
class Planted:
    """Found chunks of versions with regular parents."""

    hits: Sequence[Hit]

    def parents(self) -> list[Span]:
        starts = [one.ordinal // FAMILY * FAMILY * SIZE for one in self.hits]
        return [Span(start, start + FAMILY * SIZE) for start in starts]

    def siblings(self) -> list[int]:
        return [FAMILY] * len(self.hits)

    def around(self, chunks: int) -> list[Span]:
        last = CHUNKS - 1
        return [
            Span(SIZE * max(0, one.ordinal - chunks), SIZE * (min(last, one.ordinal + chunks) + 1)) for one in self.hits
        ]


@st.composite
def found(draw: st.DrawFn) -> list[Hit]:
    places = st.tuples(st.integers(0, 2), st.integers(0, CHUNKS - 1))
    drawn = draw(st.lists(places, max_size=20, unique=True))
    return [hit(rank, version, ordinal) for rank, (version, ordinal) in enumerate(drawn, start=1)]


@each
@given(hits=found())
def test_a_span_holds_its_chunk_and_lies_in_the_version(expansion: Expansion, hits: list[Hit]) -> None:
    spans = expansion.widened(Planted(hits))
    assert len(spans) == len(hits)
    for one, span in zip(hits, spans, strict=True):
        assert span.start <= one.span.start
        assert one.span.end <= span.end <= CHUNKS * SIZE
    assert expansion.widened(Planted(hits)) == spans


@each
@given(hits=found())
def test_merged_it_sends_every_found_character_once_and_no_chunk_is_lost(expansion: Expansion, hits: list[Hit]) -> None:
    passages = merged(hits, expansion.widened(Planted(hits)))
    for version in {one.version_id for one in hits}:
        spans = [one.span for one in passages if one.version_id == version]
        assert sum(map(len, spans)) == sum(map(len, union(spans)))
        for one in (one for one in hits if one.version_id == version):
            assert sum(span.overlap(one.span) for span in spans) == len(one.span)
    named = [(one.version_id, chunk.ordinal) for one in passages for chunk in one.stands_for] + [
        (one.version_id, one.ordinal) for one in passages if not one.stands_for
    ]
    assert sorted(named) == sorted((one.version_id, one.ordinal) for one in hits)
    assert [one.rank for one in passages] == list(range(1, len(passages) + 1))
    scores = [one.score for one in passages]
    assert scores == sorted(scores, reverse=True)


@each
def test_nothing_found_gives_nothing(expansion: Expansion) -> None:
    assert expansion.widened(Planted([])) == []
    assert merged([], []) == []


@each
def test_no_setting_is_baked(expansion: Expansion) -> None:
    assert expansion.fingerprint == fingerprint_of({"kind": expansion.kind_of_class(), "revision": expansion.revision})


def setup_with(chunker: str, expansion: Part | None) -> SearchSetup:
    content = {"chunker": {"kind": chunker}, "stores": [{"kind": "bm25"}], "expansion": expansion}
    return SearchSetup.model_validate(content)


@pytest.mark.parametrize("kind", sorted(set(Chunker.members()) - {"late"}))
@pytest.mark.parametrize("expansion", [None, *EXPANSIONS], ids=str)
def test_parents_are_used_or_the_setup_is_refused(kind: str, expansion: Expansion | None) -> None:
    """No setting of a chunker that makes parents is ignored in silence, nor an expansion that would do nothing."""
    parents = Chunker.members()[kind].parents
    uses_parents = expansion is not None and expansion.kind_of_class() in ("parent", "auto_merge")
    try:
        setup = setup_with(kind, expansion)
    except ValidationError as refused:
        assert "take" in str(refused) or "add an expansion" in str(refused) or "leave" in str(refused)  # noqa: PT017  # either answer is right
        return
    assert uses_parents == (parents != "none")
    assert setup.recipe == setup_with(kind, expansion).recipe
