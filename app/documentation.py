"""The reference pages that are generated from the code: `python -m app.documentation` writes them into `docs`."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from app.api.routers.catalog import FAMILIES
from app.main import create_app
from configs.part import JsonObject, Part
from configs.settings import Settings
from ingest.model_registry import KnownModel, Sourced, known_models

APPLIES = {"bake_time": "baked", "live": "live"}

SETTINGS_PAGE = """\
# Settings

Every setting of the service, as a variable of its environment. This page is generated from `configs/settings.py`:
change that file, then run `make docs`.

"""

PARTS_PAGE = """\
# Parts

Every part that a strategy is made of, by family. A part is written as JSON: its `kind` and the settings that differ
from their defaults, as in `{"kind": "recursive", "size_tokens": 300}`. A *baked* setting goes into the index, so
changing it needs a new index; a *live* one acts at search time. This page is generated from the classes: change those,
then run `make docs`.
"""


MODELS_PAGE = """\
# Embedding models

What is known of some embedding models, each figure with where the model's authors or its provider state it. An empty
cell is unknown, or does not apply: nobody states a licence of weights that only a provider has. *Window* is what fits
beside the model's special tokens. *Shortened to* is the smallest `dimensions` that the authors speak of; a model
without one was not trained to be shortened. *Prefixes* are those of queries, then documents. Prices are list prices. A
strategy that leaves out what a model was trained with says so in its `advice`. This page is generated from
`configs/models.yaml`: change that file, then run `make docs`. [Embedders](embedders.md) says which to take.

"""


def members_of(family: type[Part]) -> dict[str, type[Part]]:
    """Return the members that live in the family's own package, by kind."""
    inside = f"{family.__module__}."
    return {kind: member for kind, member in family.members().items() if member.__module__.startswith(inside)}


def settings_page() -> str:
    """Return `docs/settings.md`: one table of every environment variable."""
    prefix = str(Settings.model_config["env_prefix"])
    rows = [
        (f"`{prefix}{name.upper()}`", _default(field), _values(field), field["description"])
        for name, field in Settings.model_json_schema()["properties"].items()
    ]
    return SETTINGS_PAGE + _table(("Variable", "Default", "Values", "Meaning"), rows)


def parts_page(of: Iterable[type[Part]]) -> str:
    """Return `docs/parts.md`: each family's promise, its members and their settings."""
    return PARTS_PAGE + "".join(_family_section(family) for family in of)


def models_page() -> str:
    """Return `docs/models.md`: what is known of each embedding model, then where each figure comes from."""
    head = ("Model", "Dimensions", "Shortened to", "Window", "Pooling", "Licence", "Prefixes", "USD per million tokens")
    rows = [
        (
            f"`{known.model}`" + (f" at {known.base_url}" if known.base_url else ""),
            _figure(known.dimensions),
            _figure(known.smallest_dimensions),
            _figure(known.window_tokens),
            _figure(known.pooling),
            _figure(known.licence),
            ", ".join(f"`{prefix.value}`" for prefix in (known.query_prefix, known.document_prefix) if prefix),
            _figure(known.usd_per_million_tokens),
        )
        for known in known_models()
    ]
    sections = "".join(_sources(known) for known in known_models())
    return f"{MODELS_PAGE}{_table(head, rows)}\n## Where the figures come from\n{sections}"


def _sources(known: KnownModel) -> str:
    figures = ((name, getattr(known, name)) for name in KnownModel.model_fields)
    lines = [f"- {name}: {figure.source}\n" for name, figure in figures if isinstance(figure, Sourced)]
    return f"\n### `{known.model}`\n\n{known.note}\n\n{''.join(lines)}"


def _figure(figure: Sourced[int] | Sourced[float] | Sourced[str] | None) -> str:
    if figure is None:
        return ""
    return f"{figure.value:,}" if isinstance(figure.value, int) else str(figure.value)


def _family_section(family: type[Part]) -> str:
    members = "".join(_member_section(kind, member) for kind, member in members_of(family).items())
    return f"\n## {family.__name__}\n\n{inspect.getdoc(family)}\n{members}"


def _member_section(kind: str, member: type[Part]) -> str:
    fields = {name: field for name, field in member.model_json_schema()["properties"].items() if name != "kind"}
    rows = [
        (f"`{name}`", _default(field), _values(field), APPLIES[field["applies"]], field["description"])
        for name, field in fields.items()
    ]
    head = f"\n### `{kind}`\n\n{inspect.getdoc(member)}\n\n"
    return head + (_table(("Setting", "Default", "Values", "Applies", "Meaning"), rows) if rows else "No settings.\n")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _default(field: JsonObject) -> str:
    value: Any = field.get("default", "required")
    if value is None or value == "":
        return "none" if value is None else "empty"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`" if "default" in field else "required"


def _values(field: JsonObject) -> str:
    """Return what a JSON schema permits in words; KeyError for a form that no setting has had so far."""
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "pattern" in field:
        return f"matches `{field['pattern']}`"
    if "discriminator" in field:
        return "one of " + ", ".join(f"`{kind}`" for kind in sorted(field["discriminator"]["mapping"]))
    if "anyOf" in field:
        return " or ".join(_values(choice) for choice in field["anyOf"])
    if field["type"] == "array":
        return f"list of {_values(field['items'])}"
    return _NAMES[field.get("format") or field["type"]] + _bounds(field)


_NAMES = {
    "boolean": "true or false",
    "integer": "integer",
    "null": "none",
    "number": "number",
    "password": "text",
    "path": "path",
    "string": "text",
}


def _bounds(field: JsonObject) -> str:
    words = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    return "".join(f", {sign} {field[key]:g}" for key, sign in words.items() if key in field)


def openapi_description() -> str:
    """Return `docs/openapi.json`: the description of the API, as every installation serves it."""
    description = create_app(Settings(root_path="", api_key=SecretStr(""))).openapi()
    return json.dumps(description, indent=1, ensure_ascii=False) + "\n"


def write_pages(folder: Path) -> None:
    """Write the pages and the API's description into the existing `folder`."""
    (folder / "settings.md").write_text(settings_page(), encoding="utf-8")
    (folder / "parts.md").write_text(parts_page(FAMILIES), encoding="utf-8")
    (folder / "models.md").write_text(models_page(), encoding="utf-8")
    (folder / "openapi.json").write_text(openapi_description(), encoding="utf-8")


if __name__ == "__main__":
    write_pages(Path("docs"))
