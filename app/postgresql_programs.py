"""PostgreSQL's own programs, as found on PATH: `pg_dump` writes a database into a file, `pg_restore` brings it back."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import Literal, NamedTuple

from psycopg.conninfo import make_conninfo
from sqlalchemy import text
from sqlalchemy.orm import Session

from configs.errors import ConflictError
from indexes.database.engine import Database

SECRETS = ("password", "sslpassword")


class Ended(NamedTuple):
    """How a program ended: well or not, and the last line it said."""

    is_well: bool
    said: str


class Program(NamedTuple):
    """A program with the major version of PostgreSQL that it belongs to."""

    path: str
    version: int

    def run(self, database: Database, *arguments: str) -> Ended:
        """Run it over a database. Its arguments, which every user of the machine may see, hold no password."""
        _, options = database.engine.dialect.create_connect_args(database.url)
        told = {name: str(value) for name, value in options.items() if isinstance(value, str | int)}
        place = make_conninfo(**{name: value for name, value in told.items() if name not in SECRETS})
        environment = {**os.environ, "LC_ALL": "C"}
        if "password" in options:
            environment["PGPASSWORD"] = str(options["password"])
        done = subprocess.run(  # noqa: S603  # a program of PATH, with no shell
            [self.path, "--no-password", f"--dbname={place}", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        errors = [line for line in lines if "error" in line] or lines
        return Ended(is_well=done.returncode == 0, said=errors[0] if errors else f"it ended with {done.returncode}")


def find_program(name: Literal["pg_dump", "pg_restore"], at_least: int) -> Program:
    """Return the program; raise ConflictError `postgresql_program_missing` where there is none of this major version
    or a newer one.
    """
    path = shutil.which(name)
    version = 0 if path is None else _version(path)
    if path is None or version < at_least:
        what = "is not on PATH" if path is None else f"on PATH is of PostgreSQL {version}"
        raise ConflictError(
            f"{name} {what}; this needs version {at_least} or newer",
            hint=f"install PostgreSQL's client programs (Debian: postgresql-client-{at_least}), put them first on PATH",
            code="postgresql_program_missing",
        )
    return Program(path, version)


def server_version(session: Session) -> int:
    """Return the major version of the server."""
    return int(session.execute(text("SHOW server_version_num")).scalar_one()) // 10_000


def _version(path: str) -> int:
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603  # as above
    found = re.search(r"\d+", said)
    return int(found[0]) if found else 0
