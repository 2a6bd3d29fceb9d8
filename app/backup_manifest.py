"""What a backup says of itself: one tar file with a manifest that has the checksum of everything else in it."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Literal

from alembic.script import ScriptDirectory
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import make_url

import app
from configs.errors import ConflictError, InvalidInputError
from configs.settings import Settings

DATABASE_NAME = "playground.sqlite"
MANIFEST_NAME = "manifest.json"
MANIFEST_CHECKSUM_NAME = "manifest.sha256"
POSTGRESQL_HINT = (
    "for the database use `pg_dump --format=custom` and `pg_restore`; copy the folder `uploads` after the dump. "
    "Indexes are rebuilt from both"
)


class StoredFile(BaseModel):
    """One file of a backup."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    size_bytes: int


class BackupManifest(BaseModel):
    """The content of a backup by name, and which release wrote it. `left_out` is what was damaged or gone already."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1]
    release: str
    schema_revision: str
    created_at: datetime
    files: dict[str, StoredFile]
    left_out: list[str]

    def encoded(self) -> tuple[bytes, bytes]:
        """Return the manifest as bytes, and its checksum."""
        content = self.model_dump_json(indent=1).encode()
        return content, hashlib.sha256(content).hexdigest().encode()

    @classmethod
    def decoded(cls, content: bytes, checksum: bytes) -> BackupManifest:
        """Return the manifest that `encoded` wrote; raises InvalidInputError `damaged_backup`, or
        `unknown_schema` where a later release wrote it.
        """
        if hashlib.sha256(content).hexdigest().encode() != checksum:
            raise damaged_backup(MANIFEST_NAME)
        try:
            manifest = cls.model_validate_json(content)
        except ValidationError as error:
            raise damaged_backup(MANIFEST_NAME) from error
        if manifest.schema_revision not in known_revisions():
            raise InvalidInputError(
                f"the backup has schema {manifest.schema_revision!r} of release {manifest.release}, unknown here",
                hint=f"restore it with release {manifest.release} or a later one",
                code="unknown_schema",
            )
        return manifest


def known_revisions() -> set[str]:
    """Return the schema revisions that this release can bring up to date."""
    folder = Path(app.__file__).parent / "migrations"
    return {script.revision for script in ScriptDirectory(str(folder)).walk_revisions()}


def damaged_backup(name: str) -> InvalidInputError:
    """Return the error that says which part of a backup is not what was written."""
    return InvalidInputError(
        f"{name} of the backup is not what was written",
        hint="nothing was restored; use another backup, or copy this one again from where it came",
        code="damaged_backup",
    )


def sqlite_path(settings: Settings) -> Path:
    """Return the file of the database; raises ConflictError `backup_needs_pg_dump` where it is no SQLite."""
    url = make_url(settings.sqlalchemy_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise ConflictError(
            f"the database is {url.get_backend_name()}, which this command does not back up",
            hint=POSTGRESQL_HINT,
            code="backup_needs_pg_dump",
        )
    return Path(url.database)
