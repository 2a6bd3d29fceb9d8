"""The stages of an explanation, out of the facts of a walk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.context.explanations import sentences
from app.context.explanations.asked import Asked
from app.context.explanations.chunk_ways import DUPLICATES, MAX_PER_SOURCE
from app.context.explanations.stages import STAGES, ChunkWay, Code, Stage, StageName, Verdict
from app.context.explanations.walk import Walk
from app.context.strategy import BaselineSetup, SearchSetup


def stages_of(walked: Walk, asked: Asked) -> list[Stage]:
    """Return every stage in order; none after the one that stopped the text is reached.

    A text in several chunks is told by the one that came furthest; where it is cut, each piece has a way of its own.
    """
    stages: list[Stage] = []
    for stage in [*_of_document(walked, asked), *_of_chunks(walked, asked)]:
        stages.append(stage)
        if stage.verdict == "stopped":
            break
    done = {stage.stage for stage in stages}
    rest = [_stage(name, "not_reached", "Not reached.") for name in STAGES if name not in done]
    return [*stages, *rest]


def _of_document(walked: Walk, asked: Asked) -> Iterator[Stage]:
    cause = walked.not_ingested
    if cause is not None:
        yield _stage("ingested", "stopped", sentences.NOT_INGESTED[cause], "not_ingested", cause=cause)
        return
    assert walked.place is not None
    yield _stage("ingested", "passed", "The document is ready and answers.", version_id=walked.place.version_id)
    if walked.is_permitted:
        yield _stage("permitted", "passed", "Whoever asked may read the document.")
    else:
        said = "Whoever asked may not read the document."
        yield _stage("permitted", "stopped", said, "not_permitted", principals=sorted(asked.request.principal.names))
    if asked.request.restriction is None or not asked.request.restriction.conditions:
        yield _stage("filtered", "not_applicable", "The request had no filter.")
    elif walked.failed_conditions:
        failed = list(walked.failed_conditions)
        said = f"The filter left the document out: {len(failed)} of its conditions did not hold."
        yield _stage("filtered", "stopped", said, "filtered_out", failed_conditions=failed)
    else:
        yield _stage("filtered", "passed", "The document passed the filter.")


def _of_chunks(walked: Walk, asked: Asked) -> Iterator[Stage]:
    if walked.place is None:
        return
    if walked.retrieves_nothing:
        yield _stage("chunked", "not_applicable", "The strategy cuts nothing.")
        yield _stage("ranked", "stopped", "The strategy sends no documents at all.", "nothing_retrieved")
        return
    yield _chunked(walked, asked)
    if not walked.ways:
        return
    way = walked.ways[0]
    yield from (_ranked(way, asked), _fused(way, asked), _options(way, asked))
    yield from (_unique(way, walked), _packed(way, walked, asked))


def _chunked(walked: Walk, asked: Asked) -> Stage:
    assert walked.place is not None
    dropped = [[span.start, span.end] for span in walked.dropped]
    if isinstance(asked.setup, BaselineSetup):
        return _stage("chunked", "not_applicable", "The strategy sends documents whole.")
    if not walked.ways:
        said = "The chunker left all of it out: no chunk holds any of it."
        return _stage("chunked", "stopped", said, "dropped_by_chunker", dropped=dropped)
    if dropped:
        said = f"The chunker left {len(dropped)} part{'' if len(dropped) == 1 else 's'} of it out."
        return _stage("chunked", "partly", said, "dropped_by_chunker", dropped=dropped)
    if walked.is_cut:
        pieces = sorted(walked.ways, key=lambda way: way.ordinal)
        parts = [
            {"ordinal": way.ordinal, "start": way.start, "end": way.end, "held": [way.held_start, way.held_end]}
            for way in pieces
        ]
        return _stage("chunked", "partly", sentences.cut_said(pieces), "cut_across_chunks", parts=parts)
    count = len(walked.ways)
    said = f"{count} chunk{' holds' if count == 1 else 's hold'} all of it."
    if walked.place.span is None:
        said = f"The document is cut into {count} chunk{'' if count == 1 else 's'}."
    return _stage("chunked", "passed", said, chunks=count)


def _ranked(way: ChunkWay, asked: Asked) -> Stage:
    if isinstance(asked.setup, BaselineSetup):
        if way.rank is not None:
            said = f"Documents are taken whole, oldest first; this is number {way.rank}."
            return _stage("ranked", "passed", said, rank=way.rank)
        said = "Documents are taken whole, oldest first; older ones filled what may be read before this one's turn."
        return _stage("ranked", "stopped", said, "beyond_candidates")
    said = f"Chunk {way.ordinal}: {sentences.standings_said(way)}."
    details: dict[str, Any] = {"ordinal": way.ordinal, "standings": [one.model_dump() for one in way.standings]}
    if any(one.is_taken for one in way.standings) or way.rank is not None:
        return _stage("ranked", "passed", said, **details)
    return _stage("ranked", "stopped", said, "beyond_candidates", **details)


def _fused(way: ChunkWay, asked: Asked) -> Stage:
    if not isinstance(asked.setup, SearchSetup) or asked.setup.fusion is None:
        return _stage("fused", "not_applicable", "There is one list, so nothing is fused.")
    details = way.fused.model_dump() if way.fused is not None else {}
    if way.stopped_by == "fused":
        return _stage("fused", "stopped", sentences.fused_said(way.fused), "lost_in_fusion", **details)
    return _stage("fused", "passed", sentences.fused_said(way.fused), **details)


def _options(way: ChunkWay, asked: Asked) -> Stage:
    if not isinstance(asked.setup, SearchSetup) or not asked.setup.has_options:
        return _stage("options", "not_applicable", "The strategy has no search options.")
    said = sentences.steps_said(way)
    details: dict[str, Any] = {"rank": way.rank, "steps": [one.model_dump() for one in way.steps]}
    if way.reason == MAX_PER_SOURCE and asked.setup.max_per_source is not None:
        cap = asked.setup.max_per_source
        source = "document" if cap.field is None else f"source, told by {cap.field},"
        enough = f"{said} Its {source} has {cap.hits} better hit{'' if cap.hits == 1 else 's'}, which is the most."
        return _stage("options", "stopped", enough, MAX_PER_SOURCE, **details)
    if way.stopped_by == "options":
        lost = f"All wordings of the question together rank it beyond the best {asked.setup.candidates}."
        return _stage("options", "stopped", lost, "lost_in_options", **details)
    return _stage("options", "passed", said, **details)


def _unique(way: ChunkWay, walked: Walk) -> Stage:
    if way.reason in DUPLICATES:
        rank = int(way.details.get("of_rank", 0))
        winner = walked.decisions.get(rank)
        details: dict[str, Any] = {"rank": way.rank, "reason": way.reason, **way.details}
        state = "which is not among the candidates"
        if winner is not None:
            hit = winner.hit
            details["winner"] = {
                "document_id": hit.document_id, "version_id": hit.version_id, "start": hit.span.start,
                "end": hit.span.end, "label": winner.label, "reason": winner.reason,
            }  # fmt: skip
            state = f"sent in {winner.label}" if winner.label else f"left out as well ({winner.reason})"
        said = sentences.duplicate_said(way, state)
        return _stage("unique", "passed" if walked.is_included else "stopped", said, way.reason, **details)
    if way.stopped_by is None and not walked.is_included and not (walked.is_cut and walked.labels):
        said = f"Chunk {way.ordinal} was trimmed, since a better candidate holds that part, which was left out."
        return _stage("unique", "stopped", said, "trimmed_away", rank=way.rank)
    return _stage("unique", "passed", "No better candidate says the same.", rank=way.rank)


def _packed(way: ChunkWay, walked: Walk, asked: Asked) -> Stage:
    packer = asked.policy.packer.kind_of_class()
    if walked.is_included:
        said = f"Sent in {sentences.labels_said(walked.labels)}."
        return _stage("packed", "passed", said, labels=list(walked.labels))
    if way.stopped_by is None:
        return _stage("packed", "partly", f"Sent in part, in {sentences.labels_said(walked.labels)}.")
    details: dict[str, Any] = {"rank": way.rank, "packer": packer, **way.details}
    if way.reason is None:
        return _stage("packed", "stopped", "It was found, and no decision on it was recorded.", "left_out", **details)
    details["missed_by_tokens"] = max(0, way.details.get("needed_tokens", 0) - way.details.get("left_tokens", 0))
    return _stage("packed", "stopped", sentences.left_out_said(way, packer), way.reason, **details)


def _stage(name: StageName, verdict: Verdict, sentence: str, code: Code | None = None, **details: Any) -> Stage:
    return Stage(stage=name, verdict=verdict, code=code, sentence=sentence, details=details)
