"""What every request needs: settings, database, retrieval, jobs, and one pool for work that blocks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Annotated, TypeVar
from weakref import WeakValueDictionary

from fastapi import Depends, Request

from app.accounts.request_allowance import RequestAllowance
from app.api.measures import Measures
from app.context.contexts import Contexts
from app.context.retrieve import Retriever
from configs.settings import Settings
from indexes.database.engine import Database
from indexes.workers import Workers

T = TypeVar("T")


def _one_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="readiness")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The running service; made in the application's lifespan. `stopping` is set from the moment that it is to end."""

    settings: Settings
    database: Database
    retriever: Retriever
    contexts: Contexts
    workers: Workers
    pool: ThreadPoolExecutor
    stopping: threading.Event
    measures: Measures
    schema_revision: str
    demo_progress: Callable[[], str]
    under_way: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    allowance: RequestAllowance = field(default_factory=RequestAllowance)
    readiness_pool: ThreadPoolExecutor = field(default_factory=_one_thread)

    async def run(self, work: Callable[[], T]) -> T:
        """Do blocking work in the pool, on behalf of whoever asks for it, and return its result."""
        return await asyncio.get_running_loop().run_in_executor(self.pool, copy_context().run, work)

    def enqueue(self, job_id: str) -> None:
        """Hand a committed job to the workers; where that fails, their sweep finds it."""
        self.workers.enqueue(job_id)


def service_of(request: Request) -> Service:
    """Return the service the request came to."""
    service: Service = request.app.state.service
    return service


CurrentService = Annotated[Service, Depends(service_of)]
