"""Environment settings of the service; each has a sentence, and `docs/settings.md` is generated from them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from configs.errors import InvalidInputError

_ENDPOINT = r"https?://[^\s,=?#@]+(=[A-Z][A-Z0-9_]*)?"

_PREFIX = "PLAYGROUND_"
_OTHERS = re.compile(r"DATA|REPORT|URL|TEST_\w+")
"""Variables with the prefix that the tests and the examples read."""
SHORTEST_KEY = 24
"""Characters of an API key outside loopback, where whoever reaches the service may try keys."""


class Settings(BaseSettings):
    """What can be set from outside, as `PLAYGROUND_<NAME>` in the environment."""

    model_config = SettingsConfigDict(env_prefix="PLAYGROUND_", frozen=True, extra="ignore")

    data_folder: Path = Field(Path("data"), description="Folder of the database, the uploads and the index segments.")
    database_url: str = Field("", description="postgresql://user:password@host/database; empty means SQLite.")
    object_store: str = Field(
        "",
        pattern=r"^(s3://[a-z0-9][a-z0-9.-]*(/[A-Za-z0-9._-]+)*)?$",
        description="s3://bucket/prefix for the uploads and segments of all machines; empty means the data folder.",
    )
    host: str = Field("127.0.0.1", description="Address to listen on; outside loopback the service needs a key.")
    port: int = Field(8000, ge=0, le=65535, description="TCP port to listen on; 0 takes a free one.")
    root_path: str = Field("", description="Path prefix under which a reverse proxy publishes the service.")
    api_key: SecretStr = Field(
        SecretStr(""),
        description="An administrator's API key, of 24 characters or more outside loopback; without any, the service "
        "is open, on loopback only.",
    )
    gate_key: SecretStr = Field(
        SecretStr(""),
        description="API key that `context-playground gate --url` sends, for pipelines; the service itself does not "
        "read it.",
    )
    allowed_origins: str = Field(
        "",
        pattern=r"^(https?://[A-Za-z0-9.:\[\]-]+(, ?https?://[A-Za-z0-9.:\[\]-]+)*)?$",
        description="Origins whose pages may call the service (CORS), separated by commas; empty means none.",
    )
    alert_webhook: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="Address that alerts are sent to by POST; empty means none.",
    )
    alert_webhook_secret: SecretStr = Field(
        SecretStr(""), description="Secret of the HMAC-SHA256 signature of what is sent; empty means unsigned."
    )
    demo: bool = Field(True, description="Fill an empty data folder with the demo workspace at start.")
    worker: bool = Field(True, description="Run jobs in this process; without it, jobs wait for a process that does.")
    job_threads: int = Field(
        2,
        ge=1,
        le=64,
        description="Jobs that run at the same moment in a process; the one started last decides for all.",
    )
    request_threads: int = Field(8, ge=1, le=256, description="Requests that are computed at the same moment.")
    encoding_threads: int = Field(2, ge=1, le=256, description="Processor threads that one encoding batch may use.")
    model_folder: Path | None = Field(
        None, description="Folder searched first for embedding models by name; default: none."
    )
    allow_model_hub: bool = Field(False, description="Let embedders download models that are not on this machine.")
    embedder_urls: str = Field(
        "",
        pattern=rf"^({_ENDPOINT}(, ?{_ENDPOINT})*)?$",
        description="Endpoints that the embedder openai_compatible may call, separated by commas, each with the name "
        "of the variable that holds its key where it needs one: https://host/v1=NAME_OF_A_VARIABLE; empty means none.",
    )
    embedder_seconds: int = Field(
        10, ge=1, le=600, description="Longest time of a call to such an endpoint with its retries, in seconds."
    )
    embedder_calls: int = Field(
        4, ge=1, le=64, description="Calls to such an endpoint that one encoding makes at the same moment."
    )
    max_upload_bytes: int = Field(50_000_000, ge=1_000, description="Largest request body, in bytes.")
    max_import_bytes: int = Field(
        500_000_000, ge=1_000, description="Most bytes that an imported archive of a workspace may unpack to."
    )
    max_text_characters: int = Field(20_000_000, ge=1_000, description="Longest text of one document version.")
    office_memory_bytes: int = Field(
        500_000_000,
        ge=250_000_000,
        description="Memory that the process reading one Office file, book or mail may take (address space, in bytes).",
    )
    office_seconds: int = Field(
        10,
        ge=1,
        le=3_600,
        description="Processor time that reading one Office file, book or mail may take, in seconds; "
        "six times as long on the clock.",
    )
    max_documents_per_request: int = Field(1_000, ge=1, le=10_000, description="Most documents in one request.")
    metrics_workspaces: int = Field(
        50, ge=0, le=1_000, description="Workspaces that get a label of their own in the metrics; the rest is `other`."
    )
    process_name: str = Field(
        "", max_length=100, description="Name of this process in its metrics; empty means host and process id."
    )
    log_format: str = Field("text", pattern="^(text|json)$", description="Log lines as text or as JSON objects.")
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="Least severe log line shown.")

    @property
    def sqlalchemy_url(self) -> str:
        """Return the database's URL, SQLite in the data folder where none is set."""
        path = self.data_folder.resolve() / "playground.sqlite"
        return self.database_url or URL.create("sqlite", database=str(path)).render_as_string()

    @property
    def named_origins(self) -> tuple[str, ...]:
        """Return the origins whose pages may call the service."""
        return tuple(origin.strip() for origin in self.allowed_origins.split(",") if origin.strip())

    @property
    def embedder_endpoints(self) -> dict[str, str | None]:
        """Return the endpoints that embedders may call, each with the name of its key's variable, None without one."""
        entries = [entry.strip().partition("=") for entry in self.embedder_urls.split(",") if entry.strip()]
        return {url.rstrip("/"): variable or None for url, _, variable in entries}

    @property
    def is_loopback(self) -> bool:
        """Tell whether only this machine can reach the service."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def check_usable(self) -> None:
        """Raise InvalidInputError for a setting with which the service could not do what it says."""
        key = self.api_key.get_secret_value()
        backend = self.database_url.partition(":")[0].partition("+")[0]
        if key != key.strip() or not key.isascii() or not key.isprintable():
            raise _unusable(
                "API_KEY", "holds blanks at its ends or characters no header carries", "use letters, digits"
            )
        if key and len(key) < SHORTEST_KEY and not self.is_loopback:
            what = f"has {len(key)} characters, and other machines reach {self.host}"
            raise _unusable("API_KEY", what, f"use {SHORTEST_KEY} or more, as `openssl rand -hex 32` prints them")
        if backend not in ("", "sqlite", "postgresql"):
            raise _unusable("DATABASE_URL", f"names the database {backend!r}", "use postgresql://… or leave it empty")
        if self.database_url and not _is_url(self.database_url):
            what = "is no address of a database; its port must be a number, and its password percent-encoded"
            raise _unusable("DATABASE_URL", what, "use postgresql://user:password@host:5432/database")
        if self.object_store and backend != "postgresql":
            what = "is set, but the database lies in the data folder of this machine"
            raise _unusable("OBJECT_STORE", what, "set PLAYGROUND_DATABASE_URL to a PostgreSQL, or unset it")
        if self.root_path and (not self.root_path.startswith("/") or self.root_path.endswith("/")):
            raise _unusable("ROOT_PATH", f"is {self.root_path!r}", "begin it with / and end it without")
        for url, variable in self.embedder_endpoints.items():
            if variable is not None and not os.environ.get(variable):
                raise _unusable("EMBEDDER_URLS", f"names {variable} for {url}, which is not set", "set it")
        if self.model_folder is not None and not self.model_folder.is_dir():
            raise _unusable("MODEL_FOLDER", f"names {self.model_folder}, which is no folder", "make it, or unset it")

    def check_names(self, variables: Iterable[str]) -> None:
        """Raise InvalidInputError where one of the environment's variables looks like a setting and is none."""
        known = {name.upper() for name in Settings.model_fields}
        keys = {variable for variable in self.embedder_endpoints.values() if variable is not None}
        for variable in sorted(set(variables) - keys):
            name = variable.upper().removeprefix(_PREFIX)
            if name != variable.upper() and name not in known and not _OTHERS.fullmatch(name):
                near = get_close_matches(name, sorted(known), n=1)
                hint = f"did you mean {_PREFIX}{near[0]}? " if near else "unset it; "
                raise InvalidInputError(
                    f"{variable} is no setting", hint=hint + "docs/settings.md lists them all", code="unknown_setting"
                )


def _is_url(url: str) -> bool:
    try:
        make_url(url)
    except (ArgumentError, ValueError):
        return False
    return True


def unusable_setting(error: ValidationError) -> InvalidInputError:
    """Return the error for what the environment sets wrongly; values, which may be secret, are left out."""
    names = [(f"PLAYGROUND_{str(one['loc'][0]).upper()}", one["msg"]) for one in error.errors(include_input=False)]
    return InvalidInputError(
        "; ".join(f"{name}: {message}" for name, message in names),
        hint=f"mend {', '.join(name for name, _ in names)} as docs/settings.md says",
        code="unusable_setting",
    )


def _unusable(name: str, what: str, hint: str) -> InvalidInputError:
    return InvalidInputError(f"PLAYGROUND_{name} {what}", hint=hint, code="unusable_setting")
