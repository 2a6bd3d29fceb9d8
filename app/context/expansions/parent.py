"""Parents in the place of their children."""

from __future__ import annotations

from typing import Literal

from app.context.expansions import Expansion, FoundChunks
from configs.span import Span
from ingest.chunkers import Chunker


class Parent(Expansion):
    """Send the parent of each found chunk: the window of a found sentence, the large chunk around a found small one.

    For the chunkers `sentence_window` and `parent_child`. Costs tokens: fewer, longer passages fill the budget.
    """

    kind: Literal["parent"]

    def check_chunker(self, chunker: Chunker) -> None:
        """Refuse chunkers that make no parents."""
        if chunker.parents == "none":
            raise ValueError(
                f"the chunks of {chunker.kind_of_class()} have no parents to send in their place; "
                "take the chunker sentence_window or parent_child, or the expansion neighbours"
            )

    def widened(self, found: FoundChunks) -> list[Span]:
        """Return the parents."""
        return found.parents()
