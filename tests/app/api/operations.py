"""The operations of the API as its OpenAPI description lists them, so that no test can forget a new one.

The description is read from the disk, which takes a hundredth of the time of making it; tests/app/api/test_openapi.py
compares the two.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from configs.part import JsonObject

DESCRIPTION = Path(__file__).parents[3] / "docs" / "openapi.json"
ORDER = ("get", "post", "put", "patch", "delete")


@lru_cache(maxsize=1)
def openapi() -> JsonObject:
    """Return the OpenAPI description; callers must not change it."""
    description: JsonObject = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    return description


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    description: Any

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @property
    def path_parameters(self) -> list[str]:
        """Return the names in braces, from left to right."""
        return re.findall(r"{(\w+)}", self.path)

    @property
    def bodies(self) -> Mapping[str, Any]:
        """Return what is said of the body by media type; nothing where there is none."""
        content: Mapping[str, Any] = self.description.get("requestBody", {}).get("content", {})
        return content

    def examples(self) -> dict[str, Any]:
        """Return the JSON examples by name."""
        examples = self.bodies.get("application/json", {}).get("examples", {})
        return {name: example["value"] for name, example in examples.items()}

    def url(self, **parameters: str) -> str:
        """Return the path with its parameters filled in."""
        return self.path.format(**parameters)


def operations() -> list[Operation]:
    """Return every operation, by path, then in the order GET, POST, PUT, PATCH, DELETE."""
    return [
        Operation(method=method, path=path, description=methods[method])
        for path, methods in openapi()["paths"].items()
        for method in ORDER
        if method in methods
    ]
