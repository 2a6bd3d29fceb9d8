"""What a backup says of itself: one tar file with a manifest that has the checksum of everything else in it."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Literal

from alembic.script import ScriptDirectory
from pydantic import BaseModel, ConfigDict, ValidationError

import app
from configs.errors import InvalidInputError

SQLITE_NAME = "playground.sqlite"
DUMP_NAME = "playground.dump"
MANIFEST_NAME = "manifest.json"
MANIFEST_CHECKSUM_NAME = "manifest.sha256"


class StoredFile(BaseModel):
    """One file of a backup."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    size_bytes: int


class PostgresqlVersions(BaseModel):
    """The major versions of the server that was dumped, and of the program that dumped it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    server: int
    pg_dump: int


class BackupManifest(BaseModel):
    """The content of a backup by name, and which release wrote it. `left_out` is what was damaged or gone already;
    `postgresql` is there where the database is PostgreSQL's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1]
    release: str
    schema_revision: str
    created_at: datetime
    files: dict[str, StoredFile]
    left_out: list[str]
    postgresql: PostgresqlVersions | None = None

    @property
    def database_name(self) -> str:
        """Return which of the files is the database."""
        return SQLITE_NAME if self.postgresql is None else DUMP_NAME

    def encoded(self) -> tuple[bytes, bytes]:
        """Return the manifest as bytes, and its checksum."""
        content = self.model_dump_json(indent=1, exclude_none=True).encode()
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
