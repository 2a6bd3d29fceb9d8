"""The database: one engine, and units of work that are declared `read` or `write`."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Connection, DateTime, Dialect, Engine, create_engine, event, make_url
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from configs.errors import StorageError, UnavailableError

BUSY_TIMEOUT_MILLISECONDS = 30_000
_STORAGE_ERRORS = {"disk is full": "disk_full", "readonly": "read_only_disk", "disk I/O": "storage_failed"}


class Base(DeclarativeBase):
    """Every table of the service, whichever module owns it."""


Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""A JSON column; None is SQL's NULL."""


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

    On SQLite a `write` unit begins with BEGIN IMMEDIATE, so that writers queue up at its start instead of failing at
    its end. No encoding, network call or file write happens inside one.
    """

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.engine = _create_engine(str(url))

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Yield a session that sees one consistent state; whatever it changes is rolled back."""
        with _translated(), self.engine.connect() as connection:
            session = Session(connection, expire_on_commit=False, autoflush=False)
            try:
                yield session
            finally:
                session.close()

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Yield a session whose changes are committed at the end, or not at all."""
        with _translated(), self.engine.connect() as connection:
            connection = connection.execution_options(unit_of_work="write")
            with connection.begin():
                session = Session(connection, expire_on_commit=False, join_transaction_mode="control_fully")
                try:
                    yield session
                    session.flush()
                finally:
                    session.expunge_all()

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def _create_engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, pool_size=16, hide_parameters=True)
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        pool_size=16,
        max_overflow=32,
        hide_parameters=True,  # an error names the statement, never what a person wrote
        connect_args={"timeout": BUSY_TIMEOUT_MILLISECONDS / 1000, "check_same_thread": False},
    )
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # pysqlite's own BEGIN would come too late; ours is in _begin_sqlite
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


def _begin_sqlite(connection: Connection) -> None:
    is_write = connection.get_execution_options().get("unit_of_work") == "write"
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_write else "BEGIN")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        message = str(error.orig)
        for sign, code in _STORAGE_ERRORS.items():
            if sign in message:
                raise StorageError(
                    f"the database could not be written: {message}",
                    hint="see that the disk of PLAYGROUND_DATA_FOLDER has space and may be written, then try again",
                    code=code,
                ) from error
        raise UnavailableError(
            "the database does not answer",
            hint="try again; if it persists, look at the service's log",
            code="database_unavailable",
        ) from error
