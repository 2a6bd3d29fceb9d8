"""Who sends a request, in the words that are kept with what the request changes."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from app.api.service import CurrentService


def caller_of(service: CurrentService) -> str:
    """Return the name of whoever sends the request: the holder of the key, or anybody on this machine."""
    return "holder of the API key" if service.settings.api_key.get_secret_value() else "this machine, without a key"


Caller = Annotated[str, Depends(caller_of)]
