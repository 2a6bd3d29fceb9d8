"""Where a backup's database goes: what must be so before anything is written, and putting it in place at the end."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from app.backup_manifest import DUMP_NAME, SQLITE_NAME, BackupManifest, PostgresqlVersions
from app.database_copies import is_postgresql, sqlite_path
from app.postgresql_programs import find_program, server_version
from configs.errors import ConflictError, StorageError
from configs.settings import Settings
from indexes.database.engine import Database
from indexes.durable_files import sync_directory

FOREIGN_OBJECTS = text("""
    SELECT 'schema ' || nspname FROM pg_namespace AS one
    WHERE nspname NOT IN ('public', 'information_schema') AND NOT starts_with(nspname, 'pg_') AND NOT EXISTS
        (SELECT 1 FROM pg_depend WHERE classid = 'pg_namespace'::regclass AND objid = one.oid AND deptype = 'e')
    UNION ALL
    SELECT 'relation ' || relname FROM pg_class AS one
    WHERE relnamespace = to_regnamespace('public') AND NOT EXISTS
        (SELECT 1 FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = one.oid AND deptype = 'e')
    ORDER BY 1 LIMIT 1
""")
"""What an empty database does not have: schemas, and relations in `public`; those of extensions may be there."""


def check_database(settings: Settings) -> None:
    """Raise ConflictError unless the settings lead to a database that is empty or, SQLite's, is not there."""
    if not is_postgresql(settings):
        if sqlite_path(settings).resolve() != (settings.data_folder / SQLITE_NAME).resolve():
            hint = "leave PLAYGROUND_DATABASE_URL empty to restore"
            raise ConflictError("the database would not lie in the data folder", hint=hint, code="database_elsewhere")
        return
    database = Database(settings.sqlalchemy_url)
    try:
        with database.read() as session:
            found = session.scalar(FOREIGN_OBJECTS)
    finally:
        database.close()
    if found is not None:
        raise ConflictError(
            f"the database {database.url.database} is not empty: it has the {found}",
            hint="make an empty one (createdb) and name it in PLAYGROUND_DATABASE_URL",
            code="database_not_empty",
        )


def check_kind(settings: Settings, manifest: BackupManifest) -> None:
    """Raise ConflictError unless the backup's database can be brought back where the settings lead."""
    if (manifest.postgresql is not None) != is_postgresql(settings):
        needed = "lead to PostgreSQL" if manifest.postgresql is not None else "be empty"
        raise ConflictError(
            f"the backup holds {manifest.database_name}, which is of the other kind of database",
            hint=f"to restore it, PLAYGROUND_DATABASE_URL must {needed}",
            code="backup_of_another_database",
        )
    if manifest.postgresql is None:
        return
    find_program("pg_restore", manifest.postgresql.pg_dump)
    database = Database(settings.sqlalchemy_url)
    try:
        with database.read() as session:
            version = server_version(session)
    finally:
        database.close()
    if version < manifest.postgresql.server:
        raise ConflictError(
            f"the backup is of PostgreSQL {manifest.postgresql.server}, the server is of {version}",
            hint=f"restore it on PostgreSQL {manifest.postgresql.server} or newer",
            code="postgresql_too_old",
        )


def place_database(settings: Settings, staging: Path, postgresql: PostgresqlVersions | None) -> None:
    """Put the checked database in place, whole or not at all; raise StorageError where PostgreSQL does not take it."""
    if postgresql is None:
        (staging / SQLITE_NAME).rename(settings.data_folder / SQLITE_NAME)
        sync_directory(settings.data_folder)
        return
    database = Database(settings.sqlalchemy_url)
    try:
        ended = find_program("pg_restore", postgresql.pg_dump).run(
            database,
            "--single-transaction",
            "--exit-on-error",
            "--no-owner",
            "--no-privileges",
            "--no-comments",
            str(staging / DUMP_NAME),
        )
    finally:
        database.close()
    if not ended.is_well:
        raise StorageError(
            f"PostgreSQL did not take the database: {ended.said}",
            hint="the database is as it was; see to this, empty the data folder, and restore again",
            code="database_not_restored",
        )
