"""The text form, by hand."""

from __future__ import annotations

from app.context.envelope import Origin, SourceBlock
from app.context.renderers import Material
from app.context.renderers.plain_text import PlainText
from tests.app.context.library import NONCE

SOURCES = [
    SourceBlock(label="S1", origin=Origin(title="Handbook", page="2"), text="Refunds take 14 days."),
    SourceBlock(label="S2", origin=Origin(), text="Fees are kept."),
]


def written(instructions: str, sources: list[SourceBlock]) -> str | None:
    material = Material(instructions=instructions, question="When?", sources=sources, nonce=NONCE)
    return PlainText(kind="text").render(material).text


def test_a_whole_text_by_hand() -> None:
    assert written("Be brief.", SOURCES) == (
        "Be brief.\n\n"
        "<documents-0123abcd>\n"
        '<doc-0123abcd label="S1" source="Handbook" page="2">\n'
        "Refunds take 14 days.\n"
        "</doc-0123abcd>\n"
        '<doc-0123abcd label="S2">\n'
        "Fees are kept.\n"
        "</doc-0123abcd>\n"
        "</documents-0123abcd>\n\n"
        "Question: When?"
    )


def test_what_is_empty_leaves_no_gap() -> None:
    assert written("", []) == "Question: When?"
    assert written("Be brief.", []) == "Be brief.\n\nQuestion: When?"
    assert (written("", SOURCES) or "").startswith("<documents-0123abcd>\n")


def test_a_text_has_no_framing() -> None:
    material = Material(instructions="", question="When?", sources=[], nonce=NONCE)
    assert PlainText(kind="text").render(material).framing_tokens == 0
