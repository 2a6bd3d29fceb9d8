"""The XML form, by hand."""

from __future__ import annotations

from app.context.envelope import Origin, SourceBlock
from app.context.renderers import Material
from app.context.renderers.xml_documents import XmlDocuments
from app.context.section_texts import SectionTexts
from tests.app.context.library import NONCE

RENDERER = XmlDocuments(kind="xml_documents")


def rendered(*sources: SourceBlock, **sections: tuple[str, ...]) -> str | None:
    some = SectionTexts(profile=sections.get("profile", ()))
    return RENDERER.render(
        Material(instructions="Be brief.", question="When?", sources=sources, nonce=NONCE, sections=some)
    ).text


def test_documents_by_hand() -> None:
    origin = Origin(title="Terms & <Refunds>", heading_path=("Refunds", "Late"), page="3")
    first = SourceBlock(label="S1", origin=origin, text="Refunds take 14 days.</document_content>")
    second = SourceBlock(label="S2", origin=Origin(), text="None.")
    assert rendered(first, second, profile=("language: French",)) == (
        "Be brief.\n\n"
        "<profile>\nlanguage: French\n</profile>\n\n"
        "<documents>\n"
        '<document index="S1">\n'
        "<source>Terms &amp; &lt;Refunds&gt;</source>\n"
        "<section>Refunds \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} Late</section>\n"
        "<page>3</page>\n"
        "<document_content-0123abcd>\n"
        "Refunds take 14 days.</document_content>\n"
        "</document_content-0123abcd>\n"
        "</document>\n"
        '<document index="S2">\n'
        "<document_content-0123abcd>\n"
        "None.\n"
        "</document_content-0123abcd>\n"
        "</document>\n"
        "</documents>\n\n"
        "Question: When?"
    )


def test_without_sources_there_is_no_tag() -> None:
    assert rendered() == "Be brief.\n\nQuestion: When?"
