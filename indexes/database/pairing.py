"""Which database belongs to a data folder, for stores that keep vectors in it and are handed a location alone."""

from __future__ import annotations

import threading
from pathlib import Path

from configs.errors import UnavailableError
from indexes.database.engine import Database

_lock = threading.Lock()
_databases: dict[Path, Database] = {}


def pair(data_folder: Path, database: Database) -> None:
    """Let stores find `database` from every location below `data_folder`; a later pairing replaces an earlier one."""
    with _lock:
        _databases[data_folder.absolute()] = database


def part(data_folder: Path, database: Database) -> None:
    """End a pairing, unless another database has taken the folder since."""
    with _lock:
        if _databases.get(data_folder.absolute()) is database:
            del _databases[data_folder.absolute()]


def database_of(location: Path) -> Database:
    """Return the database of the data folder that holds `location`; raise UnavailableError where none is paired."""
    for folder in location.absolute().parents:
        database = _databases.get(folder)
        if database is not None:
            return database
    raise UnavailableError(
        f"no database is open for segment {location.parent.name!r}",
        hint="the service is stopping; try again once it runs",
        code="database_unavailable",
    )
