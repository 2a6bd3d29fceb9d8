"""One text with the documents in the XML form that Anthropic's guides to long prompts recommend."""

from __future__ import annotations

from typing import Literal

from app.context.envelope import SourceBlock, described
from app.context.renderers import Material, Rendered, Renderer, one_text


class XmlDocuments(Renderer):
    """One text with `<documents>`, in it a `<document index="S1">` with `<source>` and `<document_content>` for each
    source: the form that Claude's guides recommend and many models know.

    The index is the label to cite. The tags around each content carry a random word, since a document may hold any
    other tag; costs a dozen tokens a source more than `text`. Pays where a model follows these tags better; try both.
    """

    kind: Literal["xml_documents"]

    def render(self, material: Material) -> Rendered:
        """Return the model input as one text."""
        inside = self.framed(material.sources, material.nonce)
        documents = f"<documents>\n{inside}</documents>" if inside else ""
        return one_text(material, documents, f"Question: {material.question}")

    def opening(self, source: SourceBlock, nonce: str) -> str:
        """Return the tags in front of a source's text; what its origin says is escaped and cut to 200 characters."""
        lines = [f"<{tag}>{value}</{tag}>\n" for tag, value in described(source.origin).items()]
        return f'<document index="{source.label}">\n{"".join(lines)}<document_content-{nonce}>\n'

    def closing(self, nonce: str) -> str:
        """Return the tags behind a source's text."""
        return f"\n</document_content-{nonce}>\n</document>\n"
