"""The examples of an OpenAPI description as requests, as Swagger UI would send them."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

ORDER = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class ExampleRequest:
    """One request: method, path with its parameters filled in, JSON body or None."""

    method: str
    path: str
    body: Any


def example_requests(openapi: dict[str, Any]) -> Iterator[ExampleRequest]:
    """Yield every example of every operation once, methods in ORDER; multipart operations are left out.

    Raises AssertionError where a required parameter or a JSON body has no example.
    """
    for method in ORDER:
        for path, operations in openapi["paths"].items():
            if method in operations:
                yield from _of_operation(method, path, operations[method])


def _of_operation(method: str, path: str, operation: dict[str, Any]) -> Iterator[ExampleRequest]:
    query: list[tuple[str, str]] = []
    for parameter in operation.get("parameters", []):
        values = _examples(parameter)
        assert values or not parameter.get("required"), f"{method} {path}: no example for {parameter['name']}"
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", urllib.parse.quote(str(values[0]), safe=""))
        elif parameter["in"] == "query" and values:
            query.append((parameter["name"], str(values[0])))
    if query:
        path = f"{path}?{urllib.parse.urlencode(query)}"
    content = operation.get("requestBody", {}).get("content", {})
    if not content:
        yield ExampleRequest(method.upper(), path, None)
    elif "application/json" in content:
        bodies = _examples(content["application/json"])
        assert bodies, f"{method} {path}: no example of the body"
        for body in bodies:
            yield ExampleRequest(method.upper(), path, body)


def _examples(node: dict[str, Any]) -> list[Any]:
    return [example["value"] for example in node.get("examples", {}).values()]
