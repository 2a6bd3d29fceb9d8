"""The database: one engine, and units of work that are declared `read` or `write`."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, URL, Connection, DateTime, Dialect, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from configs.errors import DatabaseUnavailableError, InvalidInputError, StorageError
from indexes.durable_files import PRIVATE_FOLDER, make_private_file

BUSY_TIMEOUT_MILLISECONDS = 30_000
IDLE_WRITER_MILLISECONDS = 8_000
"""PostgreSQL ends a write unit whose process was silent for so long (frozen, or its machine is gone): others wait for
it, and would be taken for dead themselves if it lasted longer than their signs of life may.
"""
CONNECT_SECONDS = 5
POOL_SECONDS = 10.0
"""So long a unit of work waits for one of the pool's connections."""
_NOT_SILENT = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""When a PostgreSQL that says nothing is given up, as libpq names it; the URL may name other values."""
WRITERS_LOCK = 0x706C6179
"""The advisory lock that the write units of a PostgreSQL database hold, one at a time."""
_STORAGE_ERRORS = {
    "disk is full": "disk_full",
    "No space left on device": "disk_full",
    "readonly": "read_only_disk",
    "read-only transaction": "read_only_disk",
    "disk I/O": "storage_failed",
    "could not write": "storage_failed",
}
_READ: dict[str, dict[str, Any]] = {"sqlite": {}, "postgresql": {"isolation_level": "REPEATABLE READ"}}
"""Options of the connections of read units; the driver's own BEGIN names the level."""
_BEGIN = {
    ("sqlite", "read"): "BEGIN",
    ("sqlite", "write"): "BEGIN IMMEDIATE",
    ("postgresql", "write"): (
        f"SELECT set_config('lock_timeout', '{BUSY_TIMEOUT_MILLISECONDS}', true),"
        f" set_config('idle_in_transaction_session_timeout', '{IDLE_WRITER_MILLISECONDS}', true),"
        f" pg_advisory_xact_lock({WRITERS_LOCK})"
    ),
}

Watch = Callable[[Session], Callable[[], None]]
"""Is called with a new session, and returns what to call before it commits."""


class Base(DeclarativeBase):
    """Every table of the service, whichever module owns it."""


Json = JSON(none_as_null=True)
"""A JSON column; None is SQL's NULL. Not JSONB on PostgreSQL: it reorders keys and makes 1e16 a whole number, and what
was rendered from a value must be rendered from it again, byte for byte.
"""


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in time, stored without a zone as UTC and handed out with one."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy's signature
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy's signature
        return None if value is None else value.replace(tzinfo=UTC)


def now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


def new_id(prefix: str) -> str:
    """Return a random identifier such as `doc_3f9c...` (96 bits)."""
    return f"{prefix}_{secrets.token_hex(12)}"


class Database:
    """Hands out units of work; one per request or job step, and nothing else commits.

    Write units follow one another, on PostgreSQL as on SQLite, so that what one has read is true when it commits:
    they queue up at their start (BEGIN IMMEDIATE; an advisory lock) instead of failing at their end. A read unit sees
    one state throughout and waits for nobody. No encoding, network call or file write happens inside a write unit.
    """

    def __init__(self, url: str, watchers: Sequence[Watch] = ()) -> None:
        """Open the database; each watcher sees the session of every write unit."""
        self.engine = _create_engine(_parsed(url))
        self.url = self.engine.url
        self._watchers = tuple(watchers)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Yield a session that sees one consistent state; whatever it changes is rolled back."""
        with database_errors(), self.engine.connect() as connection:
            connection = connection.execution_options(**_READ[self.engine.name])
            session = Session(connection, expire_on_commit=False, autoflush=False)
            try:
                yield session
            finally:
                session.close()

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Yield a session whose changes are committed at the end, or not at all."""
        with database_errors(), self.engine.connect() as connection:
            connection = connection.execution_options(unit_of_work="write")
            with connection.begin():
                session = Session(connection, expire_on_commit=False, join_transaction_mode="control_fully")
                before_commit = [watch(session) for watch in self._watchers]
                try:
                    yield session
                    session.flush()
                    for act in before_commit:
                        act()
                finally:
                    session.expunge_all()

    @contextmanager
    def apart(self) -> Iterator[Connection]:
        """Yield a connection whose changes are committed at the end, for what may take long and nobody else sees: on
        PostgreSQL it does not wait for write units, nor they for it.
        """
        with database_errors(), self.engine.connect() as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def _parsed(url: str) -> URL:
    """Return the URL with the driver that is installed; raise InvalidInputError for a database of another kind."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = URL.create("unreadable")
    backend = parsed.drivername.partition("+")[0]
    if backend not in ("sqlite", "postgresql"):
        raise InvalidInputError(
            f"the database URL begins with {parsed.drivername!r}: it names neither SQLite nor PostgreSQL",
            hint="set PLAYGROUND_DATABASE_URL to postgresql://user:password@host/database, or leave it empty",
            code="unknown_database",
        )
    return parsed if backend == "sqlite" else parsed.set(drivername="postgresql+psycopg")


def _create_engine(url: URL) -> Engine:
    options: dict[str, Any] = {"pool_size": 16, "max_overflow": 32, "pool_timeout": POOL_SECONDS}
    options["hide_parameters"] = True  # an error names the statement, never what a person wrote
    if url.get_backend_name() == "sqlite":
        if url.database:
            Path(url.database).parent.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
            make_private_file(Path(url.database))  # SQLite gives its other files the mode of this one
        connect = {"timeout": BUSY_TIMEOUT_MILLISECONDS / 1000, "check_same_thread": False}
        engine = create_engine(url, connect_args=connect, **options)
        event.listen(engine, "connect", _configure_sqlite)
    else:
        connect = {name: value for name, value in _NOT_SILENT.items() if name not in url.query}
        options |= {"connect_args": connect, "pool_pre_ping": True}
        engine = create_engine(url, isolation_level="READ COMMITTED", **options)
    event.listen(engine, "begin", _begin)
    return engine


def _configure_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # pysqlite's own BEGIN would come too late; ours is in _begin
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
        f"busy_timeout={BUSY_TIMEOUT_MILLISECONDS}",
        "temp_store=MEMORY",
        "cache_size=-32000",
        "mmap_size=268435456",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    unit = connection.get_execution_options().get("unit_of_work", "read")
    if (statement := _BEGIN.get((connection.dialect.name, unit))) is not None:
        connection.exec_driver_sql(statement)


@contextmanager
def database_errors() -> Iterator[None]:
    """Raise what a database says of itself as StorageError or DatabaseUnavailableError."""
    try:
        yield
    except (OperationalError, InternalError) as error:
        message = str(error.orig)
        for sign, code in _STORAGE_ERRORS.items():
            if sign in message:
                raise StorageError(
                    f"the database could not be written: {message}",
                    hint="see that the disk of PLAYGROUND_DATA_FOLDER has space and may be written, then try again",
                    code=code,
                ) from error
        if isinstance(error, InternalError) and not error.connection_invalidated:
            raise
        raise DatabaseUnavailableError(
            "the database does not answer", hint="try again; if it persists, look at the service's log"
        ) from error
    except PoolTimeoutError as error:
        raise DatabaseUnavailableError(
            f"no connection to the database became free within {POOL_SECONDS:g} seconds",
            hint="try again; if it persists, see whether the database answers",
        ) from error
