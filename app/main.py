"""The application: wiring, lifespan, documentation pages."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

from fastapi import Depends, FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles

from app.api import problems
from app.api.authentication import bearer
from app.api.description import extend_description
from app.api.measures import Measures
from app.api.refusals import BodyLimit
from app.api.routers import (
    alerts,
    alias_history,
    aliases,
    archives,
    audit,
    catalog,
    chunkings,
    comparisons,
    contexts,
    documents,
    erasures,
    experiments,
    explanations,
    facts,
    feedback,
    groups,
    health,
    index_stores,
    indexes,
    jobs,
    keys,
    members,
    memories,
    metrics,
    personalisation,
    promotions,
    question_sets,
    quotas,
    reports,
    screenings,
    searches,
    shadowings,
    strategies,
    strategy_files,
    suggestions,
    trec_runs,
    turns,
    uploads,
    users,
    vectors,
    workspaces,
)
from app.api.safe_headers import SafeHeaders, policy_for
from app.api.service import Service
from app.api.watched import Watched
from app.demo import WORKSPACE, demo_progress, plant_demo
from app.installation import Installation, schema_revision
from configs.release import VERSION
from configs.settings import Settings

DEMO_POLL_SECONDS = 1.0
DESCRIPTION = """Decide what your language model gets to read: cut, embed and store your documents, compare retrieval
setups on your own questions, and assemble the context for each request.

Every example below runs as it is on the demo workspace: press *Try it out*, then *Execute*."""

logger = logging.getLogger("playground")


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the application for `settings`, by default those of the environment; nothing is opened before its
    start.
    """
    chosen = settings or Settings()
    app = FastAPI(
        title="Context-strategy playground",
        version=VERSION,
        description=DESCRIPTION,
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        responses=problems.PROBLEM_RESPONSES,
    )
    app.state.settings = chosen
    app.state.stopping = threading.Event()
    problems.install(app)
    extend_description(app, needs_key=bool(chosen.api_key.get_secret_value()))
    app.add_middleware(SafeHeaders)
    if chosen.named_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=chosen.named_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key"],
        )
    app.add_middleware(BodyLimit, limit_bytes=chosen.max_upload_bytes)
    app.state.measures = Measures(most_workspaces=chosen.metrics_workspaces, process=chosen.process_name)
    app.add_middleware(Watched, measures=app.state.measures)
    app.include_router(health.router)
    for module in (
        catalog, chunkings, workspaces, archives, uploads, documents, strategies, strategy_files, indexes, index_stores,
        vectors, searches, trec_runs, comparisons, contexts, explanations, question_sets, experiments, reports,
        screenings, shadowings, promotions, aliases, alias_history, erasures, jobs, personalisation, users, groups,
        facts, memories, suggestions, turns, feedback, members, keys, audit, quotas, metrics, alerts,
    ):  # fmt: skip
        app.include_router(module.router, dependencies=[Depends(bearer)])
    _serve_documentation(app)
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    installation = await asyncio.to_thread(Installation, settings)
    if settings.demo:
        await asyncio.to_thread(plant_demo, installation.database)
    await asyncio.to_thread(installation.start)
    pool = ThreadPoolExecutor(settings.request_threads, thread_name_prefix="request")
    app.state.service = Service(
        settings=settings,
        database=installation.database,
        retriever=installation.retriever,
        contexts=installation.contexts,
        workers=installation.workers,
        pool=pool,
        stopping=app.state.stopping,
        measures=app.state.measures,
        schema_revision=schema_revision(),
        demo_progress=lambda: demo_progress(installation.database),
    )
    watcher = asyncio.create_task(_show_demo_progress(app.state.service))
    try:
        yield
    finally:
        watcher.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watcher
        pool.shutdown(wait=True)
        app.state.service.readiness_pool.shutdown(wait=True, cancel_futures=True)
        await asyncio.to_thread(installation.stop)


async def _show_demo_progress(service: Service) -> None:
    """Log how far the demo is, until it is there."""
    shown = ""
    while True:
        progress = await service.run(service.demo_progress)
        if progress != shown:
            logger.info("%s parts are ready (workspace %r)" if progress != "off" else "%s", *_words(progress))
        shown = progress
        if progress == "off" or len(set(progress.removeprefix("demo: ").split(" of "))) == 1:
            return
        await asyncio.sleep(DEMO_POLL_SECONDS)


def _words(progress: str) -> tuple[str, ...]:
    return ("no demo workspace",) if progress == "off" else (progress, WORKSPACE)


def _serve_documentation(app: FastAPI) -> None:
    """Serve Swagger UI from local files; no page asks another host for anything."""
    spec = find_spec("fastapi_offline")
    assert spec is not None
    assert spec.origin is not None
    app.mount("/assets/swagger", StaticFiles(directory=Path(spec.origin).parent / "static"), name="swagger")

    @app.get("/docs", include_in_schema=False)
    async def swagger(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        page = get_swagger_ui_html(
            openapi_url=f"{root}{app.openapi_url}",
            title=app.title,
            swagger_js_url=f"{root}/assets/swagger/swagger-ui-bundle.js",
            swagger_css_url=f"{root}/assets/swagger/swagger-ui.css",
            swagger_favicon_url=f"{root}/assets/swagger/favicon.png",
            swagger_ui_parameters={"tryItOutEnabled": True, "docExpansion": "list", "displayRequestDuration": True},
        )
        page.headers["Content-Security-Policy"] = policy_for(bytes(page.body).decode())
        return page

    @app.get("/", include_in_schema=False)
    async def home(request: Request) -> RedirectResponse:
        return RedirectResponse(f"{request.scope.get('root_path', '')}/docs")
