"""Files and functions stay short, and names say what they hold."""

from __future__ import annotations

import ast
import re

import pytest

from tests.architecture.source_tree import PACKAGES, ROOT, Module, is_inside, read_modules

FILE_LINES = 300
FUNCTION_LINES = 40
VAGUE_NAMES = {"utils", "helpers", "core", "manager", "common", "base", "misc"}


@pytest.fixture(scope="module")
def modules() -> list[Module]:
    return read_modules((*PACKAGES, "tests"))


def long_functions(module: Module) -> list[str]:
    """Report functions over the limit; a revision of the database is one change, however many tables it has."""
    if is_inside(module.name, "app.migrations.versions"):
        return []
    return [
        f"{module.name}:{node.lineno} {node.name} has {length} lines"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    ]


def long_files(module: Module) -> list[str]:
    """Report a file over the limit; a revision of the database is one change, however many tables it has."""
    if module.lines <= FILE_LINES or is_inside(module.name, "app.migrations.versions"):
        return []
    return [f"{module.name} has {module.lines} lines"]


def vague_names(module: Module) -> list[str]:
    return [f"{module.name}: {part!r} says nothing" for part in module.name.split(".") if part in VAGUE_NAMES]


def test_no_file_is_too_long(modules: list[Module]) -> None:
    assert [report for module in modules for report in long_files(module)] == []


def test_every_function_fits_a_screen(modules: list[Module]) -> None:
    assert [report for module in modules for report in long_functions(module)] == []


def test_every_name_says_something(modules: list[Module]) -> None:
    assert [report for module in modules for report in vague_names(module)] == []


@pytest.mark.parametrize("extra_lines", [0, 1])
@pytest.mark.parametrize("head", ["def f():", "async def f():", "def f(\n):"])
def test_a_long_function_is_reported(head: str, extra_lines: int) -> None:
    lines = FUNCTION_LINES - len(head.splitlines()) + extra_lines
    module = Module.parse("indexes.search", head + "\n    x = 1" * lines)
    assert len(long_functions(module)) == extra_lines


@pytest.mark.parametrize(
    ("name", "lines", "reports"),
    [
        ("indexes.search", FILE_LINES, 0),
        ("indexes.search", FILE_LINES + 1, 1),
        ("app.migrations.env", FILE_LINES + 1, 1),
        ("app.migrations.versions.0001_first", FILE_LINES + 1, 0),
    ],
)
def test_a_long_file_is_reported(name: str, lines: int, reports: int) -> None:
    assert len(long_files(Module.parse(name, "x = 1\n" * lines))) == reports


@pytest.mark.parametrize(
    ("name", "reports"),
    [("app.utils", 1), ("app.base.core", 2), ("app.api.database", 0), ("tests.helpers.store", 1)],
)
def test_a_vague_name_is_reported(name: str, reports: int) -> None:
    assert len(vague_names(Module.parse(name, ""))) == reports


def test_every_exception_from_a_check_has_its_reason() -> None:
    bare = re.compile(r"# (type: ignore(\[[a-z, -]+\])?|noqa(: [A-Z0-9, ]+)?)\s*$")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for package in (*PACKAGES, "tests", "examples")
        for path in sorted((ROOT / package).rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if bare.search(line)
    ]
    assert found == []
