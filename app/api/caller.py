"""Who sends a request, in the words that are kept with what the request changes."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from app.api.authentication import CurrentCaller


def name_of(caller: CurrentCaller) -> str:
    """Return the name of whoever sends the request: a member, the holder of a key, this machine."""
    return caller.name


CallerName = Annotated[str, Depends(name_of)]
