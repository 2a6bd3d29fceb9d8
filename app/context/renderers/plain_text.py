"""One text, for a prompt of your own or a model without chat format."""

from __future__ import annotations

from typing import Literal

from app.context.envelope import enclosed
from app.context.renderers import Material, Rendered, Renderer
from app.context.section_texts import history_block, instructions_with, memories_block, profile_block


class PlainText(Renderer):
    """One section after the other, and the question in a last line that begins with `Question: `."""

    kind: Literal["text"]

    def render(self, material: Material) -> Rendered:
        """Return the model input as one text."""
        sections = material.sections
        parts = [
            instructions_with(material.instructions, sections),
            profile_block(sections.profile),
            history_block(sections.history),
            memories_block(sections.memories),
            enclosed(material.sources, material.nonce),
            f"Question: {material.question}",
        ]
        return Rendered(text="\n\n".join(part for part in parts if part))
