"""Environment settings of the service; each has a sentence, and `docs/settings.md` is generated from them."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL


class Settings(BaseSettings):
    """What can be set from outside, as `PLAYGROUND_<NAME>` in the environment."""

    model_config = SettingsConfigDict(env_prefix="PLAYGROUND_", frozen=True, extra="ignore")

    data_folder: Path = Field(Path("data"), description="Folder of the database, the uploads and the index segments.")
    database_url: str = Field("", description="postgresql://user:password@host/database; empty means SQLite.")
    host: str = Field("127.0.0.1", description="Address to listen on; outside loopback the service needs a key.")
    port: int = Field(8000, ge=0, le=65535, description="TCP port to listen on; 0 takes a free one.")
    root_path: str = Field("", description="Path prefix under which a reverse proxy publishes the service.")
    api_key: SecretStr = Field(
        SecretStr(""),
        description="An administrator's API key; without any, the service is open, on loopback only.",
    )
    allowed_origins: str = Field(
        "",
        pattern=r"^(https?://[A-Za-z0-9.:\[\]-]+(, ?https?://[A-Za-z0-9.:\[\]-]+)*)?$",
        description="Origins whose pages may call the service (CORS), separated by commas; empty means none.",
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
    max_upload_bytes: int = Field(50_000_000, ge=1_000, description="Largest request body, in bytes.")
    max_text_characters: int = Field(20_000_000, ge=1_000, description="Longest text of one document version.")
    max_documents_per_request: int = Field(1_000, ge=1, le=10_000, description="Most documents in one request.")
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="Least severe log line shown.")

    @property
    def sqlalchemy_url(self) -> str:
        """Return the database's URL, SQLite in the data folder where none is set."""
        path = self.data_folder.resolve() / "playground.sqlite"
        return self.database_url or URL.create("sqlite", database=str(path)).render_as_string()

    @property
    def is_loopback(self) -> bool:
        """Tell whether only this machine can reach the service."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False
