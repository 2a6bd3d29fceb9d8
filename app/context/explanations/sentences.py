"""What the stages say, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.context.explanations.stages import ChunkWay, StoreStanding

NOT_INGESTED: Mapping[str, str] = {
    "unknown_document": "There is no such document here.",
    "no_ready_version": "No version of the document is ready yet.",
    "not_in_index": "The index that this strategy searches does not hold the document yet.",
    "text_gone": "The version that the index holds now no longer has this text.",
}


def tokens(count: int | float) -> str:
    """Return a number of tokens in words."""
    return f"{count:,} token{'' if count == 1 else 's'}"


def standings_said(way: ChunkWay) -> str:
    """Return where a chunk stands in each store's list."""
    return "; ".join(map(_standing_said, way.standings)) or "no list ranks it"


def fused_said(fused: StoreStanding | None) -> str:
    """Return where a chunk stands after fusion."""
    if fused is None or fused.rank is None:
        return "No store found it, so the fusion never saw it."
    taken = "within" if fused.is_taken else "beyond"
    return f"Rank {fused.rank} of {fused.of} after fusion by {fused.store}, {taken} the best {fused.taken}."


def steps_said(way: ChunkWay) -> str:
    """Return what search options did with a chunk."""
    parts = []
    for number, step in enumerate(way.steps):
        after = way.steps[number + 1].rank if number + 1 < len(way.steps) else way.rank
        before = "not found before" if step.rank is None else f"rank {step.rank} before"
        parts.append(f"{step.stage}: {before}, {after} after")
    return f"{'; '.join(parts)}." if parts else "Search options left it where it was."


def cut_said(ways: Sequence[ChunkWay]) -> str:
    """Return which chunk holds which part."""
    parts = [f"chunk {way.ordinal} holds [{way.held_start}, {way.held_end})" for way in ways[:5]]
    more = f" and {len(ways) - 5} more" if len(ways) > 5 else ""
    return f"No chunk holds all of it: {', '.join(parts)}{more}."


def duplicate_said(way: ChunkWay, winner: str) -> str:
    """Return what a chunk repeats; `winner` says which source holds that."""
    details = way.details
    how = {
        "exact_duplicate": "has the same text as",
        "span_overlap": f"shares {details.get('overlap', 0):.0%} of the shorter span with",
        "near_duplicate": f"differs in {details.get('distance', 0)} of 64 bits of its simhash from",
    }.get(str(way.reason), "repeats")
    return f"Candidate {way.rank} {how} candidate {details.get('of_rank')}, {winner}."


def left_out_said(way: ChunkWay, packer: str) -> str:
    """Return why the packer left a chunk out."""
    needed, left = way.details.get("needed_tokens", 0), way.details.get("left_tokens", 0)
    if way.reason == "budget" and needed > left:
        return f"It missed the budget by {tokens(needed - left)}: it needs {needed:,}, {left:,} were left."
    if way.reason == "source_cap" and needed > left:
        return f"Its document had used up its share: it needs {tokens(needed)}, {left:,} were left under the cap."
    return f"The packer {packer} left candidate {way.rank} out ({way.reason}): it needs {needed:,}, {left:,} were left."


def labels_said(labels: Sequence[str]) -> str:
    """Return sources in words."""
    return f"source {labels[0]}" if len(labels) == 1 else f"sources {', '.join(labels)}"


def _standing_said(one: StoreStanding) -> str:
    name = f"{one.signal} ({one.store})"
    if one.rank is None:
        return f"absent in {name}: it shares no term with the question"
    beyond = "" if one.is_taken else f", beyond the best {one.taken}"
    return f"rank {one.rank} of {one.of} in {name}{beyond}"
