"""Grammars: languages by the names that code calls them, all at hand without a download."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ingest.grammars import ALIASES, GRAMMARS, grammar, known_language, parser
from tests.ingest.chunkers.sources import SOURCES


@pytest.mark.parametrize(
    ("label", "language"),
    [
        ("python", "python"), ("Py", "python"), (" JS ", "javascript"), ("C++", "cpp"), ("sh", "bash"), ("tsx", "tsx"),
        ("golang", "go"), ("", None), ("cobol", None), ("python 3", None), ("c#", None),
    ],
)  # fmt: skip
def test_a_label_names_a_language_or_none(label: str, language: str | None) -> None:
    assert known_language(label) == language


def test_every_alias_is_another_name_of_a_language_with_a_grammar() -> None:
    assert set(ALIASES.values()) <= set(GRAMMARS)
    assert not set(ALIASES) & set(GRAMMARS)
    assert all(name == name.strip().lower() for name in (*ALIASES, *GRAMMARS))


@pytest.mark.parametrize("language", GRAMMARS)
def test_every_grammar_reads_its_language(language: str) -> None:
    assert grammar(language) is grammar(language)
    root = parser(language).parse(SOURCES[language].text.encode()).root_node
    assert not root.has_error
    assert root.named_child_count >= 2


def test_every_grammar_is_a_pinned_package_under_the_mit_licence() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    wanted = {re.split("[<>=]", name)[0] for name in project["dependencies"]}
    pinned = {line.split("==")[0] for line in Path("constraints.txt").read_text().splitlines()}
    packages = {package.replace("_", "-") for package, _ in GRAMMARS.values()} | {"tree-sitter", "semchunk"}
    assert packages <= wanted & pinned
    for package in packages:
        metadata = importlib.metadata.metadata(package)
        said = [*(metadata.get_all("License") or []), *(metadata.get_all("License-Expression") or [])]
        assert "MIT" in " ".join([*said, *(metadata.get_all("Classifier") or [])])


def test_no_grammar_is_loaded_before_it_is_needed() -> None:
    loaded = "import sys, ingest.chunkers; sys.exit(any(name.startswith('tree_sitter_') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", loaded], check=False).returncode == 0
