"""How fast the structural chunkers cut, tokens counted anew, beside `recursive` on the same text."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from configs.span import Span
from ingest.chunkers import Chunker
from ingest.document import Block, ParsedDocument
from ingest.parsers import parser_for
from ingest.tokenizers import TokenizerTools, known_words
from tests.benchmarks.timing import Row

REPETITIONS = 3
BYTES = 1_000_000
MEGABYTES_PER_SECOND = 1.0
PACKAGES = ("app", "configs", "indexes", "ingest", "tests")
STRUCTURAL = ("fixed", "recursive", "heading", "sentence", "table", "code")


def chunking(texts: Sequence[str]) -> list[Row]:
    """Return the speed of each structural chunker on what it is meant for: prose, a long table, source code."""
    documents = {"table": long_table(), "code": source_code()}
    prose = ParsedDocument(text="\n\n".join(texts).encode()[:BYTES].decode(errors="ignore"))
    rows = []
    for kind in STRUCTURAL:
        document = documents.get(kind, prose)
        speeds, ratios = [], []
        for _ in range(REPETITIONS):
            own, recursive = (cutting_seconds(one, document) for one in (kind, "recursive"))
            speeds.append(len(document.text.encode()) / own / 1e6)
            ratios.append(recursive / own)
        speed, ratio = statistics.median(speeds), statistics.median(ratios)
        said = f"{speed:.2f} MB/s, {ratio:.2f}x recursive"
        rows.append(Row(f"chunking: {kind}, one core", said, ">= 1 MB/s", speed >= MEGABYTES_PER_SECOND))
    return rows


def cutting_seconds(kind: str, document: ParsedDocument) -> float:
    """Return the processor time of cutting the document once, which another program on the machine leaves alone.

    No word of it is known yet: a service that has read other documents is faster.
    """
    chunker = Chunker.members()[kind].model_validate({"kind": kind})
    known_words.cache_clear()
    begin = time.process_time()
    for _ in chunker.split(document, TokenizerTools(chunker.tokenizer)):
        pass
    return time.process_time() - begin


def long_table() -> ParsedDocument:
    """Return a Markdown table of a million bytes."""
    rows = (
        f"| customer number {number} | pays {number % 97} euros a month | since May |\n" for number in range(18_000)
    )
    return parser_for("a.md").parse(f"| who | what | when |\n| --- | --- | --- |\n{''.join(rows)}".encode()[:BYTES])


def source_code() -> ParsedDocument:
    """Return a million bytes of this project's own Python."""
    root = Path(__file__).parents[2]
    files = sorted(file for name in PACKAGES for file in (root / name).rglob("*.py"))
    text = "\n\n".join(file.read_text(encoding="utf-8") for file in files).encode()[:BYTES].decode(errors="ignore")
    return ParsedDocument(text=text, blocks=(Block(kind="code", span=Span(0, len(text)), label="python"),))
