"""One text, for a prompt of your own or a model without chat format."""

from __future__ import annotations

from typing import Literal

from app.context.envelope import enclosed
from app.context.renderers import Material, Rendered, Renderer, one_text


class PlainText(Renderer):
    """One section after the other, and the question in a last line that begins with `Question: `."""

    kind: Literal["text"]

    def render(self, material: Material) -> Rendered:
        """Return the model input as one text."""
        return one_text(material, enclosed(material.sources, material.nonce), f"Question: {material.question}")
