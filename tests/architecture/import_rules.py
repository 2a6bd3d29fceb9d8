"""The rules about imports; each takes modules and returns one sentence per breach."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from tests.architecture.source_tree import Module, defines_member, family_packages, is_inside

LAYERS = (
    ("configs",),
    ("indexes",),
    ("ingest",),
    ("app.context", "app.accounts"),
    ("app.evaluation",),
    ("app.api",),
    ("app",),
)
"""From the lowest to the highest; packages of one layer do not import each other. What lies directly in `app` (main,
demo, command_line, migrations) wires the rest and is the highest."""

API_LAYER = 5

HOMES = {
    "fastapi": ("app.api", "app.main"),
    "fastapi_offline": ("app.api", "app.main"),
    "starlette": ("app.api", "app.main"),
    "faiss": ("indexes.stores",),
    "xberg": ("ingest.office.child",),
    "torch": ("ingest.embedders", "app.context.rerankers"),
    "transformers": ("ingest.embedders", "app.context.rerankers"),
    "sentence_transformers": ("ingest.embedders", "app.context.rerankers"),
}
"""Libraries that only these packages import."""

HEAVY = ("torch", "transformers", "sentence_transformers")
"""Libraries that are imported inside functions only, because loading them takes seconds."""


def place(name: str) -> tuple[int, str] | None:
    """Return the layer and the package of a dotted name, None for what is not the project's."""
    for layer, packages in enumerate(LAYERS):
        for package in packages:
            if is_inside(name, package):
                return layer, package
    return None


def against_the_direction(modules: Sequence[Module]) -> Iterator[str]:
    """Report imports of a higher layer, of a neighbour in the same layer, and any by `app/__init__.py`."""
    for module in modules:
        here = place(module.name)
        for item in module.imports():
            there = place(item.target)
            if here is None or there is None:
                continue
            if module.name == "app" or there[0] > here[0] or (there[0] == here[0] and there[1] != here[1]):
                yield f"{module.name}:{item.line} imports {item.target}"


def out_of_place(modules: Sequence[Module]) -> Iterator[str]:
    """Report libraries imported outside their homes, and heavy ones imported with their module."""
    for module in modules:
        for item in module.imports():
            library = item.target.partition(".")[0]
            homes = HOMES.get(library)
            if homes is None:
                continue
            if not any(is_inside(module.name, home) for home in homes):
                yield f"{module.name}:{item.line} imports {library}, which only {' and '.join(homes)} may"
            elif library in HEAVY and not item.in_function:
                yield f"{module.name}:{item.line} imports {library} outside a function"


def between_members(modules: Sequence[Module]) -> Iterator[str]:
    """Report members of a family that import a sibling; a module without a member may be shared."""
    members = {module.name for module in modules if defines_member(module)}
    for package in family_packages(list(modules)):
        family = [module for module in modules if module.package == package and module.name in members]
        for module in family:
            for item in module.imports():
                for sibling in family:
                    if sibling is not module and item.is_in(sibling.name):
                        yield f"{module.name}:{item.line} imports its sibling {sibling.name}"


def async_below_the_api(modules: Sequence[Module]) -> Iterator[str]:
    """Report coroutines in layers that know nothing of HTTP."""
    for module in modules:
        here = place(module.name)
        if here is None or here[0] >= API_LAYER:
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.AsyncFunctionDef):
                yield f"{module.name}:{node.lineno} defines async {node.name}"
