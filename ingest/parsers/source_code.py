"""Source code, in the languages that an extension names."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from configs.part import BAKE_TIME, JsonObject
from configs.span import Span
from ingest.document import Block, ParsedDocument
from ingest.parsers import Parser, Place, decode

Language = Literal[
    "", "bash", "c", "clojure", "cpp", "csharp", "css", "dart", "dockerfile", "elixir", "elm", "erlang", "go", "groovy",
    "haskell", "hcl", "ini", "java", "javascript", "julia", "kotlin", "latex", "lua", "make", "nix", "objc", "ocaml",
    "perl", "php", "powershell", "proto", "python", "r", "ruby", "rust", "scala", "scss", "solidity", "sql", "swift",
    "toml", "tsx", "typescript", "verilog", "vhdl", "vue", "xml", "yaml", "zig",
]  # fmt: skip

EXTENSIONS: dict[str, Language] = {
    ".bash": "bash", ".c": "c", ".cc": "cpp", ".cfg": "ini", ".cjs": "javascript", ".clj": "clojure", ".cpp": "cpp",
    ".cs": "csharp", ".css": "css", ".cxx": "cpp", ".dart": "dart", ".dockerfile": "dockerfile", ".elm": "elm",
    ".erl": "erlang", ".ex": "elixir", ".exs": "elixir", ".go": "go", ".gradle": "groovy", ".groovy": "groovy",
    ".h": "c", ".hh": "cpp", ".hpp": "cpp", ".hs": "haskell", ".ini": "ini", ".java": "java", ".jl": "julia",
    ".js": "javascript", ".jsx": "javascript", ".kt": "kotlin", ".kts": "kotlin", ".lua": "lua", ".m": "objc",
    ".mjs": "javascript", ".mk": "make", ".ml": "ocaml", ".nix": "nix", ".php": "php", ".pl": "perl", ".pm": "perl",
    ".proto": "proto", ".ps1": "powershell", ".py": "python", ".pyi": "python", ".r": "r", ".rb": "ruby",
    ".rs": "rust", ".scala": "scala", ".scss": "scss", ".sh": "bash", ".sol": "solidity", ".sql": "sql",
    ".swift": "swift", ".tex": "latex", ".tf": "hcl", ".toml": "toml", ".ts": "typescript", ".tsx": "tsx",
    ".v": "verilog", ".vhd": "vhdl", ".vue": "vue", ".xml": "xml", ".yaml": "yaml", ".yml": "yaml", ".zig": "zig",
    ".zsh": "bash",
}  # fmt: skip


class SourceCode(Parser):
    """A file of source code, kept as it is; the extension names its language, and citations name the line.

    The whole file is one block of code, labelled with the language, which the `code` chunker cuts by definitions.
    The other chunkers cut it as text. Lines are counted from 1 and end with a line feed. Files of a language that is
    not listed are refused: give them the extension `.txt` to have them read as text.
    """

    extensions: ClassVar[tuple[str, ...]] = tuple(EXTENSIONS)
    media_types: ClassVar[tuple[str, ...]] = ("text/x-source-code",)
    places: ClassVar[tuple[Place, ...]] = ("line",)

    kind: Literal["source_code"]
    language: Language = Field(
        "",
        description="language of the code, named by the file's extension; empty: unknown",
        json_schema_extra=BAKE_TIME,
    )

    @classmethod
    def settings_for(cls, extension: str) -> JsonObject:
        """Return the language that the extension names."""
        return {"language": EXTENSIONS.get(extension, "")}

    def parse(self, data: bytes) -> ParsedDocument:
        """Return the decoded file as one block of code, outer white space left out of the block."""
        text = decode(data)
        start, end = len(text) - len(text.lstrip()), len(text.rstrip())
        return ParsedDocument(text=text, blocks=(Block(kind="code", span=Span(start, end), label=self.language),))
