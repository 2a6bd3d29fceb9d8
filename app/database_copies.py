"""A copy of the database as of one moment, and the files that it names; of PostgreSQL by `pg_dump`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import make_url, text
from sqlalchemy.orm import Session

from app.backup_manifest import DUMP_NAME, SQLITE_NAME, PostgresqlVersions
from app.postgresql_programs import find_program, server_version
from configs.errors import NotFoundError, StorageError
from configs.settings import Settings
from indexes.database.engine import Database
from indexes.vector_tables import SCHEMA, table_name

LOCK_SECONDS = 30.0
DUMP_ATTEMPTS = 3
DUMP_OPTIONS = (
    "--format=custom",
    "--compress=1",
    "--no-owner",
    "--no-privileges",
    "--no-comments",
    f"--lock-wait-timeout={LOCK_SECONDS:.0f}s",
)
"""Nothing in the dump names a role, so that it can be restored under another one."""
REVISION = "SELECT version_num FROM alembic_version"
UPLOADS = "SELECT DISTINCT workspace_id, source_sha256 FROM versions ORDER BY workspace_id, source_sha256"
SEGMENTS = "SELECT index_id, id, checksums FROM segments WHERE state = 'live' ORDER BY index_id, id"
VECTOR_TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = to_regnamespace(:schema)"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedSegment:
    """A segment in use, with the checksum of each of its files."""

    index_id: str
    id: str
    checksums: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedDatabase:
    """The file of the copy, and what its rows name: uploads as (workspace, SHA-256), and segments in use."""

    path: Path
    schema_revision: str
    uploads: Sequence[tuple[str, str]]
    segments: Sequence[NamedSegment]
    postgresql: PostgresqlVersions | None = None


def is_postgresql(settings: Settings) -> bool:
    """Tell whether the database is PostgreSQL."""
    return make_url(settings.sqlalchemy_url).get_backend_name() == "postgresql"


def sqlite_path(settings: Settings) -> Path:
    """Return the file of a SQLite database."""
    return Path(make_url(settings.sqlalchemy_url).database or "")


def copy_database(settings: Settings, folder: Path) -> CopiedDatabase:
    """Copy the database into a folder while others read and write it.

    Raises NotFoundError where there is nothing to copy, StorageError `database_not_copied`, and what `find_program`
    raises.
    """
    if not is_postgresql(settings):
        return _copy_sqlite(sqlite_path(settings), folder / SQLITE_NAME)
    database = Database(settings.sqlalchemy_url)
    try:
        return _dump(database, folder / DUMP_NAME)
    finally:
        database.close()


def _copy_sqlite(source: Path, copy: Path) -> CopiedDatabase:
    """Copy without what was deleted, and compare the copy with itself."""
    if not source.is_file():
        raise _no_database(str(source))
    try:
        with closing(sqlite3.connect(source, timeout=LOCK_SECONDS, isolation_level=None)) as connection:
            connection.execute("VACUUM INTO ?", (str(copy),))
        with closing(sqlite3.connect(copy)) as connection:
            (said,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            if said != "ok":
                raise sqlite3.DatabaseError(said)
            (revision,) = connection.execute(REVISION).fetchone()
            return CopiedDatabase(
                path=copy,
                schema_revision=revision,
                uploads=connection.execute(UPLOADS).fetchall(),
                segments=_segments(
                    (index_id, segment_id, json.loads(checksums))
                    for index_id, segment_id, checksums in connection.execute(SEGMENTS)
                ),
            )
    except sqlite3.DatabaseError as error:
        hint = "see that the disk has space, then run `context-playground verify`"
        raise _not_copied(str(error), hint) from error


def _dump(database: Database, copy: Path) -> CopiedDatabase:
    """Dump what one read unit sees. A table of vectors that is dropped before `pg_dump` has locked it, as erasing does,
    ends it; then it begins anew.
    """
    for _ in range(DUMP_ATTEMPTS):
        with database.read() as session:
            copied = _seen(session, copy, str(database.url.database))
            named = {table_name(one.index_id, one.id) for one in copied.segments}
            tables = _vector_tables(session)
            session.execute(text("SELECT set_config('idle_in_transaction_session_timeout', '0', true)"))
            ended = find_program("pg_dump", server_version(session)).run(
                database,
                f"--snapshot={session.execute(text('SELECT pg_export_snapshot()')).scalar_one()}",
                *DUMP_OPTIONS,
                *(f"--exclude-table={SCHEMA}.{name}" for name in sorted(tables - named)),
                f"--file={copy}",
            )
        if ended.is_well:
            return copied
        with database.read() as session:
            if tables & named <= _vector_tables(session):
                break
    hint = "see that the disk has space and that the role may read every table of the database, then try again"
    raise _not_copied(ended.said, hint)


def _seen(session: Session, copy: Path, name: str) -> CopiedDatabase:
    """Return what a dump of what this session sees will be."""
    if session.scalar(text("SELECT to_regclass('alembic_version')")) is None:
        raise _no_database(name)
    server = server_version(session)
    return CopiedDatabase(
        path=copy,
        schema_revision=session.execute(text(REVISION)).scalar_one(),
        uploads=[(row[0], row[1]) for row in session.execute(text(UPLOADS))],
        segments=_segments(session.execute(text(SEGMENTS))),
        postgresql=PostgresqlVersions(server=server, pg_dump=find_program("pg_dump", server).version),
    )


def _vector_tables(session: Session) -> set[str]:
    return set(session.scalars(text(VECTOR_TABLES), {"schema": SCHEMA}))


def _segments(rows: Iterable[Sequence[Any]]) -> list[NamedSegment]:
    return [
        NamedSegment(index_id=index_id, id=segment_id, checksums=checksums) for index_id, segment_id, checksums in rows
    ]


def _no_database(name: str) -> NotFoundError:
    hint = "set PLAYGROUND_DATA_FOLDER and PLAYGROUND_DATABASE_URL as the service has them"
    return NotFoundError("database", name, hint=hint)


def _not_copied(said: str, hint: str) -> StorageError:
    return StorageError(f"the database cannot be copied: {said}", hint=hint, code="database_not_copied")
