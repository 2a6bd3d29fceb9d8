"""What reading one Office file may cost, and whether this installation reads them at all."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

from configs.errors import UnsupportedMediaTypeError

LIBRARY = "xberg"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeLimits:
    """What the installation decides; see `configs.settings.Settings` for each. `seconds` are processor time."""

    memory_bytes: int = 500_000_000
    seconds: int = 10


_limits = OfficeLimits()


def configure(*, memory_bytes: int, seconds: int) -> None:
    """Set what `office_limits` returns in this process; called at start, before any file is read."""
    global _limits
    _limits = OfficeLimits(memory_bytes=memory_bytes, seconds=seconds)


def office_limits() -> OfficeLimits:
    """Return what was configured last."""
    return _limits


def require_office() -> None:
    """Raise UnsupportedMediaTypeError `office_not_installed` where the extra that reads Office files is missing."""
    if importlib.util.find_spec(LIBRARY) is None:
        raise UnsupportedMediaTypeError(
            "this installation does not read Office files, books and mail",
            hint="install the extra: pip install 'context-playground[office]', then start the service again; "
            "or save the file as PDF, HTML or text",
            code="office_not_installed",
        )
