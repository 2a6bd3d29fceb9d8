"""The envelope around untrusted text: delimiters with a nonce that no text inside can know."""

from __future__ import annotations

import html
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

NONCE = re.compile(r"[0-9a-z]{8,64}")
NONCE_BYTES = 4
"""Short, since every delimiter pays for it. Guessing is hopeless all the same: a nonce that occurs in what it encloses
is drawn again."""

MAX_DRAWS = 100
ATTRIBUTE_CHARACTERS = 200
SECTION_SEPARATOR = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a text comes from, as readers are told: untrusted like the text itself. Empty where there is none."""

    title: str = ""
    heading_path: tuple[str, ...] = ()
    page: str = ""
    row: str = ""
    line: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceBlock:
    """A text to be rendered with the label that citations use, `S1`, `S2` and so on."""

    label: str
    origin: Origin
    text: str


def new_nonce() -> str:
    """Return eight random hex digits."""
    return secrets.token_hex(NONCE_BYTES)


def occurs(nonce: str, texts: Iterable[str]) -> bool:
    """Tell whether the nonce stands in any of the texts, in whatever letter case."""
    return any(nonce in text.lower() for text in texts)


def absent_nonce(nonce: str, draw: Callable[[], str], texts: Iterable[str]) -> str:
    """Return `nonce`, or the first one drawn that stands in none of the texts.

    Raises ValueError for a nonce that is not 8 to 64 of 0-9 and a-z, and after a hundred useless draws.
    """
    texts = list(texts)
    for _ in range(MAX_DRAWS):
        if not NONCE.fullmatch(nonce):
            raise ValueError(f"a nonce is 8 to 64 of 0-9 and a-z, got {nonce!r}")
        if not occurs(nonce, texts):
            return nonce
        nonce = draw()
    raise ValueError(f"{MAX_DRAWS} nonces in a row occur in the texts they should enclose; draw them at random")


def texts_of(source: SourceBlock) -> list[str]:
    """Return every untrusted text of the source."""
    origin = source.origin
    return [source.text, origin.title, *origin.heading_path, origin.page, origin.row, origin.line]


def opening(source: SourceBlock, nonce: str) -> str:
    """Return the line in front of a source's text; what its origin says is escaped and cut to 200 characters."""
    return f'<doc-{nonce} label="{source.label}"{attributes(source.origin)}>\n'


def closing(nonce: str) -> str:
    """Return the line behind a source's text."""
    return f"\n</doc-{nonce}>\n"


def enclosed(sources: Iterable[SourceBlock], nonce: str) -> str:
    """Return the sources inside their envelope, each text as it is; "" where there is none."""
    inside = "".join(opening(source, nonce) + source.text + closing(nonce) for source in sources)
    return f"<documents-{nonce}>\n{inside}</documents-{nonce}>" if inside else ""


def described(origin: Origin) -> dict[str, str]:
    """Return what readers are told of the origin, by name: escaped, and without what is empty."""
    told = {
        "source": origin.title,
        "section": SECTION_SEPARATOR.join(origin.heading_path),
        "page": origin.page,
        "row": origin.row,
        "line": origin.line,
    }
    return {name: escaped(value) for name, value in told.items() if value.strip()}


@lru_cache(maxsize=1024)
def attributes(origin: Origin) -> str:
    """Return what an opening line says of the origin, remembered."""
    return "".join(f' {name}="{value}"' for name, value in described(origin).items())


def escaped(value: str) -> str:
    """Return what an origin says in one line of at most 200 characters, without markup: no tag, no quotation mark."""
    value = " ".join(value.split())
    if len(value) > ATTRIBUTE_CHARACTERS:
        value = value[: ATTRIBUTE_CHARACTERS - 1] + "…"
    return html.escape(value)
