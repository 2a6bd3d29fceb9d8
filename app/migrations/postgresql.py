"""What PostgreSQL needs beside the tables: texts that are ordered by code point, whatever the database's language."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import Connection, text

from indexes.database.engine import Base

_ORDERED_OTHERWISE = text(
    """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_collation o ON o.oid = a.attcollation
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attnum > 0
      AND NOT a.attisdropped AND o.collname <> 'C' AND c.relname = ANY(:tables)
    """
)


def order_by_code_point(connection: Connection) -> None:
    """Give every text column of the service the collation `C`, which SQLite and Python have: sorted pages, cursors and
    ties must not depend on the language that a database was created with.
    """
    changes: dict[str, list[str]] = defaultdict(list)
    for table, column, kind in connection.execute(_ORDERED_OTHERWISE, {"tables": list(Base.metadata.tables)}):
        changes[table].append(f'ALTER COLUMN "{column}" TYPE {kind} COLLATE "C"')
    for table, columns in changes.items():
        connection.execute(text(f'ALTER TABLE "{table}" {", ".join(columns)}'))
