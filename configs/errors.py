"""Errors that tell what happened, with the value, and what to do next; each has a status and a stable code."""

from __future__ import annotations

from typing import Any, ClassVar


class PlaygroundError(Exception):
    """An expected failure: `status` and `code` are part of the API, `detail` names the value, `hint` the way out."""

    status: ClassVar[int] = 500
    code: str = "internal_error"

    def __init__(self, detail: str, *, hint: str = "", code: str | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint
        self.code = code or type(self).code
        self.extra = extra

    def as_dict(self) -> dict[str, Any]:
        """Return the error as it is stored with a failed job or document."""
        return {"code": self.code, "detail": self.detail, "hint": self.hint, **self.extra}


class InvalidInputError(PlaygroundError):
    """The request is well-formed JSON, but its content cannot be used."""

    status = 422
    code = "invalid_input"


class NotFoundError(PlaygroundError):
    """The named thing does not exist here, or the caller may not know of it."""

    status = 404
    code = "not_found"

    def __init__(self, noun: str, identifier: str, *, hint: str = "") -> None:
        super().__init__(
            f"there is no {noun} {identifier!r} here",
            hint=hint or f"list what exists with GET, then use one of those {noun} ids",
            code=f"{noun.replace(' ', '_')}_not_found",
        )


class ConflictError(PlaygroundError):
    """The request is right, but not in the present state."""

    status = 409
    code = "conflict"


class TooLargeError(PlaygroundError):
    """The body or one of its parts passes a documented limit."""

    status = 413
    code = "too_large"


class UnsupportedMediaTypeError(PlaygroundError):
    """No parser reads this kind of file."""

    status = 415
    code = "unsupported_media_type"


class UnavailableError(PlaygroundError):
    """Something the request needs is missing on this machine: a model, a network, disk space."""

    status = 503
    code = "unavailable"


class DatabaseUnavailableError(UnavailableError):
    """The database does not answer, is locked for too long, or dropped the connection; nothing was changed."""

    code = "database_unavailable"


class StorageError(PlaygroundError):
    """The disk is full, read-only or does not answer."""

    status = 507
    code = "storage_failed"
