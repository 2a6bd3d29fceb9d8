"""One text in Markdown, as prompts that people read and edit are often written."""

from __future__ import annotations

from typing import Literal

from app.context.envelope import SourceBlock, described
from app.context.renderers import Material, Rendered, Renderer, one_text

NUMBERED = ("page", "row", "line")


class Markdown(Renderer):
    """One text in Markdown: a heading with the label for each source, `## Documents` and `## Question` around them.

    A document may hold any heading, fence or rule, so comments with a random word mark where each begins and ends;
    what is known of a user stands in tags, as everywhere. Pays where the rest of a prompt is Markdown, or where people
    read contexts; costs ten tokens a source more than `text`.
    """

    kind: Literal["markdown"]

    def render(self, material: Material) -> Rendered:
        """Return the model input as one text."""
        inside = self.framed(material.sources, material.nonce)
        documents = f"## Documents\n\n{inside}".removesuffix("\n") if inside else ""
        return one_text(material, documents, f"## Question\n\n{material.question}")

    def opening(self, source: SourceBlock, nonce: str) -> str:
        """Return the comment and the heading; what the origin says is escaped, in quotes, and cut to 200 characters."""
        told = described(source.origin)
        said = ", ".join(f'"{f"{name} " if name in NUMBERED else ""}{value}"' for name, value in told.items())
        return f"<!-- begin {nonce} -->\n### [{source.label}]{' ' if said else ''}{said}\n\n"

    def closing(self, nonce: str) -> str:
        """Return the comment behind a source's text."""
        return f"\n<!-- end {nonce} -->\n"
