"""Requests whose JSON is strict."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from configs.strict_json import strict_json


class CheckedRequest(Request):
    """A request with strict JSON."""

    async def json(self) -> Any:
        """Return the body's JSON; raises as `strict_json` does."""
        return strict_json(await self.body(), "body")
