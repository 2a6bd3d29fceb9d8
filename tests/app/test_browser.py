"""Swagger UI in a real browser: it is served whole from this machine, and Execute works without typing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.running_server import RunningServer, running_server

pytestmark = pytest.mark.slow

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("browser")) as server:
        yield server


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    chromium = shutil.which("chromium")
    if chromium is None:
        assert "CI" not in os.environ, "CI needs Debian's chromium"
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(Path(chromium)), args=QUIET)
        yield browser.new_page(viewport={"width": 1300, "height": 1500})
        browser.close()


@pytest.fixture(scope="module")
def outside(page: Page, server: RunningServer) -> list[str]:
    """Open /docs; return the list that collects every address outside the server that the page asks for."""
    outside: list[str] = []
    own = f"http://127.0.0.1:{server.port}/"
    page.on("request", lambda request: None if request.url.startswith((own, "data:")) else outside.append(request.url))
    page.goto(f"{own}docs")
    page.wait_for_selector(".opblock")
    return outside


def execute(page: Page, path: str) -> str:
    """Open the operation at `path`, press Execute, and return the status that the page shows."""
    block = page.locator(".opblock", has=page.locator(f".opblock-summary-path[data-path='{path}']")).first
    block.locator(".opblock-summary-control").click()
    block.locator("button.execute").click()
    status = block.locator(".live-responses-table .response .response-col_status")
    status.wait_for()
    return status.inner_text().split()[0]


def test_no_request_leaves_the_machine(page: Page, outside: list[str]) -> None:
    assert page.locator(".opblock").count() > 30
    assert outside == []


@pytest.mark.parametrize("path", ["/health/live", "/v1/catalog", "/v1/chunkings/preview", "/v1/workspaces"])
def test_execute_answers_without_typing(page: Page, outside: list[str], path: str) -> None:
    assert execute(page, path).startswith("2")
    assert outside == []
