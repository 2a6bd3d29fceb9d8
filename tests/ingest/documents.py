"""Documents with known blocks, put together from parts, and a tokenizer that makes one token of each byte."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from configs.span import Span
from ingest.document import Block, BlockKind, ParsedDocument

WORDS = [
    "the", "context", "Ünïcode", "e\u0301te\u0301", "zero\u200bwidth", "\u200b", "\u0301", "👩‍👩‍👧", "🎉", "漢字仮名",
    "สวัสดีครับ", "Dr.", "e.g.", "3.5", "x" * 40, "unbelievably", "#", "|", "\ufffd", "\u00ad", "[SEP]", "\u3000", "\x0c",
    "\t", "  ",
]  # fmt: skip
SENTENCE_ENDS = [". ", "? ", "! ", "; ", ", ", ".", "… "]


@dataclass(frozen=True)
class Part:
    """A stretch of a document; a heading's level is 1 to 6, and `kind` is None for prose."""

    source: str
    kind: BlockKind | None = None
    level: int = 0


def prose(source: str) -> Part:
    """Return a paragraph."""
    return Part(source)


def heading(level: int, label: str) -> Part:
    """Return a heading, in Markdown."""
    return Part(f"{'#' * level} {label}", "heading", level)


def table(rows: int) -> Part:
    """Return a table with a header and `rows` rows; each row has 8 tokens of WordPiece, the two lines above have 17."""
    header = "| name | size | price |\n|--|--|--|"
    return Part("\n".join([header, *(f"| row {number} | one | two |" for number in range(rows))]), "table")


def code(lines: int) -> Part:
    """Return fenced code with so many lines."""
    return Part("\n".join(["```python", *(f"call(argument)[{number}]" for number in range(lines)), "```"]), "code")


def definitions(count: int) -> Part:
    """Return a fenced class of Python, with so many methods and letters that take several bytes."""
    methods = (
        f'    def méthode_{number}(self, größe):\n        """Répond."""\n        return größe + {number}\n'
        for number in range(count)
    )
    return Part("\n".join(["```python", "class Étendue:", *methods, "```"]), "code")


def document_of(*parts: Part, newline: str = "\n", title: str = "") -> ParsedDocument:
    """Return the parts, separated by empty lines, as a document with a block for each that is not prose."""
    text, blocks = "", []
    for part in parts:
        source = part.source.replace("\n", newline)
        if part.kind is not None:
            span = Span(len(text), len(text) + len(source))
            label = {"heading": source.lstrip("# "), "code": "python"}.get(part.kind, "")
            blocks.append(Block(kind=part.kind, span=span, level=part.level, label=label))
        text += source + newline * 2
    return ParsedDocument(text=text, title=title, blocks=tuple(blocks))


def sentences() -> st.SearchStrategy[str]:
    """Draw a few sentences of odd words."""
    words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)
    sentence = st.tuples(words, st.sampled_from(SENTENCE_ENDS)).map("".join)
    return st.lists(sentence, min_size=1, max_size=5).map("".join)


def documents() -> st.SearchStrategy[ParsedDocument]:
    """Draw a document with headings, tables, code and prose, or a text of arbitrary characters without blocks."""
    labels = st.sampled_from(["Scope", "Étendue", "What it costs today", "A " * 30])
    part = st.one_of(
        sentences().map(prose),
        st.tuples(sentences(), st.integers(2, 30)).map(lambda drawn: prose(drawn[0] * drawn[1])),
        st.builds(heading, st.integers(1, 6), labels),
        st.builds(table, st.integers(1, 20)),
        st.builds(code, st.integers(1, 20)),
        st.builds(definitions, st.integers(1, 5)),
    )
    structured = st.builds(
        lambda parts, newline: document_of(*parts, newline=newline),
        st.lists(part, max_size=6),
        st.sampled_from(["\n", "\r\n"]),
    )
    arbitrary = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=200)
    return structured | arbitrary.map(lambda text: ParsedDocument(text=text))


def save_byte_tokenizer(folder: Path) -> str:
    """Save a tokenizer that makes one token of each UTF-8 byte, white space included, and return its name."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: number for number, letter in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(str(folder / "tokenizer.json"))
    return str(folder)
