"""Whether the service may listen where its settings say."""

from __future__ import annotations

from app.accounts.keys import administrators_with_key
from app.installation import prepare
from configs.errors import InvalidInputError
from configs.settings import Settings
from indexes.database.engine import Database


def check_exposure(settings: Settings) -> None:
    """Raise InvalidInputError where other machines would reach the service before it has an administrator's key."""
    if settings.is_loopback or settings.api_key.get_secret_value() or _has_administrator(settings):
        return
    raise InvalidInputError(
        f"refusing to listen on {settings.host} without an API key of an administrator",
        hint="run `context-playground keys create --admin --name NAME` or set PLAYGROUND_API_KEY to a long random "
        "string, or listen on 127.0.0.1",
        code="api_key_required",
    )


def _has_administrator(settings: Settings) -> bool:
    prepare(settings)
    database = Database(settings.sqlalchemy_url)
    try:
        with database.read() as session:
            return bool(administrators_with_key(session))
    finally:
        database.close()
