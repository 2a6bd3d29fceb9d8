"""One text, for a prompt of your own or a model without chat format."""

from __future__ import annotations

from typing import Literal

from app.context.envelope import enclosed
from app.context.renderers import Material, Rendered, Renderer


class PlainText(Renderer):
    """Instructions, the envelope with the documents, and the question in a last line that begins with `Question: `."""

    kind: Literal["text"]

    def render(self, material: Material) -> Rendered:
        """Return the model input as one text."""
        parts = [material.instructions, enclosed(material.sources, material.nonce), f"Question: {material.question}"]
        return Rendered(text="\n\n".join(part for part in parts if part))
