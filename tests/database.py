"""A database for a test, on SQLite or on PostgreSQL, and short ways to put rows into it.

PLAYGROUND_TEST_DATABASE=postgresql takes every database of the suite from PostgreSQL.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.orm import Session

from indexes.database.engine import Base, Database
from indexes.database.tables import Document, IndexRow, Segment, Served, Version, Workspace

ON_POSTGRESQL = os.environ.get("PLAYGROUND_TEST_DATABASE", "sqlite") == "postgresql"


def sqlite_only(reason: str) -> pytest.MarkDecorator:
    """Mark a test of what SQLite alone does; `reason` says what that is."""
    return pytest.mark.skipif(ON_POSTGRESQL, reason=reason)


def postgresql_only(reason: str) -> pytest.MarkDecorator:
    """Mark a test of what PostgreSQL alone does; `reason` says what that is."""
    return pytest.mark.skipif(not ON_POSTGRESQL, reason=reason)


def database_url(folder: Path, *, on_postgresql: bool = ON_POSTGRESQL) -> str:
    """Return the URL of the folder's database, empty at first: the same one for the same folder."""
    if not on_postgresql:
        return f"sqlite:///{folder / 'playground.sqlite'}"
    from tests.postgresql import database_of

    return database_of(folder)


@contextmanager
def fresh_database(folder: Path, *, on_postgresql: bool = ON_POSTGRESQL) -> Iterator[Database]:
    """Yield the folder's database with every table and no row; it is gone, or useless, afterwards."""
    if on_postgresql:
        from tests.postgresql import database_of, drop

        database = Database(database_of(folder, with_tables=True))
        try:
            yield database
        finally:
            database.close()
            drop(database.url.render_as_string(hide_password=False))
        return
    path = folder / "playground.sqlite"
    path.write_bytes(_empty_database(len(Base.metadata.tables)))
    with opened_database(folder, on_postgresql=False) as database:
        yield database


@contextmanager
def opened_database(folder: Path, *, on_postgresql: bool = ON_POSTGRESQL) -> Iterator[Database]:
    """Yield the folder's database as it is. It spares the disk: what a test writes need not outlive a power cut."""
    database = Database(database_url(folder, on_postgresql=on_postgresql))
    if not on_postgresql:
        event.listen(database.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    try:
        yield database
    finally:
        database.close()


def copy_folder(source: Path, folder: Path) -> None:
    """Copy a folder and its database, which nobody may use meanwhile."""
    shutil.copytree(source, folder, dirs_exist_ok=True)
    if ON_POSTGRESQL:
        from tests.postgresql import copy_database

        copy_database(source, folder)


@lru_cache
def _empty_database(_tables: int) -> bytes:
    """Return the file of a database with the tables that are imported, whose number keys the cache."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        Base.metadata.create_all(connection)
        content: bytes = connection.connection.driver_connection.serialize()  # type: ignore[union-attr]  # sqlite3's
    engine.dispose()
    return content


def add_workspace(session: Session, workspace_id: str = "w") -> Workspace:
    """Add an empty workspace."""
    workspace = Workspace(id=workspace_id, name=workspace_id, generation=0)
    session.add(workspace)
    session.flush()
    return workspace


def add_document(session: Session, document_id: str, *, workspace_id: str = "w", **values: Any) -> Document:
    """Add a document without a version."""
    defaults: dict[str, Any] = {"external_id": document_id, "title": document_id, "tags": [], "attributes": {}}
    document = Document(id=document_id, workspace_id=workspace_id, **{**defaults, **values})
    session.add(document)
    session.flush()
    return document


def add_version(session: Session, document: Document, number: int, *, state: str = "ready", **values: Any) -> Version:
    """Add the document's newest version; where it is ready, the document answers with it."""
    defaults: dict[str, Any] = {"title": "", "file_name": "", "media_type": "text/plain", "size_bytes": 0}
    version = Version(
        id=f"{document.id}-{number}",
        workspace_id=document.workspace_id,
        document_id=document.id,
        number=number,
        state=state,
        **{**defaults, "source_sha256": f"{document.id}{number}", **values},
    )
    session.add(version)
    document.latest_version_id = version.id
    if state == "ready":
        document.ready_version_id = version.id
    session.flush()
    return version


def add_index(session: Session, index_id: str, *, workspace_id: str = "w", **values: Any) -> IndexRow:
    """Add an index whose fingerprint is its id."""
    index = IndexRow(id=index_id, workspace_id=workspace_id, fingerprint=index_id, **{"recipe": {}, **values})
    session.add(index)
    session.flush()
    return index


def add_segment_row(session: Session, index_id: str, segment_id: str, rows: int = 1, **values: Any) -> Segment:
    """Add the manifest row of a segment without files."""
    defaults: dict[str, Any] = {"state": "live", "size_bytes": 0, "checksums": {}}
    segment = Segment(id=segment_id, index_id=index_id, rows=rows, **{**defaults, **values})
    session.add(segment)
    session.flush()
    return segment


def serve(
    session: Session, index_id: str, segment_id: str, version: Version, first_row: int = 0, row_count: int = 1
) -> None:
    """Let the index answer with rows of the segment for the version's document."""
    session.add(
        Served(
            index_id=index_id,
            document_id=version.document_id,
            version_id=version.id,
            segment_id=segment_id,
            first_row=first_row,
            row_count=row_count,
        )
    )
    session.flush()
