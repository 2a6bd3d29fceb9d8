"""Programming languages whose syntax is known: grammars that come with wheels, so that nothing is downloaded."""

from __future__ import annotations

import importlib
from functools import lru_cache

from tree_sitter import Language, Parser

GRAMMARS = {
    "bash": ("tree_sitter_bash", "language"),
    "c": ("tree_sitter_c", "language"),
    "cpp": ("tree_sitter_cpp", "language"),
    "go": ("tree_sitter_go", "language"),
    "java": ("tree_sitter_java", "language"),
    "javascript": ("tree_sitter_javascript", "language"),
    "php": ("tree_sitter_php", "language_php"),
    "python": ("tree_sitter_python", "language"),
    "ruby": ("tree_sitter_ruby", "language"),
    "rust": ("tree_sitter_rust", "language"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
}
"""The package of each language, and the function in it that gives the grammar.

C# is missing: its grammar (0.23.5) takes all memory on 16 kB of `<a<a<a`.
"""

ALIASES = {
    "c++": "cpp", "cc": "cpp", "cjs": "javascript", "golang": "go", "h": "c", "hpp": "cpp", "js": "javascript",
    "jsx": "javascript", "mjs": "javascript", "py": "python", "py3": "python", "python3": "python", "rb": "ruby",
    "rs": "rust", "sh": "bash", "shell": "bash", "ts": "typescript", "zsh": "bash",
}  # fmt: skip
"""Other names under which code calls its language."""


def known_language(label: str) -> str | None:
    """Return the language that a code block's label names, in whatever letter case; None for one without a grammar."""
    name = label.strip().lower()
    name = ALIASES.get(name, name)
    return name if name in GRAMMARS else None


@lru_cache(maxsize=len(GRAMMARS))
def grammar(language: str) -> Language:
    """Return the grammar of a known language, loaded once a process."""
    package, function = GRAMMARS[language]
    return Language(getattr(importlib.import_module(package), function)())


def parser(language: str) -> Parser:
    """Return a parser of a known language; one parser serves one thread."""
    return Parser(grammar(language))
