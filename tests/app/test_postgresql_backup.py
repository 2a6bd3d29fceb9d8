"""An installation on PostgreSQL, backed up and restored by its own programs, or refused with nothing changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import make_url

from app.backup import back_up
from app.backup_manifest import DUMP_NAME
from app.installation import migrate
from app.restore import restore
from configs.errors import ConflictError, PlaygroundError, StorageError
from configs.settings import Settings
from indexes.database.engine import Database
from indexes.database.pairing import pair, part
from indexes.segments import segment_folder
from indexes.shared_files import SharedFiles, share_files
from indexes.vector_tables import SCHEMA, table_name
from ingest.integrity import check_index
from ingest.recipe import IndexRecipe
from tests import postgresql
from tests.bucket import running_bucket
from tests.ingest.library import CHUNKER, HYBRID, Library, file_upload

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

IN_DATABASE = IndexRecipe.model_validate(
    {"chunker": CHUNKER, "embedder": {"kind": "hashing", "dimensions": 64}, "stores": [{"kind": "pgvector"}]}
)
QUERIES = ("amber", "basil words", "snow")
ORPHAN = table_name("i", "never-committed")
TABLES = (
    "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname !~ '^(pg_|information_schema)' ORDER BY 1"
)
DIGEST = """SELECT md5(coalesce(string_agg(one::text, ' ' ORDER BY one::text COLLATE "C"), '')) FROM """


def settings_of(folder: Path, url: str, object_store: str = "") -> Settings:
    return Settings(data_folder=folder, api_key=SecretStr(""), database_url=url, object_store=object_store)


def execute(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def contents(url: str) -> dict[str, str]:
    """Return a digest of the rows of every table."""
    with psycopg.connect(url) as connection:
        names = [name for (name,) in connection.execute(TABLES)]
        digests = {}
        for name in names:
            ((digests[name],),) = connection.execute(f"{DIGEST} {name} AS one".encode()).fetchall()
        return digests


def opened(settings: Settings) -> Library:
    database = Database(settings.sqlalchemy_url)
    pair(settings.data_folder, database)
    return Library(database, settings.data_folder)


def closed(library: Library) -> None:
    part(library.folder, library.database)
    library.database.close()


def outcomes(library: Library) -> list[list[tuple[object, ...]]]:
    return [
        library.outcome(query, recipe=recipe, index_id=index_id)
        for query in QUERIES
        for recipe, index_id in ((HYBRID, "i"), (IN_DATABASE, "v"))
    ]


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the programs of the server's version be first on PATH."""
    monkeypatch.setenv("PATH", f"{postgresql.programs()}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """Yield an installation with a file and a text in two indexes, one with its vectors in PostgreSQL."""
    folder = tmp_path_factory.mktemp("installation") / "data"
    settings = settings_of(folder, postgresql.database_of(folder))
    migrate(settings.sqlalchemy_url)
    library = opened(settings)
    library.index(HYBRID)
    library.index(IN_DATABASE, index_id="v")
    library.ingest(file_upload("a.txt", b"some amber words"))
    library.add(b="some basil words", c="snow \u2603 falls")
    yield library
    closed(library)


@pytest.fixture
def source(library: Library) -> Settings:
    return settings_of(library.folder, library.database.url.render_as_string(hide_password=False))


@pytest.fixture
def target(tmp_path: Path) -> Settings:
    """Return settings that lead to an empty database and folder."""
    folder = tmp_path / "restored" / "data"
    return settings_of(folder, postgresql.database_of(folder))


def plain(settings: Settings) -> str:
    """Return the URL that psycopg reads."""
    return make_url(settings.sqlalchemy_url).set(drivername="postgresql").render_as_string(hide_password=False)


def refusal(settings: Settings, file: Path) -> str:
    """Return the code with which a restore is refused; neither folder nor database has changed."""
    before = contents(plain(settings)) if settings.database_url else {}
    with pytest.raises(PlaygroundError) as told:
        restore(settings, file)
    assert not settings.data_folder.exists()
    assert not settings.database_url or contents(plain(settings)) == before
    return told.value.code


def script(folder: Path, name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program of that name first on PATH."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_what_comes_back_was_there(library: Library, source: Settings, target: Settings, tmp_path: Path) -> None:
    execute(plain(source), f"CREATE TABLE {SCHEMA}.{ORPHAN} AS SELECT 1 AS number")
    try:
        file, manifest = back_up(source, tmp_path)
    finally:
        execute(plain(source), f"DROP TABLE {SCHEMA}.{ORPHAN}")
    assert manifest.left_out == []
    assert [path.name for path in tmp_path.iterdir() if path.name != "restored"] == [file.name]
    execute(plain(target), "CREATE EXTENSION vector")  # as an administrator does who does not let the role do it
    assert restore(target, file) == manifest
    files = {path.relative_to(target.data_folder).as_posix()
             for path in target.data_folder.rglob("*") if path.is_file()}  # fmt: skip
    assert files == set(manifest.files) - {DUMP_NAME}
    assert contents(plain(target)) == contents(plain(source))
    restored = opened(target)
    assert outcomes(restored) == outcomes(library)
    for index_id in ("i", "v"):
        assert check_index(restored.database, restored.folder, "w", index_id).is_intact
    restored.add(d="some cedar words")
    assert len(restored.find("some", recipe=IN_DATABASE, index_id="v")) == 4
    closed(restored)


def test_a_restore_needs_an_empty_database_of_the_same_kind(source: Settings, target: Settings, tmp_path: Path) -> None:
    file, _ = back_up(source, tmp_path / "b.tar")
    for made, gone in (
        ("CREATE TABLE theirs (one int)", "DROP TABLE theirs"),
        ("CREATE SCHEMA dbos", "DROP SCHEMA dbos"),
    ):
        execute(plain(target), made)
        assert refusal(target, file) == "database_not_empty"
        execute(plain(target), gone)
    assert refusal(settings_of(tmp_path / "new", ""), file) == "backup_of_another_database"
    sqlite = settings_of(tmp_path / "sqlite", "")
    migrate(sqlite.sqlalchemy_url)
    assert refusal(target, back_up(sqlite, tmp_path / "s.tar")[0]) == "backup_of_another_database"
    restore(target, file)


def test_programs_that_are_missing_or_older_than_the_server_are_told(
    source: Settings, target: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, _ = back_up(source, tmp_path / "b.tar")
    for path, told in ((str(tmp_path), "not on PATH"), (str(postgresql.programs(16)), "PostgreSQL 16")):
        monkeypatch.setenv("PATH", path)
        with pytest.raises(ConflictError, match=told) as refused:
            back_up(source, tmp_path / "again.tar")
        assert refused.value.code == refusal(target, file) == "postgresql_program_missing"
        assert "postgresql-client-18" in refused.value.hint
    assert not (tmp_path / "again.tar").exists()


def test_a_password_is_in_no_argument(source: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = make_url(source.sqlalchemy_url).set(password="hidden-word").render_as_string(hide_password=False)
    told = tmp_path / "told"
    real = postgresql.programs() / "pg_dump"
    text = f'[ "$1" = --version ] && exec {real} --version\necho "$@" >> {told}\necho "env $PGPASSWORD" >> {told}\n'
    script(tmp_path / "bin", "pg_dump", f'{text}echo "pg_dump: error: no space" >&2\nexit 1', monkeypatch)
    with pytest.raises(StorageError, match="no space") as failed:
        back_up(settings_of(source.data_folder, url), tmp_path / "b.tar")
    assert failed.value.code == "database_not_copied"
    assert "hidden-word" not in str(failed.value.as_dict())
    arguments, environment = told.read_text(encoding="utf-8").splitlines()
    assert "--snapshot" in arguments
    assert "hidden-word" not in arguments
    assert environment == "env hidden-word"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", "told"]


def test_a_table_that_is_dropped_meanwhile_begins_the_dump_anew(
    library: Library, target: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data"
    library.database.close()  # a database that somebody uses is not copied
    mine = settings_of(folder, postgresql.copy_database(library.folder, folder))
    (table,) = [name for name in contents(plain(mine)) if name.startswith(f"{SCHEMA}.")][:1]
    flag, folder_of_programs = tmp_path / "dropped", postgresql.programs()
    drop = f"{folder_of_programs}/psql -q '{plain(mine)}' -c 'DROP TABLE {table}' && touch {flag}"
    text = f'[ "$1" = --version ] || [ -e {flag} ] || {drop}\nexec {folder_of_programs}/pg_dump "$@"'
    script(tmp_path / "bin", "pg_dump", text, monkeypatch)
    file, _ = back_up(mine, tmp_path / "b.tar")
    assert flag.exists()
    restore(target, file)
    assert contents(plain(target)) == contents(plain(mine))


def test_a_database_that_does_not_take_the_dump_stays_empty(source: Settings, tmp_path: Path) -> None:
    file, _ = back_up(source, tmp_path / "b.tar")
    folder = tmp_path / "data"
    url = postgresql.create("latin", "template0\" ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' --")
    try:
        with pytest.raises(StorageError) as told:
            restore(settings_of(folder, url), file)
        assert told.value.code == "database_not_restored"
        assert contents(url) == {}
    finally:
        postgresql.drop(url)


def test_what_lies_in_a_bucket_comes_back_into_another(library: Library, source: Settings, tmp_path: Path) -> None:
    target = tmp_path / "restored"
    with running_bucket() as bucket:
        for name in ("uploads", "segments"):
            SharedFiles(bucket.url, library.folder).share(library.folder / name)
        elsewhere = tmp_path / "machine"  # which has no file of its own
        file, manifest = back_up(settings_of(elsewhere, source.database_url, bucket.url), tmp_path / "b.tar")
        assert manifest.left_out == []
        assert {"uploads", "segments"} <= {name.partition("/")[0] for name in manifest.files}
        settings = settings_of(target, postgresql.database_of(target), bucket.url)
        with pytest.raises(ConflictError) as told:
            restore(settings, file)
        assert told.value.code == "object_store_not_empty"
        settings = settings.model_copy(update={"object_store": f"{bucket.url}/second"})
        restore(settings, file)
        kept = SharedFiles(settings.object_store, target)
        names = {one.path.relative_to(target.absolute()).as_posix() for one in kept.files(target)}
        assert names == set(manifest.files) - {DUMP_NAME}
        assert not (target / "uploads").exists()
        share_files(target, settings.object_store)
        restored = opened(settings)
        try:
            assert outcomes(restored) == outcomes(library)
            segment = restored.served("i")[0].segment_id
            (segment_folder(target, "i", segment) / "rows.bin").write_bytes(b"damaged")
            _, manifest = back_up(settings, tmp_path / "again.tar")
            assert manifest.left_out == []
        finally:
            share_files(target, "")
            closed(restored)
