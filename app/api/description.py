"""What the OpenAPI description says beyond what FastAPI finds out by itself."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.routing import iter_route_contexts
from starlette._utils import get_route_path

MEDIA_TYPE = "application/problem+json"
NEEDS = {
    "caller": "a key, where the service has any",
    "viewer": "the role viewer in the workspace",
    "editor": "the role editor in the workspace",
    "admin": "the role admin in the workspace",
    "installation": "an administrator of the installation",
}
PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}


def extend_description(app: FastAPI, *, needs_key: bool) -> None:
    """Let the description name the media type of problems, and say that a service without a key asks for none."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            description = generate()
            for methods in description["paths"].values():
                for operation in methods.values():
                    _extend(operation, needs_key)
            app.openapi_schema = description
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the description


def _extend(operation: dict[str, Any], needs_key: bool) -> None:
    if required := operation.get("x-required-role"):
        operation["description"] += f"\n\nNeeds {NEEDS[required]}."
    for status, response in operation["responses"].items():
        if status in ("4XX", "5XX"):
            response["content"] = PROBLEM
    if not needs_key and "security" in operation:
        operation["security"] = [{}, *operation["security"]]


def methods_of(request: Request) -> list[str]:
    """Return the methods that the request's path has in the description, sorted; it need not be made for that."""
    path = get_route_path(request.scope)
    routes = (route for route in iter_route_contexts(request.app.routes) if route.methods and route.include_in_schema)
    return sorted({method for route in routes if route.path_regex.match(path) for method in route.methods or ()})
