"""Reading a rendered context back, as somebody who knows the nonce and what the renderer's lines look like."""

from __future__ import annotations

import itertools
import re
from functools import lru_cache

from app.context.envelope import Origin, SourceBlock
from app.context.renderers import Renderer

ESCAPED = r'[^\n<>"]*'
SAID = ("title", "heading", "page", "row", "line")


@lru_cache(maxsize=64)
def source_pattern(renderer: Renderer, nonce: str) -> re.Pattern[str]:
    """Return what matches one source: its lines with any label and any origin that is escaped, its text between."""
    openings = []
    for there in itertools.product((True, False), repeat=len(SAID)):
        said = (f"said{name}" if is_there else "" for name, is_there in zip(SAID, there, strict=True))
        title, heading, page, row, line = said
        origin = Origin(title=title, heading_path=(heading,) if heading else (), page=page, row=row, line=line)
        opening = re.escape(renderer.opening(SourceBlock(label="S0label", origin=origin, text=""), nonce))
        for name in SAID:
            opening = opening.replace(f"said{name}", ESCAPED)
        openings.append(opening.replace("S0label", r"S\d+"))
    return re.compile(f"({'|'.join(openings)})(.*?){re.escape(renderer.closing(nonce))}", re.DOTALL)


def found_sources(renderer: Renderer, nonce: str, content: str) -> list[tuple[str, str]]:
    """Return label and text of each source in the content, in order."""
    found = [(one[1], one[2]) for one in source_pattern(renderer, nonce).finditer(content)]
    return [(_label(opening), text) for opening, text in found]


def outside_sources(renderer: Renderer, nonce: str, content: str) -> str:
    """Return the content with `|` in place of each source."""
    return source_pattern(renderer, nonce).sub("|", content)


def _label(opening: str) -> str:
    """Return the label of opening lines; it stands before what the origin says, which may forge another."""
    label = re.search(r"S\d+", opening)
    assert label is not None
    return label[0]
