"""Imports point one way, and each heavy library has one home."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest

from tests.architecture import import_rules
from tests.architecture.source_tree import Import, Module, family_packages, read_modules

Rule = Callable[[Sequence[Module]], Iterator[str]]
RULES: tuple[Rule, ...] = (
    import_rules.against_the_direction,
    import_rules.out_of_place,
    import_rules.between_members,
    import_rules.async_below_the_api,
)


@pytest.fixture(scope="module")
def modules() -> list[Module]:
    return read_modules()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.__name__))
def test_the_project_keeps_the_rule(rule: Rule, modules: list[Module]) -> None:
    assert list(rule(modules)) == []


def test_every_package_is_read(modules: list[Module]) -> None:
    names = {module.name for module in modules}
    assert {"app", "configs.part", "indexes.stores", "ingest.document"} <= names
    assert all(import_rules.place(name) is not None for name in names)


def test_the_families_are_found(modules: list[Module]) -> None:
    families = set(family_packages(modules))
    assert {"ingest.parsers", "ingest.chunkers", "ingest.embedders", "indexes.stores", "indexes.fusions"} <= families


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("configs.settings", "import indexes"),
        ("indexes.search", "from ingest.recipe import IndexRecipe"),
        ("indexes.search", "def late():\n    import ingest.recipe"),
        ("indexes.search", "if True:\n    from app.api import errors"),
        ("indexes.search", "import importlib\nimportlib.import_module('app.main')"),
        ("indexes.search", "__import__('ingest')"),
        ("ingest.pipeline", "from app import context"),
        ("app.context.retrieve", "from app.accounts import keys"),
        ("app.accounts.keys", "import app.context.strategy"),
        ("app.context.retrieve", "from ..evaluation import metrics"),
        ("app.context.packers.greedy", "from ...api import routers"),
        ("app.evaluation.report", "from app.api.errors import Problem"),
        ("app.api.searches", "from app.main import create_app"),
        ("app.api.searches", "from app import demo"),
        ("app", "from configs.settings import Settings"),
    ],
)
def test_an_import_against_the_direction_is_reported(name: str, source: str) -> None:
    module = Module.parse(name, source, is_package=name == "app")
    assert len(list(import_rules.against_the_direction([module]))) == 1


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("ingest.recipe", "from indexes.stores import Store\nfrom configs.part import Part\nimport ingest.document"),
        ("app.context.retrieve", "from . import strategy\nfrom .strategy import Strategy\nfrom ingest import recipe"),
        ("app.api.searches", "from app.accounts import keys\nfrom app.evaluation import metrics"),
        ("app.main", "from app.api import routers\nfrom app.demo import seed"),
        ("app.command_line", "import app.main\nimport ingestion_of_others\nimport json"),
        ("indexes.search", "import_module(name)\nprint('app.main')"),
    ],
)
def test_an_import_along_the_direction_is_not_reported(name: str, source: str) -> None:
    assert list(import_rules.against_the_direction([Module.parse(name, source)])) == []


@pytest.mark.parametrize(
    ("name", "source", "is_allowed"),
    [
        ("app.api.searches", "from fastapi import APIRouter", True),
        ("app.main", "import starlette.responses", True),
        ("app.command_line", "from fastapi import FastAPI", False),
        ("app.demo.seed", "def seed():\n    from starlette.testclient import TestClient", False),
        ("app.mainly", "import fastapi", False),
        ("indexes.stores.faiss_flat", "import faiss", True),
        ("indexes.search", "def late():\n    import faiss", False),
        ("ingest.embedders.sentence_transformer", "def load():\n    import torch", True),
        ("ingest.embedders.sentence_transformer", "class A:\n    def load(self):\n        import torch.nn", True),
        ("ingest.embedders.sentence_transformer", "import torch", False),
        ("ingest.embedders.sentence_transformer", "if TYPE_CHECKING:\n    from sentence_transformers import X", False),
        ("ingest.pipeline", "def load():\n    import transformers", False),
        ("app.context.rerankers.cross_encoder", "def load():\n    import sentence_transformers", True),
    ],
)
def test_a_library_stays_in_its_home(name: str, source: str, is_allowed: bool) -> None:
    reports = list(import_rules.out_of_place([Module.parse(name, source)]))
    assert len(reports) == (0 if is_allowed else 1)


MEMBER = "class One(Parser):\n    kind: Literal['one']\n"


@pytest.mark.parametrize(
    ("sibling_source", "import_line", "is_allowed"),
    [
        (MEMBER, "from ingest.parsers.sibling import One", False),
        (MEMBER, "from ingest.parsers import sibling", False),
        (MEMBER, "from .sibling import One", False),
        (MEMBER, "def late():\n    import ingest.parsers.sibling", False),
        (MEMBER, "from ingest.parsers import Parser", True),
        ("def rows(): ...", "from ingest.parsers.sibling import rows", True),
    ],
)
def test_members_of_a_family_do_not_know_each_other(sibling_source: str, import_line: str, is_allowed: bool) -> None:
    family = Module.parse("ingest.parsers", "import_members(__name__, __path__)", is_package=True)
    sibling = Module.parse("ingest.parsers.sibling", sibling_source)
    other = Module.parse("ingest.parsers.other", f"{import_line}\n{MEMBER}")
    reports = list(import_rules.between_members([family, other, sibling]))
    assert len(reports) == (0 if is_allowed else 1)


@pytest.mark.parametrize(
    ("name", "is_allowed"),
    [("app.api.jobs", True), ("app.main", True), ("app.context.retrieve", False), ("indexes.jobs", False)],
)
def test_coroutines_live_where_http_is_known(name: str, is_allowed: bool) -> None:
    module = Module.parse(name, "class A:\n    async def events(self): ...")
    assert len(list(import_rules.async_below_the_api([module]))) == (0 if is_allowed else 1)


def test_imports_are_read_with_line_and_depth() -> None:
    source = "import a.b as c, d\nfrom e import f\ndef g():\n    from . import h\n"
    assert Module.parse("pack.age.module", source).imports() == [
        Import(target="a.b", line=1, in_function=False),
        Import(target="d", line=1, in_function=False),
        Import(target="e.f", line=2, in_function=False),
        Import(target="pack.age.h", line=4, in_function=True),
    ]


@pytest.mark.parametrize(("is_package", "target"), [(True, "pack.age.x"), (False, "pack.x")])
def test_relative_imports_start_from_the_package(is_package: bool, target: str) -> None:
    module = Module.parse("pack.age", "from .x import *", is_package=is_package)
    assert [item.target for item in module.imports()] == [f"{target}.*"]
