"""The project as a whole: licence, pinned versions, nothing of one machine in it, and a light import."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.source_tree import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DEPENDENCIES = [*PROJECT["dependencies"], *chain(*PROJECT["optional-dependencies"].values())]
LINES = [
    line
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
PINNED = {line.partition("==")[0] for line in LINES}

UNREAD_FOLDERS = {".git", ".hypothesis", ".venv", "__pycache__", "build", "data", "dist"}
TEXT_SUFFIXES = {"", ".cfg", ".css", ".html", ".js", ".json", ".mako", ".md", ".py", ".toml", ".txt", ".yaml", ".yml"}

# One character of each pattern is a class of its own, so that this file does not match itself.
MACHINE_PATHS = re.compile(r"(?<![\w.~-])/(?:[w]ork|[h]ome|[r]oot|[U]sers)/\w|/[t]mp/\w|\b[C]:\\")
REGISTRY_HOSTS = re.compile(r"[p]ypi\.org|[p]ythonhosted\.org|[d]ownload\.pytorch\.org|[n]pmjs\.|[d]eb\.debian\.org")


@lru_cache
def text_files() -> dict[Path, str]:
    """Return the text of each file that people read or edit; hidden caches and data are left out."""
    texts = {}
    for name, folders, files in os.walk(ROOT):
        folders[:] = sorted(one for one in folders if one not in UNREAD_FOLDERS and not one.endswith("_cache"))
        paths = (Path(name, file) for file in sorted(files))
        texts.update({path: path.read_text(encoding="utf-8") for path in paths if path.suffix in TEXT_SUFFIXES})
    return texts


def closure(requirements: list[str]) -> Iterator[str]:
    """Yield the names of everything installed that the requirements need, themselves included."""
    waiting = [Requirement(line) for line in requirements]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement = waiting.pop()
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key in seen:
            continue
        seen.add(key)
        yield key[0]
        for line in importlib.metadata.requires(requirement.name) or []:
            inner = Requirement(line)
            extras = requirement.extras or {""}
            if inner.marker is None or any(inner.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(inner)


def test_the_licence_is_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert text.split()[:5] == ["Apache", "License", "Version", "2.0,", "January"]
    assert "END OF TERMS AND CONDITIONS" in text
    assert PROJECT["license"] == "Apache-2.0"
    assert set(PROJECT["license-files"]) == {"LICENSE", "NOTICE"}


def test_the_notice_names_the_licence_of_the_weights() -> None:
    notice = " ".join((ROOT / "NOTICE").read_text(encoding="utf-8").split())
    assert "all-MiniLM-L6-v2, unchanged. They are under the Apache License, Version 2.0." in notice


@pytest.mark.parametrize("line", LINES)
def test_each_constraint_is_one_public_version(line: str) -> None:
    assert re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line)


def test_constraints_are_sorted_and_name_nothing_twice() -> None:
    assert sorted(LINES, key=lambda line: line.partition("==")[0]) == LINES
    assert [name for name, count in Counter(line.partition("==")[0] for line in LINES).items() if count > 1] == []


def test_everything_an_installation_takes_is_pinned() -> None:
    assert set(closure(DEPENDENCIES)) - PINNED == set()


def test_nothing_is_pinned_that_no_installation_takes() -> None:
    assert PINNED - set(closure(DEPENDENCIES)) == set()


def test_torch_is_the_version_with_a_cpu_build() -> None:
    assert "torch==2.13.0" in LINES


@pytest.mark.parametrize("pattern", [MACHINE_PATHS, REGISTRY_HOSTS], ids=["machine paths", "registry hosts"])
def test_nothing_of_one_machine_is_in_the_project(pattern: re.Pattern[str]) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path, text in text_files().items()
        if pattern.search(text)
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("text", "is_of_one_machine"),
    [
        ("open('/" + "work/main/a')", True),
        ("cd /" + "home/ann", True),
        ("--target=/" + "tmp/x", True),
        ("C:" + "\\Users", True),
        ("https://example.org/home/page", False),
        ("tmpfs: [/tmp]", False),
        ("../published/data and docs/home/page", False),
    ],
)
def test_a_path_of_one_machine_is_recognised(text: str, is_of_one_machine: bool) -> None:
    assert bool(MACHINE_PATHS.search(text)) is is_of_one_machine


def test_the_files_that_people_edit_are_read() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in text_files()}
    assert {"Makefile", "Dockerfile", "pyproject.toml", ".ci/run", "tests/architecture/test_project.py"} <= names


def test_importing_loads_no_heavy_library() -> None:
    """One process imports each after those below it, so the first line that names a library tells who loads it."""
    modules = ("configs.settings", "indexes.search", "ingest.pipeline", "app.main")
    heavy = "sorted({'torch', 'faiss', 'sentence_transformers', 'scipy.optimize', 'scipy.stats'} & set(sys.modules))"
    code = "\n".join(["import sys", *(f"import {module}; print('{module}', {heavy})" for module in modules)])
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [f"{module} []" for module in modules]
