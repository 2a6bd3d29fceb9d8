"""The project's Python files as syntax trees, with every import in them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("app", "configs", "indexes", "ingest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One imported name as an absolute dotted path; `from a import b` gives `a.b`, whether b is a module or not."""

    target: str
    line: int
    in_function: bool

    def is_in(self, package: str) -> bool:
        """Tell whether the import reaches into `package`."""
        return is_inside(self.target, package)


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One Python file: its dotted name, its syntax tree and its number of lines."""

    name: str
    is_package: bool
    tree: ast.Module
    lines: int

    @classmethod
    def parse(cls, name: str, source: str, *, is_package: bool = False) -> Module:
        """Return the module that `source` makes."""
        return cls(name=name, is_package=is_package, tree=ast.parse(source), lines=len(source.splitlines()))

    @property
    def package(self) -> str:
        """Return the package that relative imports start from."""
        return self.name if self.is_package else self.name.rpartition(".")[0]

    def imports(self) -> list[Import]:
        """Return every import by line: nested ones, relative ones, and `import_module` with a literal name."""
        found = [
            Import(target=target, line=line, in_function=in_function)
            for node, in_function in _walk(self.tree, in_function=False)
            for target, line in self._targets(node)
        ]
        return sorted(found, key=lambda item: (item.line, item.target))

    def _targets(self, node: ast.AST) -> Iterator[tuple[str, int]]:
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = self._origin(node)
            yield from ((f"{origin}.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = ast.unparse(node.func).rpartition(".")[2]
            if called in {"import_module", "__import__"}:
                yield str(node.args[0].value), node.lineno

    def _origin(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.package.split(".")
        above = parts[: len(parts) - (node.level - 1)]
        return ".".join([*above, node.module] if node.module else above)


def _walk(node: ast.AST, *, in_function: bool) -> Iterator[tuple[ast.AST, bool]]:
    inside = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    for child in ast.iter_child_nodes(node):
        yield child, inside
        yield from _walk(child, in_function=inside)


def is_inside(name: str, package: str) -> bool:
    """Tell whether the dotted `name` is `package` or lies in it."""
    return name == package or name.startswith(f"{package}.")


def read_modules(folders: tuple[str, ...] = PACKAGES, root: Path = ROOT) -> list[Module]:
    """Return every Python file below the folders of `root`, sorted by name; those of the project are read once."""
    return [module for folder in sorted(folders) for module in _read_folder(folder, root)]


@lru_cache
def _read_folder(folder: str, root: Path) -> tuple[Module, ...]:
    modules = []
    for path in sorted((root / folder).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        modules.append(Module.parse(name, path.read_text(encoding="utf-8"), is_package=is_package))
    return tuple(modules)


def family_packages(modules: list[Module]) -> list[str]:
    """Return the packages that hold a family: those whose `__init__.py` calls `import_members`."""
    return [
        module.name
        for module in modules
        if module.is_package
        and any(
            isinstance(node, ast.Call) and ast.unparse(node.func) == "import_members" for node in ast.walk(module.tree)
        )
    ]


def defines_member(module: Module) -> bool:
    """Tell whether the module has a class with `kind: Literal[...]`, which makes it a member of a family."""
    return any(
        isinstance(line, ast.AnnAssign)
        and ast.unparse(line.target) == "kind"
        and ast.unparse(line.annotation).startswith("Literal[")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
        for line in node.body
    )
