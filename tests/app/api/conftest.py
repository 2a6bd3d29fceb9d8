"""A service in this process for all tests of the API, over a data folder of its own; no test here loads a model."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.testclient import TestClient

from app.api.service import Service
from app.main import create_app
from configs.settings import Settings
from indexes import workers
from tests.app.api.playground import DatabaseFile, Gate, Workspace
from tests.app.api.whole_answers import Client
from tests.database import ON_POSTGRESQL, database_url

POLLING_SECONDS = 0.05
BASE_URL = "http://127.0.0.1"


@pytest.fixture(scope="package")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the service's data."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="package")
def client(data_folder: Path) -> Iterator[TestClient]:
    """Yield a client of the service, whose workers take up jobs at once."""
    settings = Settings(
        data_folder=data_folder, demo=False, api_key=SecretStr(""), database_url=database_url(data_folder)
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(workers, "POLLING_SECONDS", POLLING_SECONDS)
        with Client(create_app(settings), base_url=BASE_URL) as one, file_of(one):
            yield one


@contextmanager
def file_of(client: TestClient) -> Iterator[None]:
    """Let workspaces of the client look into the service's database, so that they need not ask it in vain."""
    state = app_of(client).state
    if ON_POSTGRESQL:
        yield
        return
    with closing(sqlite3.connect(state.service.database.url.database, check_same_thread=False)) as connection:
        state.database_file = DatabaseFile(connection)
        yield
        del state.database_file


@pytest.fixture
def workspace(client: TestClient) -> Workspace:
    """Return a new, empty workspace whose default strategy needs no model."""
    return Workspace(client)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Yield a gate for jobs, opened at the end at the latest."""
    gate = Gate(monkeypatch)
    yield gate
    gate.open()


@pytest.fixture(scope="package")
def other_service(client: TestClient) -> Callable[..., TestClient]:
    """Return a function that makes a client of the same service under other settings, on the same data, workers and
    event loop.
    """

    def make(**settings: Any) -> TestClient:
        service: Service = app_of(client).state.service
        changed = service.settings.model_copy(update=settings)
        app = create_app(changed)
        app.state.service = replace(service, settings=changed, measures=app.state.measures)
        made = Client(app, base_url=BASE_URL, raise_server_exceptions=False)
        made.portal = client.portal
        return made

    return make


def app_of(client: TestClient) -> FastAPI:
    """Return the application behind a client."""
    assert isinstance(client.app, FastAPI)
    return client.app


@pytest.fixture(scope="module")
def shelf(client: TestClient) -> Workspace:
    """Return a workspace with a document that has metadata."""
    workspace = Workspace(client)
    workspace.send({"text": "some words", "external_id": "a", "metadata": {"team": "support"}})
    return workspace


@pytest.fixture
def unchanged(shelf: Workspace) -> Iterator[None]:
    """Check after each test that the workspace is as it was before."""
    before = shelf.state()
    yield
    assert shelf.state() == before
